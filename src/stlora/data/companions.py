"""The graph and the sensor locations that lie beside a series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stlora.data.readers import locations, sensor_ids
from stlora.data.readers.graph import Graph
from stlora.data.readers.graph_file import read_graph
from stlora.data.readers.table import GraphFile
from stlora.data.series import SensorSeries
from stlora.errors import InputError

LOCATIONS = ("*location*.csv", "detectors*.csv", "*ubicacion*.csv", "*_meta_*.txt")  # of UTD19, Madrid and PeMS


def attach_graph(series: SensorSeries, graph: Graph, path: Path) -> SensorSeries:
    """Give the series the graph that was read from ``path``.

    Raises:
        InputError: the graph does not fit the sensors; the message begins with ``path``.
    """
    try:
        adjacency, notes = graph.match(series.node_ids)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    notes = tuple(f"{path.name}: {note}" for note in notes)
    return replace(series, adjacency=adjacency, notes=series.notes + notes)


def attach_own_graph(series: SensorSeries, graph: GraphFile, required: bool) -> SensorSeries:
    """Take the graph that belongs to the series by its layout.

    Args:
        series: the series.
        graph: the file and how it is read.
        required: a graph that does not fit or cannot be read is an error rather than left out with a note.

    Raises:
        InputError: ``required``, and it cannot be read or does not fit; the message begins with its path.
    """
    try:
        try:
            found = graph.read()
        except InputError as error:
            raise InputError(f"{graph.path}: {error}") from error
        series = attach_graph(series, found, graph.path)
    except InputError as error:
        if required:
            raise
        return replace(series, notes=(*series.notes, f"{graph.path.name} was not used: {error}."))
    return replace(series, notes=(*series.notes, f"The graph is {graph.path.name}, which lies with the data."))


def attach_nearby_graph(series: SensorSeries, folder: Path, required: bool) -> SensorSeries:
    """Take the graph of the folder, if there is one: ``adj*.pkl``, or what DCRNN makes it of.

    That is ``distances*.csv`` between the sensors of ``graph_sensor_ids.txt``; both must be there.

    Args:
        series: the series that lies in the folder.
        folder: where to look.
        required: a graph that does not fit or cannot be read is an error rather than left out with a note.

    Raises:
        InputError: several graphs fit, or ``required`` and one cannot be read or none fits.
    """
    graphs: dict[Path, Graph] = {}
    for path in _graph_files(folder):
        try:
            graphs[path] = read_graph(path)
        except InputError as error:
            if required:
                raise
            series = replace(series, notes=(*series.notes, f"{path.name} was not used: {error}."))
    fitting = {path: graph for path, graph in graphs.items() if graph.knows(series.node_ids)}
    if len(fitting) > 1:
        names = ", ".join(path.name for path in fitting)
        raise InputError(f"{folder}: the graphs {names} both fit the data; name the one to use with --graph (graph=)")
    if not fitting and graphs and not required:
        note = f"{', '.join(path.name for path in graphs)} beside the file does not know these sensors; not used."
        return replace(series, notes=(*series.notes, note))
    for path, graph in (fitting or graphs).items():
        series = attach_graph(series, graph, path)
        series = replace(series, notes=(*series.notes, f"The graph is {path.name}, which lies with the data."))
    return series


def attach_nearby_locations(series: SensorSeries, folder: Path) -> SensorSeries:
    """Take the sensor locations of the folder, if there are any: ``*location*.csv``, or as agencies call them.

    Raises:
        InputError: several files know the sensors.
    """
    found: dict[Path, NDArray[np.float64]] = {}
    notes: tuple[str, ...] = ()
    for path in sorted({path for pattern in LOCATIONS for path in _files(folder, pattern)}):
        try:
            coordinates, lacking = locations.match(locations.read(path), series.node_ids)
        except InputError as error:
            coordinates, lacking = None, (str(error),)
        notes += tuple(f"{path.name} was not used: {reason}." for reason in lacking)
        if coordinates is not None:
            found[path] = coordinates
    if len(found) > 1:
        raise InputError(f"{folder}: {', '.join(path.name for path in found)} all place the sensors; keep one")
    for path, coordinates in found.items():
        note = f"Coordinates are from {path.name}, which lies with the data."
        return replace(series, coordinates=coordinates, notes=(*series.notes, note))
    return replace(series, notes=series.notes + notes)


def _graph_files(folder: Path) -> list[Path]:
    listed = (folder / sensor_ids.FILE_NAME).is_file()
    return _files(folder, "adj*.pkl") or (_files(folder, "distances*.csv") if listed else [])


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_file())
