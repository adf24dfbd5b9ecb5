"""What lies with LargeST's measurements: ``NAME_meta.csv`` and ``NAME_rn_adj.npy``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stlora.data.readers.graph import Graph
from stlora.data.readers.numpy_file import read_npy
from stlora.data.readers.table import GraphFile
from stlora.errors import InputError

UNIT = "vehicles per 5 min"
_COLUMNS = ("id", "lat", "lng")


@dataclass(frozen=True, eq=False)
class Meta:
    """The sensors of a LargeST data set, in the order of its graph.

    Attributes:
        node_ids: their ids.
        coordinates: ``[N, 2]`` latitude and longitude in degrees; or None where the file leaves them empty.
    """

    node_ids: tuple[str, ...]
    coordinates: NDArray[np.float64] | None


def read_meta(path: Path) -> Meta:
    """Read the columns ID, Lat and Lng.

    Raises:
        InputError: a column is missing, an id appears twice, or a cell is no number.
    """
    try:
        rows = [row for row in csv.reader(path.read_text("utf-8-sig").splitlines(), strict=True) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read as CSV ({error}); expected columns ID, Lat, Lng") from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if not set(_COLUMNS) <= set(header):
        raise InputError(f"has columns {', '.join(map(repr, header)) or 'none'}; expected ID, Lat, Lng")
    columns = [header.index(name) for name in _COLUMNS]
    try:
        cells = [[row[i].strip() for i in columns] for row in rows[1:]]
        empty = not any(lat or lng for _, lat, lng in cells)
        places = None if empty else np.array([[float(lat), float(lng)] for _, lat, lng in cells])
    except (IndexError, ValueError) as error:
        raise InputError(f"has a row without ID, Lat and Lng ({error}); export it again") from error
    ids = tuple(cell[0] for cell in cells)
    if len(set(ids)) != len(ids) or (places is not None and not (np.abs(places) <= (90, 180)).all()):
        raise InputError("names a sensor twice or places one off the Earth; expected one row per sensor")
    return Meta(ids, places)


@dataclass(frozen=True, eq=False)
class Companions:
    """What was found beside a series.

    Attributes:
        meta: the sensors, if a file tells them.
        graph: the graph, if there is one.
        notes: what was used or not.
    """

    meta: Meta | None
    graph: GraphFile | None
    notes: tuple[str, ...]

    def coordinates(self, node_ids: tuple[str, ...]) -> NDArray[np.float64] | None:
        """Where these sensors stand, if all are known."""
        if self.meta is None or self.meta.coordinates is None or not set(node_ids) <= set(self.meta.node_ids):
            return None
        position = {node: i for i, node in enumerate(self.meta.node_ids)}
        return self.meta.coordinates[[position[node] for node in node_ids]]


def find(folders: tuple[Path, ...]) -> Companions:
    """Look in these folders, in order, for one ``*_meta.csv`` and one ``*_rn_adj.npy``."""
    meta_path, graph_path = _only(folders, "*_meta.csv"), _only(folders, "*_rn_adj.npy")
    meta: Meta | None = None
    notes: tuple[str, ...] = ()
    if meta_path is not None:
        try:
            meta = read_meta(meta_path)
            notes = (f"The sensors are from {meta_path.name}, which lies with the data.",)
        except InputError as error:
            notes = (f"{meta_path.name} was not used: {error}.",)
    graph = None if graph_path is None else GraphFile(graph_path, lambda: _read_graph(graph_path, meta))
    return Companions(meta, graph, notes)


def _read_graph(path: Path, meta: Meta | None) -> Graph:
    matrix = read_npy(path)
    named = meta is not None and matrix.shape[:1] == (len(meta.node_ids),)
    return Graph(meta.node_ids if meta is not None and named else None, matrix)


def _only(folders: tuple[Path, ...], pattern: str) -> Path | None:
    for folder in folders:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
        if len(found) == 1:
            return found[0]
    return None
