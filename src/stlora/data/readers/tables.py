"""Tables as people have them: one column per sensor (wide), or one row per time and sensor (long).

What a column is follows from its name and from all of its cells, by the rules of :func:`find_roles`. Whatever is left
out is noted; what may be one thing or another is refused, with the option that settles it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import cells as table_cells
from stlora.data.readers import delimited, parquet
from stlora.data.readers.cells import Cells, Numbers, distinct, plain
from stlora.data.readers.table import Table, make_table
from stlora.data.time.hours import at_hours, by_order_of_rows, next_days, seconds_of_day
from stlora.data.time.stamps import Stamps, parse
from stlora.errors import InputError, UnneededOptionError

ROLES = ("time", "node", "value")
_STAMPS = frozenset(
    {"time", "timestamp", "time_stamp", "datetime", "date_time", "date time", "date/time", "zeit", "zeitstempel", "ds"}
    | {"datum_uhrzeit", "datum/uhrzeit", "datum/zeit", "fecha_hora", "fecha y hora", "horodate", "utc", "time_utc"}
)
_DATES = frozenset({"date", "datum", "fecha", "day", "tag", "dia", "jour"})
_HOURS = frozenset({"hour", "hours", "hora", "heure", "stunde", "uhrzeit", "clock", "time", "zeit", "time_of_day"})
_NODES = frozenset(
    {"node", "sensor", "station", "detector", "site", "location", "entity", "link", "segment", "series", "counter"}
    | {"id", "uid", "detid", "vds", "lcn", "unique_id", "messstelle", "zaehlstelle", "standort", "sensor_name"}
    | {"station_name", "site_name", "location_name", "device", "name"}
)
_VALUES = frozenset(
    {"value", "values", "y", "flow", "speed", "occupancy", "count", "counts", "volume", "traffic_flow", "traffic_speed"}
    | {"target", "density", "wert", "valor", "anzahl", "intensity", "concentration"}
)
_QUANTITIES = frozenset({"parameter", "pollutant", "variable", "quantity", "metric", "measure", "indicator", "species"})
_KEYS = frozenset(
    {"lane", "lanes", "direction", "dir", "class", "vehicle_class", "vehicle_type", "type", "kind", "mode", "channel"}
    | {"spur", "fahrstreifen", "richtung", "fahrtrichtung", "sentido", "carril"}
)
_FLAGS = frozenset(
    {"quality", "status", "flag", "flags", "valid", "validity", "comment", "comments", "remark", "remarks", "error"}
    | {"qualitaet", "qc", "holiday", "weekend", "is_holiday", "is_weekend", "weather"}
)
_UNITS = frozenset({"unit", "units", "einheit", "unidad"})
_PLACES = ({"latitude", "lat", "breitengrad"}, {"longitude", "lon", "lng", "long", "laengengrad"})
_COUNTERS = frozenset({"", "index", "row", "rownum", "row_number", "rowid", "nr", "no", "#", "level_0"})
_KEYS_OF_ROWS = frozenset({"id", "_id", "fid", "objectid", "ogc_fid", "pk"})
_CALENDAR = {
    "year": "year",
    "month": "month",
    "day": "day",
    "hour": "hour",
    "minute": "minute",
    "weekday": "day_of_week",
    "day_of_week": "day_of_week",
    "dow": "day_of_week",
    "dayofweek": "day_of_week",
    "jahr": "year",
    "monat": "month",
    "stunde": "hour",
    "wochentag": "day_of_week",
}
_PART = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")  # what differs in the names of parts
_SUMS = frozenset({"total", "totals", "sum", "summe", "gesamt", "somme", "suma"})
_PARTS_OF_TIME = (
    {"year", "jahr", "ano", "annee"},
    {"month", "monat", "mes", "mois"},
    {"day", "tag", "dia", "jour"},
    {"hour", "stunde", "hora", "heure"},
    {"minute", "minuto"},
)
_GROWTH, _FREE_CELLS = 100, 10_000_000  # a table that one row in a hundred cells fills is no table of measurements
_MOST, _HOURS_BACK, _SELDOM = 0.5, 8, 0.01  # of the sensors; rows of an hour or two, or a share of all
_LISTED = 6


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are, by their places.

    Attributes:
        time: of the time stamp, or of the date and the time of day.
        node: what names the sensor of a row; empty for a wide table.
        values: of the measurements; one for a long table, one per sensor for a wide one.
        places: of latitude and longitude, in a long table that has them.
        unit: of the unit of a row.
        quantity: of what a row measures, and what of it is wanted.
        notes: what is left out, a sentence each.
    """

    time: tuple[int, ...]
    node: tuple[int, ...]
    values: tuple[int, ...]
    places: tuple[int, ...] = ()
    unit: int | None = None
    quantity: tuple[int, str] | None = None
    notes: tuple[str, ...] = ()


