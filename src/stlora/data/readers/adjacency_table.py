"""Graphs as plain tables: a matrix in ``.npy``, or a CSV list of edges."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stlora.data.graph import KERNEL_THRESHOLD, from_distances, kernel_scale
from stlora.data.readers.graph import Graph
from stlora.errors import InputError

_DISTANCES = ("cost", "distance")

Edges = dict[tuple[str, str], float]


def read_matrix(path: Path) -> Graph:
    """Read an ``[N, N]`` matrix from a ``.npy`` file.

    Raises:
        InputError: the file is damaged or holds objects.
    """
    try:
        return Graph(None, np.load(path, allow_pickle=False))
    except InputError:
        raise
    except Exception as error:  # numpy parses the header as Python text
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"cannot be read as a numpy matrix ({reason}); save it again with numpy.save") from error


def is_edge_list(head: bytes) -> bool:
    """Whether a file that begins with ``head`` has the header of an edge list."""
    return {"from", "to"} <= set(_header(head.decode("utf-8-sig", errors="replace")))


def read_edge_list(path: Path) -> Graph:
    """Read directed edges: columns ``from``, ``to`` and ``weight``, or ``cost`` or ``distance``.

    Distances become weights by :func:`stlora.data.graph.from_distances`. Edges are taken as they stand; none is
    added in the other direction.

    Raises:
        InputError: a column is missing, a cell is no number of 0 or more, or an edge has two values.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from error
    header = _header(text)
    kinds = [name for name in header if name in ("weight", *_DISTANCES)]
    if len(kinds) != 1 or header.count("from") != 1 or header.count("to") != 1:
        raise InputError(
            f"has columns {', '.join(map(repr, header))}; expected from, to and one of weight, cost, distance"
        )
    edges = _edges(text, header, kinds[0])
    names = tuple(dict.fromkeys(node for edge in edges for node in edge))
    if not names:
        raise InputError("lists no edges; expected one row per edge")
    position = {node: i for i, node in enumerate(names)}
    matrix: NDArray[np.float64] = np.full((len(names), len(names)), np.inf if kinds[0] in _DISTANCES else 0.0)
    for (origin, target), value in edges.items():
        matrix[position[origin], position[target]] = value
    return Graph(names, *_weights(matrix, kinds[0])) if kinds[0] in _DISTANCES else Graph(names, matrix)


def _header(text: str) -> list[str]:
    return [name.strip().lower() for name in text.partition("\n")[0].split(",")]


def _edges(text: str, header: list[str], kind: str) -> Edges:
    columns = [header.index("from"), header.index("to"), header.index(kind)]
    edges: Edges = {}
    try:
        rows = list(csv.reader(text.splitlines()[1:], strict=True))
    except csv.Error as error:
        raise InputError(f"cannot be read as CSV ({error}); export it again") from error
    for number, row in enumerate(rows, start=1):
        if not row:
            continue
        if len(row) != len(header):
            raise InputError(f"row {number} has {len(row)} cells and the header {len(header)}; export it again")
        origin, target, cell = (row[i].strip() for i in columns)
        value = _number(cell)
        if value is None or not origin or not target:
            raise InputError(f"row {number} is {','.join(row)!r}; expected two node ids and a {kind} of 0 or more")
        if edges.setdefault((origin, target), value) != value:
            raise InputError(f"row {number} gives the edge from {origin!r} to {target!r} a second {kind}; keep one")
    return edges


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None


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
