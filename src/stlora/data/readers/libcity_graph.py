"""LibCity's ``NAME.rel``: which places are related, and by what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stlora.data.graph import KERNEL_THRESHOLD, from_distances
from stlora.data.readers import delimited
from stlora.data.readers.cells import Numbers
from stlora.data.readers.graph import Graph
from stlora.errors import InputError

_KEYS = ("rel_id", "type", "origin_id", "destination_id")
_DISTANCES = ("cost", "distance", "dist")


def read(path: Path, node_ids: tuple[str, ...], info: dict[str, Any]) -> Graph:
    """Read the relations between these places as LibCity does.

    ``set_weight_link_or_dist: link`` makes every weight 1, ``calculate_weight_adj`` turns distances into weights by
    the Gaussian kernel; without a configuration a column called cost or distance is taken for distances, and any
    other for weights.

    Args:
        path: the ``.rel`` file.
        node_ids: the places that are measured.
        info: the entry ``info`` of ``config.json``, empty if there is none.

    Raises:
        InputError: a column is missing, several may hold the weights, or a weight is no number.
    """
    cells = delimited.read(path)
    header = list(cells.titles)
    missing = [name for name in _KEYS[2:] if name not in header]
    if missing:
        raise InputError(f"has columns {', '.join(header)}; expected origin_id and destination_id")
    origin, target = (header.index(name) for name in _KEYS[2:])
    column = _weight_column(header, info)
    matrix = np.full((len(node_ids), len(node_ids)), np.inf)
    position = {node: i for i, node in enumerate(node_ids)}
    rows = cells.text(origin).str.strip().map(position), cells.text(target).str.strip().map(position)
    inside = (rows[0].notna() & rows[1].notna()).to_numpy()
    weights = np.ones(cells.rows)
    if column is not None:
        weights = Numbers(separator=cells.separator).of([cells.column(column)], [header[column]])[:, 0]
    if not (weights[inside] >= 0).all():
        raise InputError(f"column {header[column or 0]!r} holds a value below 0 or none; expected 0 or more")
    matrix[rows[0][inside].astype(int), rows[1][inside].astype(int)] = weights[inside]
    return _graph(matrix, node_ids, None if column is None else header[column], info)


def _weight_column(header: list[str], info: dict[str, Any]) -> int | None:
    named = info.get("weight_col")
    named = named[0] if isinstance(named, list) and len(named) == 1 else named
    if isinstance(named, str) and named in header:
        return header.index(named)
    others = [i for i, name in enumerate(header) if name not in _KEYS]
    if len(others) > 1:
        raise InputError(
            f"has several columns of weights ({', '.join(header[i] for i in others)}); name one as weight_col in "
            "config.json"
        )
    return others[0] if others else None


def _graph(matrix: np.ndarray[Any, Any], node_ids: tuple[str, ...], column: str | None, info: dict[str, Any]) -> Graph:
    related = np.isfinite(matrix)
    if column is None or info.get("set_weight_link_or_dist") == "link":
        return Graph(node_ids, related, ("Every relation has weight 1.",))
    distances = info["calculate_weight_adj"] if "calculate_weight_adj" in info else column.lower() in _DISTANCES
    if not distances:
        return Graph(node_ids, np.where(related, matrix, 0.0), (f"Edge weights are the column {column} as it stands.",))
    epsilon = info.get("weight_adj_epsilon", KERNEL_THRESHOLD)
    threshold = float(epsilon) if isinstance(epsilon, int | float) else KERNEL_THRESHOLD
    note = (
        f"Edge weights are exp(-(d/s)^2) of the column {column} with s its standard deviation, and 0 below {threshold}."
    )
    return Graph(node_ids, from_distances(matrix, threshold), (note,))