def read_csv(
    path: Path,
    *others: Path,
    channel: str | None = None,
    columns: Mapping[str, str] | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
) -> Table:
    """Read a text table, wide or long.

    Args:
        path: the file.
        others: further parts of the same table.
        channel: the column or quantity to read, where there are several.
        columns: the titles of the columns of ``time``, ``node`` and ``value``, several of them joined by ``+``.
        decimal: the decimal mark, where it cannot be told from the numbers.
        day_first: whether days stand before months, where it cannot be told from the time stamps.

    Raises:
        InputError: it is no text, rows differ in length, or it does not tell what its columns are.
    """
    return to_table(
        table_cells.joined([delimited.read(one) for one in (path, *others)]), channel, columns, decimal, day_first
    )


def read_parquet(
    path: Path,
    *others: Path,
    channel: str | None = None,
    columns: Mapping[str, str] | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
) -> Table:
    """Read a Parquet table, wide or long; see :func:`read_csv`."""
    return to_table(
        table_cells.joined([parquet.read(one) for one in (path, *others)]), channel, columns, decimal, day_first
    )


def holds_series(path: Path) -> bool:
    """Whether a text file looks like measurements rather than a graph or a list of sensors."""
    try:
        top = delimited.top_of(path)
        first = pd.DataFrame([top.first]).reindex(columns=range(len(top.titles)))  # a short row is told when it is read
        _find_time(Cells(top.titles, lambda i: first[i], lambda i: first[i], 1, 1, top.separator, top.headless))
    except (OSError, InputError):
        return False
    return True


def are_parts(paths: Sequence[Path]) -> bool:
    """Whether files are parts of one table: of the same columns, and of names that differ in numbers alone."""
    if len({_PART.sub("#", path.name) for path in paths}) > 1:
        return False
    try:
        first, *others = (
            parquet.titles_of(path) if path.suffix == ".parquet" else delimited.top_of(path).titles for path in paths
        )
    except InputError:
        return False  # whoever reads them says why
    return all(titles == first for titles in others)


def parse_columns(columns: str | Mapping[str, str] | None) -> dict[str, str] | None:
    """The mapping of roles to titles that a user gives.

    Args:
        columns: such as ``time=date+hour,node=site,value=count``, or a mapping of the same.

    Raises:
        InputError: it is no such thing.

    Example:
        >>> parse_columns("time=date+hour, node=site")
        {'time': 'date+hour', 'node': 'site'}
    """
    if columns is None:
        return None
    if isinstance(columns, str):
        pairs = [part.partition("=") for part in columns.split(",") if part.strip()]
        found = {role.strip(): title.strip() for role, _, title in pairs}
        twice = len(found) < len(pairs)
    else:
        found, twice = {str(role): str(title) for role, title in columns.items()}, False
    if not found or twice or not set(found) <= set(ROLES) or not all(found.values()):
        raise InputError(f"columns are {columns!r}; expected time=TITLE,node=TITLE,value=TITLE or some of these")
    return found


def to_table(
    cells: Cells,
    channel: str | None = None,
    columns: Mapping[str, str] | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
) -> Table:
    """The measurements in the cells of a table; see :func:`read_csv`.

    Raises:
        InputError: it has no rows, its columns may mean several things, or a cell is no time, sensor or number.
    """
    if not cells.rows or not cells.titles:
        raise InputError(f"holds {cells.rows} rows of {len(cells.titles)} columns; expected one row per time step")
    cells = replace(cells, day_first=day_first)
    roles = find_roles(cells, channel, columns)
    if roles.quantity is not None:
        cells = _rows_of(cells, *roles.quantity)
    if not roles.values:
        raise InputError(f"holds {cells.rows} rows of 0 sensors; expected at least one of each")
    numbers = Numbers(table_cells.check_decimal(decimal), cells.separator)
    titles = [cells.titles[i] for i in roles.values]
    values = numbers.of([cells.column(i) for i in roles.values], titles)
    notes = (*cells.notes, *roles.notes, *numbers.notes())
    if not roles.node:
        unnamed = [i for i in roles.values if not cells.titles[i]]
        if unnamed:
            raise InputError(f"column {unnamed[0] + 1} has no name; expected the sensor's name in the header")
        time, assumed, found = _times_of_rows(cells, roles.time)
        times = len(time.unique())
        if len(time) >= 2 * times and len(roles.values) > 1 and _different(time, values) >= 2 * times:
            raise InputError(
                f"has {len(time)} rows of {times} times; if they are of several sensors, say which column "
                "names the sensor with --columns node=TITLE,value=TITLE, and otherwise keep one row per time"
            )
        table = make_table(values, time, tuple(titles), (*notes, *assumed))
        return replace(table, unit=cells.unit, day_first=found)
    node = _nodes(cells, roles.node)
    time, assumed, found = _long_times(cells, roles.time, node)
    table, again = spread_twice(time, pd.Series(pd.Categorical(node)), values[:, 0], titles[0])
    table = table if again is None else with_second(table, again)
    unit = cells.unit
    if roles.unit is not None:
        units = distinct(cells.text(roles.unit))[1]
        units = units[units != ""]
        if len(units) > 1:
            raise InputError(f"holds values in several units ({', '.join(units[:_LISTED])}); keep the rows of one")
        unit = str(units.iloc[0]) if len(units) else unit
    table = replace(table, unit=unit, notes=(*notes, *assumed, *table.notes), day_first=found)
    return _with_places(table, cells, roles, node)


