"""Long tables: one row per time and sensor, in columns that are told apart by name and content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers.table import Table, make_table
from stlora.data.readers.wide import MISSING, TIME_NAMES, to_numbers, to_time
from stlora.errors import InputError

NODE_NAMES = frozenset(
    {"node", "node_id", "sensor", "sensor_id", "station", "station_id", "detector", "detector_id", "location_id"}
    | {"entity_id", "link_id", "segment_id", "series_id", "unique_id", "item_id", "id"}
)
VALUE_NAMES = frozenset(
    {"value", "values", "y", "flow", "speed", "occupancy", "count", "volume", "traffic_flow", "traffic_speed", "target"}
)
_GROWTH, _FREE_CELLS = 100, 10_000_000  # a table that one row in a hundred cells fills is no table of measurements


class Columns(NamedTuple):
    """Where the time, the sensor and the value of a row stand."""

    time: int
    node: int
    value: int


def is_long(names: Sequence[str], rows: Sequence[Sequence[object]]) -> bool:
    """Whether these names and cells are those of a long table rather than a wide one.

    A table is long if it has columns for time and sensor by name and one other, or one that is named as values are,
    or text where a wide table has numbers.

    Args:
        names: the column names.
        rows: the cells of some rows.

    Example:
        >>> is_long(["time", "sensor", "flow"], [["2024-01-01", 7, 3.0]])
        True
        >>> is_long(["time", "north", "south"], [["2024-01-01", 7, 3.0]])
        False
    """
    return _roles(names, rows) is not None


def find_columns(names: Sequence[str], rows: Sequence[Sequence[object]], channel: str | None = None) -> Columns:
    """The columns of a long table.

    Args:
        names: the column names.
        rows: the cells of some rows.
        channel: the column of values, if the user names it.

    Raises:
        InputError: it is no long table, several columns may hold the values, or there is no column ``channel``.

    Example:
        >>> find_columns(["time", "sensor", "flow", "speed"], [["2024-01-01", 7, 3.0, 50.0]], "speed")
        Columns(time=0, node=1, value=3)
    """
    roles = _roles(names, rows)
    if roles is None:
        raise InputError(f"has columns {', '.join(map(repr, names))}; expected one each for time, sensor and value")
    time, node, values = roles
    if channel is not None:
        chosen = [i for i in values if names[i].strip() == channel]
    else:
        chosen = values if len(values) == 1 else [i for i in values if _plain(names[i]) in VALUE_NAMES]
    if len(chosen) != 1:
        listed = ", ".join(repr(names[i]) for i in values) or "none"
        wanted = (
            "choose one with stlora data convert --channel, or keep that column alone"
            if channel is None
            else f"{channel!r} is none of them"
        )
        raise InputError(f"has one row per time and {names[node]}, and columns of values {listed}; {wanted}")
    return Columns(time, node, chosen[0])


def _roles(names: Sequence[str], rows: Sequence[Sequence[object]]) -> tuple[int, int, list[int]] | None:
    """The columns of time and sensor, and those that may hold the values; None for a wide table."""
    plain = [_plain(name) for name in names]
    times = [i for i, name in enumerate(plain) if name in TIME_NAMES]
    if len(times) != 1 or not rows:
        return None
    others = [i for i in range(len(names)) if i != times[0]]
    nodes = [i for i in others if plain[i] in NODE_NAMES] or [i for i in others if len(others) == 2 and _text(rows, i)]
    if len(nodes) != 1:
        return None
    values = [i for i in others if i != nodes[0] and not _text(rows, i)]
    surely = len(values) == 1 or any(plain[i] in VALUE_NAMES for i in values) or _text(rows, nodes[0])
    return (times[0], nodes[0], values) if values and surely else None


def _plain(name: str) -> str:
    return name.strip().lower()


def _text(rows: Sequence[Sequence[object]], column: int) -> bool:
    """Whether all cells of the column are words, none of them a number or a sign for a missing one."""
    cells = [str(row[column]).strip() for row in rows]
    return not set(cells) & set(MISSING) and bool(pd.to_numeric(pd.Series(cells), errors="coerce").isna().all())


def to_table(time: pd.Series, node: pd.Series, value: pd.Series, name: str) -> Table:
    """Spread a long table out: one row per time, one column per sensor in the order in which they appear.

    Raises:
        InputError: a time or sensor is empty, a value is no number, a time and sensor have two values, or the table
            would be almost empty.
    """
    stamp, stamps, notes = _stamps(time)
    sensor, sensors = _sensors(node)
    values = to_numbers(value, name)
    cells = len(stamps) * len(sensors)
    if cells > max(_FREE_CELLS, _GROWTH * len(values)):
        raise InputError(
            f"has {len(values)} rows for {len(stamps)} times and {len(sensors)} sensors, a table of {cells} cells; "
            "expected most sensors at most times, choose the columns of time and sensor"
        )
    position = stamp * len(sensors) + sensor
    order = np.argsort(position, kind="stable")
    again = np.flatnonzero(np.diff(position[order]) == 0)
    if len(again):
        first, second = values[order[again]], values[order[again + 1]]
        differ = np.flatnonzero(~((first == second) | (np.isnan(first) & np.isnan(second))))
        if len(differ):
            row = order[again[differ[0]]]
            raise InputError(
                f"has two values for sensor {sensors[sensor[row]]!r} at {stamps[stamp[row]]}; keep one "
                "(or, if a clock was set back, write the times in UTC)"
            )
        notes += (f"{len(again)} repeated rows were dropped.",)
    spread = np.full(cells, np.nan, dtype=np.float32)
    with np.errstate(over="ignore"):  # make_table finds infinities and names them
        spread[position] = values
    return make_table(spread.reshape(len(stamps), len(sensors)), stamps, sensors, notes)


def _stamps(time: pd.Series) -> tuple[NDArray[np.intp], pd.DatetimeIndex, tuple[str, ...]]:
    """For each row the position of its time stamp, and the distinct time stamps in order."""
    texts, distinct = pd.factorize(time)
    if (texts < 0).any():
        raise InputError(f"row {int(np.flatnonzero(texts < 0)[0]) + 1} has no time stamp; every row needs one")
    index, notes = to_time(pd.Series(distinct))
    try:
        stamps, places = np.unique(index.as_unit("ns").asi8, return_inverse=True)
    except pd.errors.OutOfBoundsDatetime as error:
        raise InputError(f"time stamps run from {index.min()} to {index.max()}; expected 1678 to 2261") from error
    distinct_stamps = pd.DatetimeIndex(stamps.view("M8[ns]"))
    if index.tz is not None:
        distinct_stamps = distinct_stamps.tz_localize("UTC").tz_convert(index.tz)
    return places.reshape(-1)[texts], distinct_stamps, notes


def _sensors(node: pd.Series) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    codes, names = pd.factorize(node)
    texts = [_name(name) for name in names]
    if (codes < 0).any() or "" in texts:
        row = int(np.flatnonzero((codes < 0) | np.isin(codes, [i for i, text in enumerate(texts) if not text]))[0])
        raise InputError(f"row {row + 1} names no sensor; every row needs one")
    again, distinct = pd.factorize(np.array(texts, dtype=object))  # names that differ in spaces alone
    return again[codes], tuple(distinct)


def _name(name: object) -> str:
    return str(int(name)) if isinstance(name, float) and name.is_integer() else str(name).strip()
