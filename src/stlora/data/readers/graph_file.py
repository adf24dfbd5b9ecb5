"""Reads a graph file in whichever format it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stlora.data.readers import (
    adjacency_npz,
    adjacency_pickle,
    adjacency_table,
    adjacency_text,
    graph_cells,
    links,
    numpy_file,
    read_head,
    sensor_ids,
)
from stlora.data.readers.adjacency_table import Link
from stlora.data.readers.graph import Graph
from stlora.data.readers.published import LINK_LISTS
from stlora.errors import InputError


def read_graph(path: Path) -> Graph:
    """Read DCRNN's ``.pkl``, a matrix in ``.npy``, ``.npz`` or text, or a CSV list of edges, told apart by content.

    The published lists of PEMS03, 04, 07 and 08, known by their size, become the symmetric graph with weight 1 that
    published work uses; the distances of any other list become weights. A list of three columns without a header is
    read as DCRNN's, if its name begins with ``distances``. The sensor ids in DCRNN's
    ``graph_sensor_ids.txt``, if it lies beside the file, name the rows of a matrix without names and say which
    distances of a list are taken.

    Raises:
        InputError: the file cannot be read whole as any of them; the message begins with its path.
    """
    try:
        if path.is_dir():
            raise InputError("is a folder; name the graph file in it")
        head = read_head(path)
        if head.startswith(numpy_file.NPY_MAGIC):
            return _named(Graph(None, numpy_file.read_npy(path)), path)
        if head.startswith(numpy_file.NPZ_MAGIC):
            return _named(adjacency_npz.read(path), path)
        if path.suffix.lower() in _PICKLES or head.startswith(b"\x80"):
            return adjacency_pickle.read(path)
        if b"\0" in head or path.suffix.lower() == ".npy":
            raise InputError(f"begins with {head[:16]!r}; {_EXPECTED}")
        return _read_text(path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


_PICKLES = (".pkl", ".pickle", ".p")
_EXPECTED = (
    "expected a CSV with columns from, to and weight, cost or distance, a matrix [N, N] as text or written by "
    "numpy.save or scipy.sparse.save_npz, or DCRNN's pickle"
)


def _read_text(path: Path) -> Graph:
    rows, comma = graph_cells.read_rows(path)
    if not rows:
        raise InputError(f"holds empty lines alone; {_EXPECTED}")
    if adjacency_table.has_ends(rows[0]):
        return _read_edges(rows, comma, path)
    if _without_header(rows, comma):
        if not path.name.startswith("distances"):  # as DCRNN's are called
            first = ",".join(rows[0])[:60]
            raise InputError(
                f"begins with {first!r}; a list of edges needs a first line from,to,weight or from,to,distance"
            )
        graph = _read_edges([["from", "to", "distance"], *rows], comma, path)
        note = "The file has no header; its columns were taken for from, to and distance."
        return replace(graph, notes=(note, *graph.notes))
    matrix = adjacency_text.to_matrix(rows, comma)
    if matrix is None:
        raise InputError(f"begins with {','.join(rows[0])[:60]!r}; {_EXPECTED}")
    return _named(matrix, path)


def _without_header(rows: list[list[str]], comma: bool) -> bool:
    """Whether these may be edges: three columns, and no matrix of three nodes with or without a header."""
    if not rows or any(len(row) != 3 for row in rows[:1]) or graph_cells.number(rows[0][2], comma) is None:
        return False
    return len(rows) not in (3, 4) or all(cell.isalnum() for row in rows[-3:] for cell in row[:2])


def _named(graph: Graph, path: Path) -> Graph:
    """A graph with the names of the list beside it, if it has none of its own."""
    node_ids = sensor_ids.read_ids_beside(path) if graph.node_ids is None else None
    if node_ids is None:
        return graph
    if len(node_ids) != len(graph.adjacency):  # nothing tells whose order the rows have
        raise InputError(
            f"has shape {graph.adjacency.shape}, but {sensor_ids.FILE_NAME} beside it lists {len(node_ids)} sensors; "
            "put the matrix into a folder of its own if the list is not its order"
        )
    return replace(
        graph,
        node_ids=node_ids,
        notes=(
            *graph.notes,
            f"The order of the nodes is that of {sensor_ids.FILE_NAME}.",
        ),
    )


def _read_edges(cells: list[list[str]], comma: bool, path: Path) -> Graph:
    rows, kind = adjacency_table.to_links(cells, comma)
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