def _different(time: pd.DatetimeIndex, values: NDArray[np.float64]) -> int:
    """How many rows there are, those that are repeated counted once."""
    return len(pd.DataFrame(values).assign(time=time.asi8).drop_duplicates())


def find_roles(cells: Cells, channel: str | None = None, columns: Mapping[str, str] | None = None) -> Roles:
    """What the columns of a table are.

    The time is in the column that is called so, in a date and a time of day, or in the first column that begins with a
    time stamp. A table is long if a column names sensors: by its name (``sensor``, ``station_id``, ``id`` ...), or by
    holding text that stands once beside each of several equal times. Row numbers, and columns that repeat the time, are
    left out.

    Args:
        cells: the table.
        channel: the column, or what the rows are to measure.
        columns: titles by role, which go before all rules.

    Raises:
        InputError: a title is not there, there is no time, or a column may be one thing or another.
    """
    given = {role: _places_of(cells, titles) for role, titles in (columns or {}).items()}
    names = cells.names
    notes = []
    time = given.get("time") or _find_time(cells)
    taken = {*time, *given.get("node", ()), *given.get("value", ())}
    rest = [i for i in range(len(names)) if i not in taken]
    nothing = [i for i in rest if _is_unnamed(names[i]) and cells.is_empty(i)]
    counting = [i for i in rest if i not in nothing and _counts_rows(cells, i, time)]
    if counting:
        listed = _list(cells.titles[i] or "without a name" for i in counting)
        notes.append(f"Columns of row numbers ({listed}) were left out.")
    other = [i for i in rest if i not in (*nothing, *counting) and _holds_times(cells, i)]
    if other:
        notes.append(f"Columns of other times ({_list(cells.titles[i] for i in other)}) were left out.")
    rest = [i for i in rest if i not in (*nothing, *counting, *other)]
    node = given.get("node") or _find_nodes(cells, rest, time, given.get("value", ()))
    rest = [i for i in rest if i not in node]
    if not node and cells.levels > 1:
        raise InputError("has several index levels; expected one time index and one column per sensor")
    if node:
        roles = _long(cells, time, node, rest, given, channel)
    else:
        roles = _wide(cells, time, rest, given.get("value", ()), channel)
    return replace(roles, notes=(*notes, *roles.notes))


def _places_of(cells: Cells, titles: str) -> tuple[int, ...]:
    """The places of the columns of these titles, joined by ``+`` unless one title is the whole text."""
    wanted = [titles] if titles in cells.titles else [title.strip() for title in titles.split("+")]
    found = []
    for title in wanted:
        same = [i for i, one in enumerate(cells.titles) if one == title]
        same = same or [i for i, name in enumerate(cells.names) if name == plain(title)]
        if len(same) != 1:
            state = "is there twice" if same else "is not there"
            raise UnneededOptionError(
                "columns", f"has the columns {_list(map(repr, cells.titles))}; {title!r} {state}, correct --columns"
            )
        found.append(same[0])
    return tuple(found)


def _find_time(cells: Cells) -> tuple[int, ...]:
    names = cells.names
    if not any(name in _STAMPS or name == "date" for name in names) and not _begins_with_stamp(cells, 0):
        split = [next((i for i, name in enumerate(names) if name in known), -1) for known in _PARTS_OF_TIME]
        if min(split[:3]) >= 0:  # year, month and day, each in a column
            return tuple(split[: split.index(-1)] if -1 in split else split)
    named = [i for i, name in enumerate(names) if name in _STAMPS or name in _DATES]
    if len(named) == 1 and named[0] > 0 and names[named[0]] == "day" and _begins_with_stamp(cells, 0):
        named = []  # a part of the date in the first column
    if not named:
        named = [i for i in range(len(names)) if _begins_with_stamp(cells, i)]
        named = named[:1] if named and (named[0] == 0 or cells.headless or _is_unnamed(names[0])) else []
        if not named:
            raise InputError(
                f"has no time column (columns: {_list(map(repr, cells.titles), 4)}); expected a first column of time "
                "stamps or one called time, or name it with --columns time=TITLE"
            )
        beside = [named[0] + 1] if cells.headless and named[0] + 1 < len(names) else []
    else:
        beside = [i for i, name in enumerate(names) if name in _HOURS and i != named[0]]
    if names[named[0]] in _STAMPS and len(named) == 2 and names[named[1]] in _DATES:
        named = named[::-1]  # time and date
        beside = [named[1]]
    others = [i for i in named[1:] if i not in beside]
    if not others and _is_date(cells, named[0]):
        hours = [i for i in beside if _is_clock(cells, i, cells.headless)]
        if len(hours) == 1:
            return named[0], hours[0]
    others = named[1:]
    whole = [i for i in named if not _is_date(cells, i)]
    if (
        len(others) == 1
        and len(whole) == 1
        and _begins_with_stamp(cells, whole[0])
        and _is_date_of(cells, named, whole[0])
    ):
        return (whole[0],)
    if others:
        raise InputError(
            f"columns {_list(repr(cells.titles[i]) for i in named)} all look like the time; name one with --columns "
            f"time={cells.titles[named[0]]}, or a date and a time of day with --columns time=DATE+TIME"
        )
    return (named[0],)


def _is_unnamed(name: str) -> bool:
    return name == "" or name.startswith(("unnamed:", "__index_level_"))


