"""Reads a graph file in whichever format it is."""

from __future__ import annotations

from pathlib import Path

from stlora.data.readers import adjacency_pickle, adjacency_table, links, read_head
from stlora.data.readers.graph import Graph
from stlora.data.readers.published import LINK_LISTS
from stlora.errors import InputError


def read_graph(path: Path) -> Graph:
    """Read DCRNN's ``.pkl``, a ``.npy`` matrix or a CSV list of edges, told apart by content.

    The published lists of PEMS03, 04, 07 and 08, known by their size, become the symmetric graph with weight 1 that
    published work uses; the distances of any other list become weights.

    Raises:
        InputError: the file cannot be read whole as any of them; the message begins with its path.
    """
    try:
        if path.is_dir():
            raise InputError("is a folder; name the graph file in it")
        head = read_head(path)
        if head.startswith(b"\x93NUMPY"):
            return adjacency_table.read_matrix(path)
        if adjacency_table.is_edge_list(head):
            return _read_edges(path)
        if path.suffix.lower() in (".csv", ".txt", ".npy"):
            raise InputError(
                f"begins with {head[:16]!r}; expected a CSV with columns from, to and weight, cost or distance, "
                "or a matrix written by numpy.save"
            )
        return adjacency_pickle.read(path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _read_edges(path: Path) -> Graph:
    rows, kind = adjacency_table.read_links(path)
    node_ids = tuple(dict.fromkeys(node for link in rows for node in (link.origin, link.target)))
    if (len(rows), len(node_ids)) in LINK_LISTS:
        return links.join(rows, kind, node_ids)
    return adjacency_table.from_links(rows, kind)
