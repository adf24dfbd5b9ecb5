"""Where the sensors stand: ``sensor_id, latitude, longitude`` with a header, or three columns without one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stlora.errors import InputError

_SENSOR = ("sensor_id", "sensor", "node_id", "station_id", "station", "detid", "location_id", "id", "address", "name")
_LATITUDE, _LONGITUDE = ("latitude", "lat", "latitud"), ("longitude", "lon", "lng", "long", "longitud")
_EXPECTED = "sensor_id, latitude, longitude"


def read(path: Path) -> dict[str, tuple[float, float]]:
    """Read latitude and longitude in degrees by sensor id, between commas, semicolons or tabs.

    Raises:
        InputError: the columns are others, or a row holds no position on Earth.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
        separator = max(",;\t", key=(lines or [""])[0].count)
        rows = [row for row in csv.reader(lines, delimiter=separator, strict=True) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read as CSV ({error}); expected {_EXPECTED}") from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    named = [next((header.index(name) for name in names if name in header), None) for names in (_LATITUDE, _LONGITUDE)]
    named_by = next((header.index(name) for name in _SENSOR if name in header), None)
    if named_by is None and len(header) == 3 and None not in named:
        named_by = ({0, 1, 2} - {*named}).pop()
    if named_by is not None and None not in named:
        columns, rows = [named_by, *(i for i in named if i is not None)], rows[1:]
    elif len(header) == 3:  # PEMS-BAY's file has no header
        columns = [0, 1, 2]
    else:
        raise InputError(f"has columns {', '.join(map(repr, header)) or 'none'}; expected {_EXPECTED}")
    places: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows, start=1):
        sensor, place = _place(row, columns, number)
        if places.setdefault(sensor, place) != place:
            raise InputError(f"row {number} gives sensor {sensor!r} a second place; keep one")
    return places


def match(
    places: dict[str, tuple[float, float]], node_ids: Sequence[str]
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Coordinates ``[N, 2]`` of these sensors, or None with the reason if the file lacks one.

    Example:
        >>> match({"a": (51.9, 7.6)}, ["a"])[0].tolist()
        [[51.9, 7.6]]
    """
    unknown = [node for node in node_ids if node not in places]
    if unknown:
        return None, (f"it lacks {len(unknown)} of the {len(node_ids)} sensors (first: {unknown[0]!r})",)
    return np.array([places[node] for node in node_ids], dtype=np.float64), ()


def _place(row: list[str], columns: list[int], number: int) -> tuple[str, tuple[float, float]]:
    try:
        sensor, latitude, longitude = row[columns[0]].strip(), float(row[columns[1]]), float(row[columns[2]])
    except (IndexError, ValueError):
        sensor, latitude, longitude = "", 0.0, 0.0
    if not sensor or not abs(latitude) <= 90 or not abs(longitude) <= 180:
        raise InputError(f"row {number} is {','.join(row)!r}; expected a sensor id, latitude and longitude in degrees")
    return sensor, (latitude, longitude)