def _begins_with_stamp(cells: Cells, i: int) -> bool:
    column = cells.column(i)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    there = column.dropna()
    return bool(len(there)) and cells.is_text(i) and delimited.is_stamp(str(there.iloc[0]))


def _holds_times(cells: Cells, i: int) -> bool:
    """Whether a column holds dates or time stamps, such as the end of an interval."""
    column = cells.column(i)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    if not cells.is_text(i) or not _begins_with_stamp(cells, i):
        return False
    try:
        parse([str(cell) for cell in pd.factorize(column)[1]], day_first=cells.day_first)
    except InputError as error:
        return "day first or month first" in str(error)
    return True


def _is_date(cells: Cells, i: int) -> bool:
    """Whether a column holds dates without a time of day."""
    column = cells.column(i)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return False
    if pd.api.types.is_datetime64_dtype(column.dtype):
        there = column.dropna()
        return bool((there == there.dt.normalize()).all())
    _, texts = distinct(column)
    clock = texts.str.contains(r"\d:\d|T\d", regex=True).any()
    return not bool(clock) or bool(texts.str.contains(r"[ T]0?0:00(?::00)?$").all())


def _is_date_of(cells: Cells, named: Sequence[int], whole: int) -> bool:
    """Whether the other of two columns holds the dates of one with time stamps."""
    (other,) = (i for i in named if i != whole)
    if not _begins_with_stamp(cells, whole):
        return False
    try:
        date, stamp = (to_time(cells.text(i), cells.day_first).time for i in (other, whole))
    except InputError:
        return False
    return bool((date.tz_localize(None) == stamp.tz_localize(None).normalize()).all())


def _is_clock(cells: Cells, i: int, strictly: bool) -> bool:
    """Whether a column holds times of day; strictly, such as no number is."""
    _, texts = distinct(cells.column(i))
    texts = texts[texts != ""]
    return bool(len(texts)) and all(
        seconds_of_day(text) is not None and (":" in text or not strictly) for text in texts
    )


def _counts_rows(cells: Cells, i: int, time: tuple[int, ...]) -> bool:
    """Whether a column numbers the rows."""
    name = cells.names[i]
    if not (_is_unnamed(name) or name in _COUNTERS or name in _KEYS_OF_ROWS):
        return False
    column = cells.column(i)
    if cells.separator not in ("", ",") or column.dtype == object:
        column = pd.to_numeric(column, errors="coerce")
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return False
    if column.isna().any() or len(column) < 2:
        return False
    numbers = column.to_numpy(dtype=np.float64)
    steps = np.diff(numbers)
    if (numbers % 1 != 0).any() or not (steps > 0).all():
        return False
    if name == "" and i > 0:  # only the index of a data frame is written without a name
        return bool((steps == 1).all())
    if name in _KEYS_OF_ROWS:  # which may be the sensors at one time
        return bool(len(steps)) and bool((steps == 1).all()) and len(pd.factorize(cells.text(time[0]))[1]) > 1
    return True


def _find_nodes(cells: Cells, rest: Sequence[int], time: tuple[int, ...], values: tuple[int, ...]) -> tuple[int, ...]:
    """The column that names the sensor of a row; none in a wide table."""
    names = cells.names
    named = [i for i in rest if names[i] in _NODES or names[i].endswith(("_id", " id"))]
    named = [i for i in named if len(rest) + len(values) > len(named)] or []
    if named:
        return (_finest(cells, named),)
    free = [i for i in rest if names[i] not in (*_FLAGS, *_UNITS, *_QUANTITIES, *_KEYS)]
    texts = [i for i in free if len(cells.words(i))]
    if len(texts) != 1 or len(free) + len(values) < 2 or pd.api.types.is_bool_dtype(cells.column(texts[0]).dtype):
        return ()
    stamps = pd.factorize(_key(cells, time))[0]
    node = pd.factorize(cells.column(texts[0]))[0]
    if node.max() > 0 and (stamps.max() + 1 == len(stamps) or pd.DataFrame({0: stamps, 1: node}).duplicated().any()):
        return ()
    return (texts[0],)


def _key(cells: Cells, columns: Sequence[int]) -> pd.Series:
    """The texts of some columns of a row in one."""
    key = cells.text(columns[0]).astype(str)
    for i in columns[1:]:
        key = key.str.cat(cells.text(i).astype(str), sep="\x1f")
    return key


def _finest(cells: Cells, columns: Sequence[int]) -> int:
    """The one of several columns that name sensors on which the others depend."""
    codes = {i: pd.factorize(cells.text(i))[0] for i in columns}
    finest = max(columns, key=lambda i: (codes[i].max(), -columns.index(i)))
    for i in columns:
        if not _depends(codes[i], codes[finest]):
            raise InputError(
                f"has the columns {_list(repr(cells.titles[j]) for j in columns)}, which may all name the sensor; say "
                f"which with --columns node={cells.titles[finest]}, or node={cells.titles[i]}+{cells.titles[finest]} "
                "for both together"
            )
    return finest


def _depends(codes: NDArray[np.intp], on: NDArray[np.intp]) -> bool:
    """Whether one column has one value for each value of another."""
    frame = pd.DataFrame({"codes": codes, "on": on}).drop_duplicates()
    return not bool(frame["on"].duplicated().any())


