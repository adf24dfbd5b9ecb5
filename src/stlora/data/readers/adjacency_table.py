"""Graphs as plain tables: a matrix in ``.npy``, or a CSV list of edges."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stlora.data.graph import KERNEL_THRESHOLD, from_distances, kernel_scale
from stlora.data.readers.graph import Graph
from stlora.data.readers.numpy_file import read_npy
from stlora.errors import InputError

_DISTANCES = ("cost", "distance")
_MAX_NODES = 20_000  # whose matrix [N, N] takes 1.6 GB


def read_matrix(path: Path) -> Graph:
    """Read an ``[N, N]`` matrix from a ``.npy`` file.

    Raises:
        InputError: the file is damaged or holds objects.
    """
    return Graph(None, read_npy(path))


def is_edge_list(head: bytes) -> bool:
    """Whether a file that begins with ``head`` has the header of an edge list."""
    return {"from", "to"} <= set(_header(head.decode("utf-8-sig", errors="replace")))


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
    links = _links(text, header, kinds[0])
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
    if len(names) > _MAX_NODES:
        raise InputError(
            f"joins {len(names)} nodes; a graph of more than {_MAX_NODES} is not supported, leave some out"
        )
    position = {node: i for i, node in enumerate(names)}
    matrix: NDArray[np.float64] = np.full((len(names), len(names)), np.inf if kind in _DISTANCES else 0.0)
    for (origin, target), value in edges.items():
        matrix[position[origin], position[target]] = value
    return Graph(names, *_weights(matrix, kind)) if kind in _DISTANCES else Graph(names, matrix)


def _header(text: str) -> list[str]:
    return [name.strip().lower() for name in text.partition("\n")[0].split(",")]


def _links(text: str, header: list[str], kind: str) -> list[Link]:
    columns = [header.index("from"), header.index("to"), header.index(kind)]
    links = []
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
        links.append(Link(origin, target, value))
    return links


def _edges(links: list[Link], kind: str) -> dict[tuple[str, str], float]:
    edges: dict[tuple[str, str], float] = {}
    for number, (origin, target, value) in enumerate(links, start=1):
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
