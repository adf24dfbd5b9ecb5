"""Reads a graph file in whichever format it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stlora.data.readers import adjacency_pickle, adjacency_table, links, read_head, sensor_ids
from stlora.data.readers.adjacency_table import Link
from stlora.data.readers.graph import Graph
from stlora.data.readers.published import LINK_LISTS
from stlora.errors import InputError


def read_graph(path: Path) -> Graph:
    """Read DCRNN's ``.pkl``, a ``.npy`` matrix or a CSV list of edges, told apart by content.

    The published lists of PEMS03, 04, 07 and 08, known by their size, become the symmetric graph with weight 1 that
    published work uses; the distances of any other list become weights. The sensor ids in DCRNN's
    ``graph_sensor_ids.txt``, if it lies beside the file, name the rows of a ``.npy`` matrix and say which distances
    of a list are taken.

    Raises:
        InputError: the file cannot be read whole as any of them; the message begins with its path.
    """
    try:
        if path.is_dir():
            raise InputError("is a folder; name the graph file in it")
        head = read_head(path)
        if head.startswith(b"\x93NUMPY"):
            return _read_matrix(path)
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


def _read_matrix(path: Path) -> Graph:
    graph = adjacency_table.read_matrix(path)
    node_ids = sensor_ids.read_ids_beside(path)
    if node_ids is None:
        return graph
    if len(node_ids) != len(graph.adjacency):  # nothing tells whose order the rows have
        raise InputError(
            f"has shape {graph.adjacency.shape}, but {sensor_ids.FILE_NAME} beside it lists {len(node_ids)} sensors; "
            "put the matrix into a folder of its own if the list is not its order"
        )
    return replace(graph, node_ids=node_ids, notes=(f"The order of the nodes is that of {sensor_ids.FILE_NAME}.",))


def _read_edges(path: Path) -> Graph:
    rows, kind = adjacency_table.read_links(path)
    node_ids = tuple(dict.fromkeys(node for link in rows for node in (link.origin, link.target)))
    if (len(rows), len(node_ids)) in LINK_LISTS:
        return links.join(rows, kind, node_ids)
    listed = None if kind == "weight" else sensor_ids.read_ids_beside(path)
    if listed is None:
        return adjacency_table.from_links(rows, kind)
    if set(listed).isdisjoint(node_ids):  # DCRNN keeps the list of METR-LA beside the distances of PEMS-BAY too
        graph = adjacency_table.from_links(rows, kind)
        return replace(graph, notes=(*graph.notes, f"{sensor_ids.FILE_NAME} names none of its nodes; not used."))
    return _among(rows, kind, listed)


def _among(rows: list[Link], kind: str, node_ids: tuple[str, ...]) -> Graph:
    """The graph of the distances among these sensors alone, whose standard deviation is the scale, as DCRNN's is."""
    known = set(node_ids)
    kept = [link for link in rows if link.origin in known and link.target in known]
    if not kept:
        raise InputError(
            f"has no {kind} between two of the {len(node_ids)} sensors of {sensor_ids.FILE_NAME} beside it; "
            "put the list of its own sensors there, or none"
        )
    graph = adjacency_table.from_links(kept, kind, node_ids)
    note = f"{len(kept)} of {len(rows)} rows are between the {len(node_ids)} sensors of {sensor_ids.FILE_NAME}."
    alone = known - {node for link in kept for node in (link.origin, link.target)}
    if alone:
        first = next(node for node in node_ids if node in alone)
        note += f" {len(alone)} of these sensors have no {kind} and so no edge, not even to themselves"
        note += f" (first: {first!r})."
    return replace(graph, notes=(note, *graph.notes))