def _wide(
    cells: Cells, time: tuple[int, ...], rest: Sequence[int], values: tuple[int, ...], channel: str | None
) -> Roles:
    """The roles of a table with one column per sensor."""
    if values:
        return Roles(time, (), values, notes=_not_read(cells, rest))
    names = cells.names
    notes: tuple[str, ...] = ()
    again = [i for i in rest if names[i] in _CALENDAR and _repeats_time(cells, i, time)]
    rest = [i for i in rest if i not in again]
    sums = [i for i in rest if names[i] in _SUMS and _adds_up(cells, i, rest)]
    rest = [i for i in rest if i not in sums]
    for what, left in (("repeat the time", again), ("add up others", sums)):
        if left:
            notes += (f"Columns that {what} ({_list(cells.titles[i] for i in left)}) were left out.",)
    flags = [i for i in rest if names[i] in _FLAGS or _is_flag_of_another(names[i], names)]
    rest = [i for i in rest if i not in flags]
    notes += _not_read(cells, flags)
    no_sensors = (*_KEYS, *_UNITS, *_QUANTITIES, *_CALENDAR, *_PLACES[0], *_PLACES[1])
    strange = [i for i in rest if names[i] in no_sensors]
    if strange:
        raise InputError(
            f"has a column {cells.titles[strange[0]]!r}, which is no sensor by its name, and no column that names "
            "sensors; say what to read with --columns value=TITLE+TITLE (and node=TITLE)"
        )
    if rest and all(names[i] in _VALUES for i in rest) and len(rest) > 1:
        chosen = [i for i in rest if channel is not None and channel in (cells.titles[i], names[i])]
        if len(chosen) != 1:
            wanted = "choose one with --channel" if channel is None else f"{channel!r} is none of them"
            raise InputError(
                f"has the columns {_list(repr(cells.titles[i]) for i in rest)}, which measure several things; {wanted}"
            )
        return Roles(time, (), tuple(chosen), notes=(*notes, *_not_read(cells, [i for i in rest if i not in chosen])))
    if channel is not None:
        raise UnneededOptionError("channel", "has one column per sensor, which needs no channel; leave out channel")
    truth = [i for i in rest if pd.api.types.is_bool_dtype(cells.column(i).dtype)]
    if truth and len(rest) > len(truth):
        raise InputError(
            f"column {cells.titles[truth[0]]!r}, row 1 holds {str(cells.column(truth[0]).iloc[0])!r}; expected a "
            "number, or name the columns to read with --columns value=TITLE+TITLE"
        )
    return Roles(time, (), tuple(rest), notes=notes)


def _repeats_time(cells: Cells, i: int, time: tuple[int, ...]) -> bool:
    """Whether a column holds a part of the time, such as the year."""
    try:
        stamps = _times_of_rows(cells, time).time
        part = np.asarray(getattr(stamps, _CALENDAR[cells.names[i]]))
        if len(cells.words(i)):  # such as Mon, Tue
            names = pd.factorize(cells.text(i))[0]
            return _depends(names, part) and _depends(part, names)
        numbers = pd.to_numeric(cells.column(i), errors="coerce").to_numpy(dtype=np.float64)
    except (InputError, AttributeError):
        return False
    return bool((numbers == part).all() or (_CALENDAR[cells.names[i]] == "day_of_week" and (numbers == part + 1).all()))


def _is_flag_of_another(name: str, names: Sequence[str]) -> bool:
    """Whether a column is called as another and a flag, such as ``north_flag`` or ``qc_north``.

    Example:
        >>> _is_flag_of_another("north_flag", ["north", "north_flag"]), _is_flag_of_another("qc_1", ["qc_1", "qc_2"])
        (True, False)
    """
    first, _, rest = name.replace(" ", "_").partition("_")
    before, _, last = name.replace(" ", "_").rpartition("_")
    others = {other.replace(" ", "_") for other in names}
    return (first in _FLAGS and rest in others) or (last in _FLAGS and before in others)


def _adds_up(cells: Cells, i: int, rest: Sequence[int]) -> bool:
    """Whether a column holds the sums of all others."""
    others = [j for j in rest if j != i]
    if len(others) < 2 or any(cells.is_text(j) for j in (i, *others)):
        return False
    total = sum(np.nan_to_num(cells.column(j).to_numpy(dtype=np.float64, na_value=np.nan)) for j in others)
    own = cells.column(i).to_numpy(dtype=np.float64, na_value=np.nan)
    return bool(np.isclose(own, total, rtol=1e-6)[~np.isnan(own)].all())


