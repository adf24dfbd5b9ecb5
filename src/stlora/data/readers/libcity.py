"""LibCity's atomic files: ``NAME.dyna``, one row per sensor and time, with ``.geo``, ``.rel`` and ``config.json``."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import delimited, json_file, libcity_graph, tables
from stlora.data.readers.cells import Numbers
from stlora.data.readers.table import GraphFile, Table
from stlora.errors import InputError

_KEYS = ("dyna_id", "type", "time", "entity_id")


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file begins with the columns of measurements at places, unlike trajectories."""
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"dyna_id,type,time,entity_id,")


def read(path: Path, *, channel: str | None = None) -> Table:
    """Read one column of measurements.

    The order of the sensors and their coordinates are those of ``NAME.geo``, the graph is ``NAME.rel``, as
    ``config.json`` says it is to be used.

    Args:
        path: the ``.dyna`` file.
        channel: the column; the first one that ``config.json`` lists, or the first of the file, if not given.

    Raises:
        InputError: there is no such column, or a row has no time, entity or number.
    """
    cells = delimited.read(path)
    header = list(cells.titles)
    config = path.with_name("config.json")
    info = json_file.read(config).get("info") if config.is_file() else None
    info = info if isinstance(info, dict) else {}
    name = _channel(header[len(_KEYS) :], channel, info.get("data_col"))
    keys = [_KEYS.index("time"), _KEYS.index("entity_id")]
    if not (cells.text(1).str.strip() == "state").all():
        raise InputError("holds rows that are no state of a place, such as trajectories; expected the type state")
    stamps = cells.text(keys[0]).str.removesuffix("Z")  # local, in spite of it
    values = Numbers(separator=cells.separator).of([cells.column(header.index(name))], [name])[:, 0]
    time, assumed, _ = tables.to_time(stamps)
    table = tables.spread(pd.Series(time), cells.text(keys[1]), values, name)
    table = replace(table, notes=(*assumed, *table.notes))
    others = [other for other in header[len(_KEYS) :] if other != name]
    note = f"The column {name} was read" + (f"; the file also holds {', '.join(others)}." if others else ".")
    table = replace(table, notes=(note, *table.notes), unit=_unit(name))
    if path.with_suffix(".geo").is_file():
        table = _in_order(table, path.with_suffix(".geo"))
    links = path.with_suffix(".rel")
    graph = GraphFile(links, lambda: libcity_graph.read(links, table.node_ids, info)) if links.is_file() else None
    return replace(table, graph=graph)


def _channel(names: list[str], wanted: str | None, listed: object) -> str:
    if not names:
        raise InputError("has no column after entity_id; expected measurements such as traffic_flow")
    if wanted is None:
        first = listed[0] if isinstance(listed, list) and listed else listed
        return str(first) if first in names else names[0]
    if wanted not in names:
        raise InputError(f"has the columns {', '.join(names)} and not {wanted!r}; choose one of these")
    return wanted


def _unit(name: str) -> str:
    return "vehicles" if name == "traffic_flow" else ""


def _in_order(table: Table, path: Path) -> Table:
    """The sensors in the order of the ``.geo`` file, with their coordinates if all of them are points."""
    places = _places(path)
    unknown = [node for node in table.node_ids if node not in places]
    if unknown:
        raise InputError(f"measures {unknown[0]!r}, which {path.name} does not list; get both files of one version")
    position = {node: i for i, node in enumerate(table.node_ids)}
    node_ids = tuple(node for node in places if node in position)
    points = [places[node] for node in node_ids]
    coordinates: NDArray[np.float64] | None = None
    note = f"{len(places) - len(node_ids)} of the {len(places)} places in {path.name} are not measured; left out."
    notes = table.notes + ((note,) if len(places) > len(node_ids) else ())
    if all(point is not None for point in points):
        coordinates = np.array(points, dtype=np.float64)
    else:
        notes += (f"{path.name} does not place all sensors at points; there are no coordinates.",)
    values = table.values[:, [position[node] for node in node_ids]]
    return replace(table, values=values, node_ids=node_ids, coordinates=coordinates, notes=notes)


def _places(path: Path) -> dict[str, tuple[float, float] | None]:
    """Latitude and longitude by id, None for what is no point on Earth."""
    try:
        rows = [row for row in csv.reader(delimited.read_text(path).splitlines(), strict=True) if row]
    except (OSError, InputError, csv.Error) as error:
        raise InputError(f"{path.name} cannot be read as CSV ({error}); get it again") from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    if "geo_id" not in header or any(len(row) != len(header) for row in rows):
        raise InputError(f"{path.name} has columns {', '.join(header) or 'none'}; expected geo_id, type, coordinates")
    column = header.index("coordinates") if "coordinates" in header else None
    places = {
        row[header.index("geo_id")].strip(): _point(row[column] if column is not None else "") for row in rows[1:]
    }
    if len(places) != len(rows) - 1:
        raise InputError(f"{path.name} lists a place twice; get it again")
    return places


def _point(text: str) -> tuple[float, float] | None:
    try:
        longitude, latitude = (float(number) for number in json.loads(text))  # GeoJSON: longitude first
    except (TypeError, ValueError, RecursionError, OverflowError):
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None
