"""Graphs that are named by how they are made rather than by a file."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from stlora.data.graph import from_coordinates, from_correlation
from stlora.data.series import SensorSeries
from stlora.errors import InputError

NEIGHBOURS = 8
_CHOICE = re.compile(r"(?P<kind>none|knn|correlation)(:(?P<neighbours>.*))?")


def names_graph(choice: str | Path | None) -> bool:
    """Whether ``choice`` says how to make a graph: ``none``, ``knn``, ``knn:5``, ``correlation``, ``correlation:5``.

    Anything else names a file, as does ``./knn``.

    Example:
        >>> names_graph("knn:5"), names_graph("./knn"), names_graph("roads.csv")
        (True, False, False)
    """
    return isinstance(choice, str) and _CHOICE.fullmatch(choice) is not None


def make_graph(series: SensorSeries, choice: str, rows: slice) -> SensorSeries:
    """The series with the graph that ``choice`` names, in place of the one it had.

    Args:
        series: the measurements.
        choice: one that :func:`names_graph` knows.
        rows: the steps of the training part.

    Raises:
        InputError: the choice is malformed, or the series has no coordinates or too few measurements for it.
    """
    kind, _, number = choice.partition(":")
    if (number and not number.isdecimal()) or choice.endswith(":") or (number and kind == "none"):
        raise InputError(f"the graph is {choice!r}; expected a file, none, knn, correlation, or a number as in knn:5")
    neighbours = int(number) if number else NEIGHBOURS
    if kind == "none":
        return replace(series, adjacency=None)
    if kind == "correlation":
        adjacency = from_correlation(series, rows, neighbours)
        note = f"The graph joins each sensor with the {neighbours} that deviate from their daily profile most alike."
    elif series.coordinates is None:
        raise InputError(
            f"the graph is {choice} and {series.name} has no coordinates; put a file *location*.csv with sensor_id, "
            "latitude, longitude beside the data, or use --graph correlation or a graph file"
        )
    else:
        adjacency = from_coordinates(series.coordinates, neighbours)
        note = f"The graph joins each sensor with its {neighbours} nearest, as the crow flies."
    return replace(series, adjacency=adjacency, notes=(*series.notes, note))