def _long(
    cells: Cells,
    time: tuple[int, ...],
    node: tuple[int, ...],
    rest: Sequence[int],
    given: Mapping[str, tuple[int, ...]],
    channel: str | None,
) -> Roles:
    """The roles of a table with one row per time and sensor."""
    names = cells.names
    unit = next((i for i in rest if names[i] in _UNITS), None)
    quantity = _quantity(cells, [i for i in rest if names[i] in _QUANTITIES], unit, channel)
    places = tuple(next((i for i in rest if names[i] in known), -1) for known in _PLACES)
    places = places if -1 not in places else ()
    aside = {i for i in rest if names[i] in (*_KEYS, *_FLAGS, *_UNITS, *_QUANTITIES, *_PLACES[0], *_PLACES[1])}
    measured = [i for i in rest if i not in aside and (cells.has_numbers(i) or names[i] in _VALUES)]
    wanted = None if quantity is not None else channel
    values = given.get("value") or _value(cells, node, measured, wanted)
    if len(values) > 1:
        raise InputError("has one row per time and sensor; expected one column of values in --columns value=TITLE")
    left = [i for i in rest if i not in (*values, *places, unit) and (quantity is None or i != quantity[0])]
    notes: tuple[str, ...] = ()
    if "node" not in given:
        keys = [i for i in left if names[i] in (*_KEYS, *_QUANTITIES) and _tells_apart(cells, node, i)]
        if keys:
            listed = _list(repr(cells.titles[i]) for i in keys)
            notes = (f"{listed} tells rows of one sensor apart; each is a sensor of its own, called as in SENSOR/1.",)
            node = (*node, *keys)
            left = [i for i in left if i not in keys]
        _check_no_key(cells, node, [i for i in left if i not in measured])
    return Roles(time, node, values, places, unit, quantity, (*notes, *_not_read(cells, left)))


def _quantity(cells: Cells, columns: Sequence[int], unit: int | None, channel: str | None) -> tuple[int, str] | None:
    """The column that says what a row measures, and what is wanted of it; None if all rows are.

    What is measured in one unit may be of one series.
    """
    one_unit = unit is not None and len(distinct(cells.text(unit))[1]) == 1
    for i in columns:
        _, found = distinct(cells.text(i))
        if channel in set(found):
            return i, str(channel)
        if len(found) > 1 and (channel is not None or not one_unit):
            wanted = "choose one with --channel (channel=)" if channel is None else f"{channel!r} is none of them"
            raise InputError(f"has rows of several kinds in the column {cells.titles[i]!r} ({_list(found)}); {wanted}")
    return None


def _value(cells: Cells, node: Sequence[int], measured: Sequence[int], channel: str | None) -> tuple[int, ...]:
    if channel is not None:
        chosen = [i for i in measured if channel == cells.titles[i] or plain(channel) == cells.names[i]]
    else:
        chosen = list(measured)
        if len(measured) > 1:
            chosen = [i for i in measured if cells.names[i] in _VALUES]
    if len(chosen) != 1:
        listed = _list(repr(cells.titles[i]) for i in measured) or "none"
        wanted = "choose one with --channel (channel=)" if channel is None else f"{channel!r} is none of them"
        raise InputError(f"has one row per time and {cells.titles[node[0]]}, and columns of values {listed}; {wanted}")
    return tuple(chosen)


def _tells_apart(cells: Cells, node: Sequence[int], i: int) -> bool:
    """Whether a column has several values for one sensor."""
    return not _depends(pd.factorize(cells.column(i))[0], pd.factorize(_key(cells, node))[0])


def _check_no_key(cells: Cells, node: Sequence[int], columns: Sequence[int]) -> None:
    """Refuse columns that tell rows of one sensor apart, such as lanes, as their values would be strung together."""
    for i in columns:
        if cells.names[i] in _FLAGS or not _tells_apart(cells, node, i):
            continue
        title, sensors = cells.titles[i], "+".join(cells.titles[j] for j in node)
        raise InputError(
            f"has several {title!r} for one sensor ({_list(distinct(cells.column(i))[1], 3)}); make each a sensor with "
            f"--columns node={sensors}+{title}, or keep the rows of one, or ignore that column with --columns "
            f"node={sensors}"
        )


def _not_read(cells: Cells, columns: Sequence[int]) -> tuple[str, ...]:
    if not columns:
        return ()
    return (f"Columns that were not read: {_list(cells.titles[i] or 'one without a name' for i in columns)}.",)


def _list(words: object, most: int = _LISTED) -> str:
    found = [str(word) for word in words]  # type: ignore[attr-defined]
    return ", ".join(found[:most]) + (", ..." if len(found) > most else "")


def _rows_of(cells: Cells, i: int, wanted: str) -> Cells:
    """The rows that measure what is wanted."""
    codes, texts = distinct(cells.text(i))
    keep = np.isin(codes, np.flatnonzero(texts == wanted))
    note = f"Rows of {wanted} were read; the table also holds {_list(texts[texts != wanted])}."
    return replace(
        cells,
        column=lambda j: cells.column(j)[keep].reset_index(drop=True),
        text=lambda j: cells.text(j)[keep].reset_index(drop=True),
        rows=int(keep.sum()),
        notes=(*cells.notes, note) if not keep.all() else cells.notes,
    )


