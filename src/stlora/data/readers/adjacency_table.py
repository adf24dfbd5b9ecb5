"""Graphs as lists of edges: a CSV file with two node ids and a number in each row."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stlora.data.graph import KERNEL_THRESHOLD, from_distances, kernel_scale
from stlora.data.readers import graph_cells
from stlora.data.readers.graph import MAX_NODES, Graph
from stlora.errors import InputError

_DISTANCES = ("cost", "distance", "dist")
_ENDS = (("from", "to"), ("source", "target"), ("origin", "destination"), ("origin_id", "destination_id"))


def has_ends(header: list[str]) -> bool:
    """Whether a row of cells names the two ends of an edge.

    Example:
        >>> has_ends(["Source", "target", "weight"]), has_ends(["time", "a"])
        (True, False)
    """
    return _ends(_lower(header)) is not None


class Link(NamedTuple):
    """A row of a list of edges: two node ids and a number."""

    origin: str
    target: str
    value: float


def read_links(path: Path) -> tuple[list[Link], str]:
    """The rows of a list of edges as they stand, and the name of the column of numbers.

    Raises:
        InputError: a column is missing, a cell is no number of 0 or more, or there is no row.
    """
    return to_links(*graph_cells.read_rows(path))


def to_links(rows: list[list[str]], comma: bool) -> tuple[list[Link], str]:
    """As :func:`read_links`, of the cells of a file.

    Args:
        rows: the cells, as :func:`stlora.data.readers.graph_cells.read_rows` gives them.
        comma: whether numbers have decimal commas.

    Raises:
        InputError: as there.
    """
    header = _lower(rows[0]) if rows else []
    ends = _ends(header)
    kinds = [name for name in header if name in ("weight", *_DISTANCES)]
    if len(kinds) != 1 or ends is None or any(header.count(end) != 1 for end in ends):
        raise InputError(
            f"has columns {', '.join(map(repr, header))}; expected from, to and one of weight, cost, distance"
        )
    if any(len(row) != len(header) for row in rows[1:2]):
        raise InputError(f"row 1 has {len(rows[1])} cells and the header {len(header)}; export it again")
    columns = [header.index(ends[0]), header.index(ends[1]), header.index(kinds[0])]
    if comma:
        graph_cells.check_commas([row[columns[2]] for row in rows[1:]])
    links = []
    for number, row in enumerate(rows[1:], start=1):
        origin, target, cell = (row[i] for i in columns)
        value = graph_cells.number(cell, comma)
        if value is None or not 0 <= value < math.inf or not origin or not target:
            raise InputError(f"row {number} is {','.join(row)!r}; expected two node ids and a {kinds[0]} of 0 or more")
        links.append(Link(origin, target, value))
    if not links:
        raise InputError("lists no edges; expected one row per edge")
    return links, kinds[0]


def from_links(links: list[Link], kind: str, node_ids: tuple[str, ...] | None = None) -> Graph:
    """The directed graph of a list of edges whose numbers are a ``weight``, or a ``cost`` or ``distance``.

    Distances become weights by :func:`stlora.data.graph.from_distances`. Edges are taken as they stand; none is
    added in the other direction.

    Args:
        links: the edges.
        kind: what their numbers are.
        node_ids: the nodes, among them those of all edges; None for those of the edges alone.

    Raises:
        InputError: an edge has two values, there are too many nodes, or no weights follow from the distances.
    """
    edges = _edges(links, kind)
    names = node_ids or tuple(dict.fromkeys(node for edge in edges for node in edge))
    if len(names) > MAX_NODES:
        raise InputError(f"joins {len(names)} nodes; a graph of more than {MAX_NODES} is not supported, leave some out")
    position = {node: i for i, node in enumerate(names)}
    matrix: NDArray[np.float64] = np.full((len(names), len(names)), np.inf if kind in _DISTANCES else 0.0)
    for (origin, target), value in edges.items():
        matrix[position[origin], position[target]] = value
    return Graph(names, *_weights(matrix, kind)) if kind in _DISTANCES else Graph(names, matrix)


def _lower(header: list[str]) -> list[str]:
    return [name.strip().lower() for name in header]


def _ends(header: list[str]) -> tuple[str, str] | None:
    return next((ends for ends in _ENDS if set(ends) <= set(header)), None)


def _edges(links: list[Link], kind: str) -> dict[tuple[str, str], float]:
    edges: dict[tuple[str, str], float] = {}
    for number, (origin, target, value) in enumerate(links, start=1):
        if edges.setdefault((origin, target), value) != value:
            raise InputError(f"row {number} gives the edge from {origin!r} to {target!r} a second {kind}; keep one")
    return edges


def _weights(distances: NDArray[np.float64], kind: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    try:
        scale, weights = kernel_scale(distances), from_distances(distances)
    except InputError as error:
        raise InputError(
            f"all values of {kind} are equal or out of range, so no scale follows; give a weight column"
        ) from error
    edges = np.isfinite(distances)
    note = (
        f"Edge weights are exp(-(d/s)^2) of the column {kind} with s = {scale:.4g}, its standard deviation; "
        f"{int((edges & (weights == 0)).sum())} of {int(edges.sum())} below {KERNEL_THRESHOLD} were set to 0."
    )
    return weights, (note,)