def to_time(column: pd.Series, day_first: bool | None = None) -> Stamps:
    """Time stamps; see :func:`stlora.data.time.stamps.parse`.

    Raises:
        InputError: a cell is no time stamp; names row and text.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Stamps(pd.DatetimeIndex(column))
    return parse(["" if cell is pd.NaT or cell is None or cell != cell else str(cell) for cell in column], day_first)


def _times_of_rows(cells: Cells, columns: Sequence[int]) -> Stamps:
    """The time stamps of a table that has one row per time, in the order of its rows."""
    if len(columns) > 2:
        stamps, more = next_days(_of_parts(cells, columns))
        return Stamps(stamps, more)
    time, notes, found = to_time(cells.text(columns[0]), cells.day_first)
    if len(columns) == 1:
        stamps, more = next_days(time)
        return Stamps(stamps, notes + more, found)
    stamps, more = at_hours(time.normalize(), cells.text(columns[1]))
    notes += more
    hours = stamps.asi8 // (3600 * 10**9)
    if len(stamps) > 1 and (stamps.asi8 % (3600 * 10**9) == 0).all() and (np.diff(hours) <= 0).any():
        days = time.normalize().asi8 // (24 * 3600 * 10**9)
        stamps, more = by_order_of_rows(days, hours - 24 * days)  # a day may run from six to six under one date
    else:
        stamps, more = next_days(stamps)
    return Stamps(stamps, notes + more, found)


def _of_parts(cells: Cells, columns: Sequence[int]) -> pd.DatetimeIndex:
    """Time stamps of year, month, day and perhaps hour and minute in columns of their own."""
    names = ("year", "month", "day", "hour", "minute")
    parts = {name: pd.to_numeric(cells.text(i), errors="coerce") for name, i in zip(names, columns, strict=False)}
    time = pd.DatetimeIndex(pd.to_datetime(pd.DataFrame(parts), errors="coerce"))
    if time.hasnans:
        row = int(np.flatnonzero(time.isna())[0])
        shown = ", ".join(str(cells.text(i).iloc[row]) for i in columns)
        raise InputError(
            f"row {row + 1} has the time {shown!r}; expected {', '.join(names[: len(columns)])} as numbers"
        )
    return time


def _long_times(cells: Cells, columns: Sequence[int], node: pd.Series) -> Stamps:
    """The time stamp of each row of a long table, in which times repeat."""
    if len(columns) > 2:
        time, more = next_days(_of_parts(cells, columns), pd.factorize(node)[0])
        return Stamps(time, more)
    column = cells.text(columns[0])
    codes, texts = pd.factorize(column)
    if (codes < 0).any():
        raise InputError(f"row {int(np.flatnonzero(codes < 0)[0]) + 1} has no time stamp; every row needs one")
    index, notes, found = to_time(pd.Series(texts), cells.day_first)
    time = index.take(codes)
    if len(columns) > 1:
        time, more = at_hours(time.normalize(), cells.text(columns[1]))
        notes += more
    time, more = next_days(time, pd.factorize(node)[0])
    return Stamps(time, notes + more, found)


def _nodes(cells: Cells, columns: Sequence[int]) -> pd.Series:
    """The name of each row's sensor; several columns are joined by a slash."""
    names: pd.Series | None = None
    for i in columns:
        codes, found = pd.factorize(cells.text(i))
        texts = np.array([*(_name(cell) for cell in found), ""], dtype=object)
        one = pd.Series(texts[codes], dtype=object)
        empty = np.flatnonzero(one == "")
        if len(empty):
            raise InputError(f"row {int(empty[0]) + 1} names no sensor; every row needs one")
        names = one if names is None else names.str.cat(one, sep="/")
    assert names is not None
    return names


def _name(node: object) -> str:
    return str(int(node)) if isinstance(node, float) and node.is_integer() else str(node).strip()


def _with_places(table: Table, cells: Cells, roles: Roles, node: pd.Series) -> Table:
    """The table with the coordinates that its rows give for each sensor, if all are there and none moves."""
    if not roles.places:
        return table
    numbers = Numbers(separator=cells.separator)
    titles = [cells.titles[i] for i in roles.places]
    places = pd.DataFrame(numbers.of([cells.column(i) for i in roles.places], titles)).groupby(node.to_numpy())
    lowest, highest = places.min().loc[list(table.node_ids)], places.max().loc[list(table.node_ids)]
    if lowest.isna().any(axis=None) or ((highest - lowest) > 1e-3).any(axis=None):
        return replace(table, notes=(*table.notes, "Some sensors have no place or several; there are no coordinates."))
    found = lowest.to_numpy(dtype=np.float64)
    if (np.abs(found) > [90, 180]).any():
        return replace(table, notes=(*table.notes, f"{_list(titles)} are no degrees; there are no coordinates."))
    return replace(table, coordinates=found)


class _TwoValuesError(InputError):
    """A sensor has two values at one time."""


def spread(time: pd.Series, node: pd.Series, value: NDArray[np.float64], name: str) -> Table:
    """Spread a long table out: one row per time, one column per sensor, in the order of their names.

    Names that are all whole numbers are in the order of the numbers.

    Args:
        time: the time stamp of each row.
        node: the name of its sensor.
        value: its measurement.
        name: of the column of measurements.

    Raises:
        InputError: a time or sensor is empty, a time and sensor have two values, or the table would be almost empty.
    """
    stamp, stamps = _stamps(time)
    sensor, sensors = _sensors(node)
    cells = len(stamps) * len(sensors)
    if cells > max(_FREE_CELLS, _GROWTH * len(value)):
        raise InputError(
            f"has {len(value)} rows for {len(stamps)} times and {len(sensors)} sensors, a table of {cells} cells; "
            "expected most sensors at most times, choose the columns of time and sensor"
        )
    position = stamp * len(sensors) + sensor
    order = np.argsort(position, kind="stable")
    again = np.flatnonzero(np.diff(position[order]) == 0)
    notes: tuple[str, ...] = ()
    if len(again):
        first, second = value[order[again]], value[order[again + 1]]
        differ = np.flatnonzero(~((first == second) | (np.isnan(first) & np.isnan(second))))
        if len(differ):
            row = order[again[differ[0]]]
            raise _TwoValuesError(
                f"has two values for sensor {sensors[sensor[row]]!r} at {stamps[stamp[row]]} in {name!r}; keep one "
                "(or, if a clock was set back, write the times in UTC)"
            )
        notes = (f"{len(again)} repeated rows were dropped.",)
    out = np.full(cells, np.nan)
    out[position] = value
    return make_table(out.reshape(len(stamps), len(sensors)), stamps, sensors, notes)


def spread_twice(
    time: pd.DatetimeIndex, node: pd.Series, value: NDArray[np.float64], name: str
) -> tuple[Table, Table | None]:
    """As :func:`spread`, with a table of its own for rows that are the second of their sensor and time, if any are.

    Args:
        time: the time stamp of each row.
        node: the sensor of each row, a category.
        value: its measurement.
        name: of the column of measurements.

    Raises:
        InputError: as :func:`spread`, and where rows are the third of their sensor and time.
    """
    try:
        return spread(pd.Series(time), node, value, name), None
    except _TwoValuesError as error:
        keys = pd.factorize(time)[0] * node.cat.categories.size + node.cat.codes.to_numpy().astype(np.intp)
        second = pd.Series(keys).duplicated().to_numpy()
        if pd.Series(keys[second]).duplicated().any():
            raise InputError(str(error)) from None
    first, again = (
        spread(pd.Series(time[rows]), node[rows].reset_index(drop=True), value[rows], name)
        for rows in (~second, second)
    )
    return first, again


def with_second(table: Table, again: Table) -> Table:
    """The table with the rows whose time stands twice, as when clocks are set back; repeated ones are dropped.

    Raises:
        InputError: a sensor has two values for a time that others have once.
    """
    rows = table.time.get_indexer(again.time)
    columns = pd.Index(table.node_ids).get_indexer(pd.Index(again.node_ids))
    there, observed = table.values[np.ix_(rows, columns)], ~np.isnan(again.values)
    differ = np.argwhere(observed & (again.values != there))
    if not len(differ):
        return replace(table, notes=(*table.notes, f"{int(observed.sum())} repeated rows were dropped."))
    shares = observed.sum(axis=1) / np.maximum((~np.isnan(table.values[rows])).sum(axis=1), 1)
    if (shares < _MOST).any() or len(rows) > max(_HOURS_BACK, _SELDOM * len(table.time)):
        row, column = differ[0]
        raise InputError(f"has two values for sensor {again.node_ids[column]!r} at {again.time[row]}; keep one")
    values = np.full((len(rows), len(table.node_ids)), np.nan, dtype=np.float32)
    values[:, columns] = again.values
    return replace(
        table, values=np.concatenate([table.values, values]), time=pd.DatetimeIndex(table.time.append(again.time))
    )


def _stamps(time: pd.Series) -> tuple[NDArray[np.intp], pd.DatetimeIndex]:
    """For each row the position of its time stamp, and the distinct time stamps in order."""
    index = pd.DatetimeIndex(time)
    if index.isna().any():
        raise InputError(f"row {int(np.flatnonzero(index.isna())[0]) + 1} has no time stamp; every row needs one")
    try:
        stamps, places = np.unique(index.as_unit("ns").asi8, return_inverse=True)
    except pd.errors.OutOfBoundsDatetime as error:
        raise InputError(f"time stamps run from {index.min()} to {index.max()}; expected 1678 to 2261") from error
    found = pd.DatetimeIndex(stamps.view("M8[ns]"))
    if index.tz is not None:
        found = found.tz_localize("UTC").tz_convert(index.tz)
    return places.reshape(-1), found


def _sensors(node: pd.Series) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """For each row the position of its sensor, and the names of the sensors in order."""
    codes, found = pd.factorize(node)
    names = np.array([*(_name(name) for name in found), ""], dtype=object)
    empty = np.flatnonzero(names[codes] == "")
    if len(empty):
        raise InputError(f"row {int(empty[0]) + 1} names no sensor; every row needs one")
    again, alike = pd.factorize(names[:-1])  # names that differ in spaces alone
    sensors = tuple(str(name) for name in alike)
    order = in_order(sensors)
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[again[codes]], tuple(sensors[i] for i in order)


def in_order(names: Sequence[str]) -> list[int]:
    """The places of sensors in the order of their names, which is that of the numbers where all names are numbers.

    Example:
        >>> in_order(["10", "9"]), in_order(["10", "9", "a"])
        ([1, 0], [0, 1, 2])
    """
    whole = all(name.isdecimal() for name in names)
    return sorted(range(len(names)), key=lambda i: (int(names[i]) if whole else 0, names[i]))
