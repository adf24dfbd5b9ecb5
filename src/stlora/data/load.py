"""From a file, a folder or a catalogue name to a sensor series."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from stlora.data.catalogue.download import stored
from stlora.data.catalogue.entries import Entry, catalogue, find
from stlora.data.check.doubts import with_doubts
from stlora.data.companions import (
    LOCATIONS,
    attach_graph,
    attach_nearby_graph,
    attach_nearby_locations,
    attach_own_graph,
)
from stlora.data.graph_choice import names_graph
from stlora.data.readers import SERIES_READERS, SeriesReader, Table, read_table
from stlora.data.readers.agencies import check_whole
from stlora.data.readers.cells import check_decimal
from stlora.data.readers.graph_file import read_graph
from stlora.data.readers.tables import parse_columns
from stlora.data.reading import in_zone, mask_zeros
from stlora.data.series import SensorSeries, observed_share
from stlora.data.simulation.network import simulate
from stlora.data.store import is_store, open_store
from stlora.data.time.axis import regular
from stlora.data.time.stamps import to_interval, to_start
from stlora.errors import InputError, UnneededOptionError
from stlora.folders import check_filled
from stlora.paths import expanded

Data: TypeAlias = SensorSeries | pd.DataFrame | str | Path  # as a person would give it

_log = logging.getLogger(__name__)
_DEEPEST, _MOST_FILES = 4, 20_000  # folders in folders that are searched for parts of a table


def load_series(
    path_or_name: str | Path,
    graph: str | Path | None = None,
    *,
    zero_is_missing: bool | None = None,
    channel: str | None = None,
    columns: str | Mapping[str, str] | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
    start: str | pd.Timestamp | None = None,
    interval: str | pd.Timedelta | None = None,
    timezone: str | None = None,
) -> SensorSeries:
    r"""Read the measurements of a sensor network.

    Files: CSV or Parquet, wide (one column per sensor) or long (one row per time and sensor), the layouts of
    METR-LA and PEMS-BAY, PEMS03 to 08, LargeST, BasicTS, Torch-MTS and LibCity, and those in which agencies publish
    (:mod:`stlora.data.readers.agencies`), of which several files in a folder are one table. Of a folder the one series
    file is read (in the order of :data:`stlora.data.readers.SERIES_READERS`), with the graph (``adj*.pkl``, or else
    ``distances*.csv`` with ``graph_sensor_ids.txt``) and the sensor locations (``*location*.csv``) in it; so is a file
    named itself whose layout keeps them beside it. Everything repaired or assumed
    stands in ``notes`` and is logged (logger ``stlora``, level INFO). A folder written
    by :mod:`stlora.data.store` is opened and stays on disk.

    Args:
        path_or_name: a file, a folder, or the name of a data set of the catalogue, which ``stlora data get``
            has downloaded or whose files were put in its place by hand. A file or folder of that name comes
            first, but ``simulated`` is always the network that :func:`stlora.data.simulate` makes.
        graph: a graph file: DCRNN's ``.pkl``, ``.npy`` ``[N, N]``, or CSV with from, to and weight, cost or
            distance. Nodes are matched to sensors by id. ``"none"`` for no graph, not even one beside the data;
            :mod:`stlora.data.graph` makes graphs of coordinates, distances or correlations.
        zero_is_missing: whether a zero stands for a missing value; None means as the layout says, which is yes
            for METR-LA's and LargeST's and no for most others.
        channel: which measurement to read of a file that holds several, such as ``flow``.
        columns: the columns of a table, where their names do not tell what they are, such as
            ``time=date+hour,node=site,value=count``, or a mapping of the same.
        decimal: the decimal mark of numbers as text, ``.`` or ``,``, where it cannot be told; the other mark parts
            thousands.
        day_first: whether days stand before months in dates such as 03/04/2024, where it cannot be told.
        start: the first time stamp of a file that holds no dates.
        interval: the time between two rows of a file that does not tell it, such as ``15min``.
        timezone: the clock of the series, such as ``Europe/Berlin``. Time stamps without zone are taken for it, those
            with a zone or UTC offsets are converted to it. If None, theirs is kept; see
            :func:`stlora.data.time.zones.with_offsets` and :func:`stlora.data.time.axis.regular`.

    Raises:
        InputError: the data or the graph cannot be read whole, or do not fit together.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "counts.csv")
        ...     _ = path.write_text("time,a,b\n2024-01-01 00:00,3,4\n2024-01-01 00:15,,5\n")
        ...     load_series(path).values.tolist()
        [[3.0, 4.0], [nan, 5.0]]
    """
    path_or_name = expanded(path_or_name)
    graph = None if graph is None else expanded(graph)
    entry = find(path_or_name)
    if entry is not None and not entry.files:
        series = simulate().series
    elif is_store(Path(path_or_name)):
        if any(option is not None for option in (channel, columns, decimal, day_first, start, interval)):
            raise InputError(
                f"{path_or_name} is a stored series; leave out channel, columns, decimal, day_first, start and interval"
            )
        series = open_store(path_or_name)
        series = series if timezone is None else in_zone(series, timezone)
    else:
        entry = None if Path(path_or_name).exists() else entry
        path = stored(entry) if entry else Path(path_or_name)
        options = {
            "channel": channel,
            "columns": parse_columns(columns),
            "decimal": check_decimal(decimal),
            "day_first": day_first,
            "start": None if start is None else to_start(start),
            "interval": None if interval is None else to_interval(interval),
        }
        series, published = _from_path(path, options, timezone, find_graph=graph is None)
        if entry is not None:
            series, published = _as_published(series, entry, published)
        zero_is_missing = (published or None) if zero_is_missing is None else zero_is_missing
    if graph == "none":
        series = replace(series, adjacency=None)
    elif names_graph(graph):
        raise InputError(
            f"the graph is {graph!r}, which is made when a model is trained; expected a file or none here, or use "
            "stlora.data.graph in Python"
        )
    elif graph is not None:
        series = attach_graph(series, read_graph(Path(graph)), Path(graph))
    series = mask_zeros(series) if zero_is_missing else replace(series, zero_is_missing=zero_is_missing)
    series = with_doubts(_note_silent(series))
    for note in series.notes:
        _log.info("%s", note)
    return series


def as_series(
    data: Data,
    *,
    zero_is_missing: bool | None = None,
    timezone: str | None = None,
    **options: Any,
) -> SensorSeries:
    """A series of whatever a person would give for one: a series, a data frame, or what :func:`load_series` reads.

    Args:
        data: the measurements.
        zero_is_missing: whether a zero stands for a missing value, where that is not settled.
        timezone: the clock of the series; see :func:`load_series`.
        **options: more options of :func:`load_series`, for a file.

    Raises:
        InputError: it is none of these, or cannot be read.

    Example:
        >>> frame = pd.DataFrame({"a": [3.0, 4.0]}, index=pd.date_range("2024-01-01", periods=2, freq="1h"))
        >>> as_series(frame).node_ids
        ('a',)
    """
    if isinstance(data, (str, Path)):
        return load_series(data, zero_is_missing=zero_is_missing, timezone=timezone, **options)
    if isinstance(data, pd.DataFrame):
        data = with_doubts(SensorSeries.from_dataframe(data))
    if isinstance(data, SensorSeries):
        series = data if timezone is None else in_zone(data, timezone)
        return mask_zeros(series) if zero_is_missing and series.zero_is_missing is None else series
    raise InputError(
        f"the data are a {type(data).__name__}; expected a SensorSeries, a pandas DataFrame, or the path of a file or "
        "folder; an array becomes a series with SensorSeries.from_numpy"
    )


def _as_published(series: SensorSeries, entry: Entry, zero_is_missing: bool) -> tuple[SensorSeries, bool]:
    """What the catalogue knows and a layout may not tell: name, unit, and what a zero means."""
    if entry.zero_is_missing is not None:
        zero_is_missing = entry.zero_is_missing
    return replace(series, name=entry.name, unit=series.unit or entry.unit), zero_is_missing


def _from_path(
    path: Path, options: dict[str, Any], timezone: str | None, find_graph: bool
) -> tuple[SensorSeries, bool]:
    """The series, and whether a zero means missing in its layout."""
    check_filled(path if path.is_dir() else path.parent)
    (source, *others), left_out = _series_files(path) if path.is_dir() else ([path], ())
    if not source.exists():
        known = ", ".join(catalogue())
        raise InputError(f"there is no file or folder {path} and no data set of that name; the catalogue has {known}")
    try:
        table = read_table(source, *others, **options)
        series = _to_series(table, timezone, name=(path.resolve() if path.is_dir() else path).stem)
    except UnneededOptionError as error:
        raise UnneededOptionError(error.option, f"{path if others else source}: {error}") from error
    except InputError as error:
        raise InputError(f"{path if others else source}: {error}") from error
    if path.is_dir() and not others:
        series = replace(series, notes=(f"Read from {source.name}.", *series.notes))
    series = replace(series, notes=(*left_out, *series.notes))
    if find_graph and table.graph is not None:
        series = attach_own_graph(series, table.graph, required=path.is_dir())
    elif find_graph and (path.is_dir() or table.looks_beside):
        series = attach_nearby_graph(series, source.parent, required=path.is_dir())
    if table.coordinates is None and (path.is_dir() or table.looks_beside):
        series = attach_nearby_locations(series, source.parent)
    return series, table.zero_is_missing


def _series_files(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """The series file of a folder, of the first format that has one; several, if they are parts of one table.

    Beside parts that are read, a note names what is not.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    files += sorted(folder.glob("*/his.npz"))  # LargeST keeps them by year
    for reader in SERIES_READERS:
        found = _held(reader, files)
        if found and reader.in_parts(found):
            return found, _left_out(found, files)
        if len(found) == 1:
            return found, ()
        if found:
            names = ", ".join(path.name for path in found)
            raise InputError(f"{folder} holds several series ({names}); name the one to read")
    deeper = _deeper(folder)
    for reader in SERIES_READERS:
        if (found := _held(reader, deeper)) and reader.in_parts(found):
            return found, _left_out(found, deeper)
    known = ", ".join(dict.fromkeys(suffix for reader in SERIES_READERS for suffix in reader.suffixes))
    raise InputError(f"{folder} holds no series; expected one file ({known}) with a column of time stamps")


def _held(reader: SeriesReader, files: Sequence[Path]) -> list[Path]:
    return [path for path in files if path.suffix.lower() in reader.suffixes and reader.holds_series(path)]


def _left_out(parts: Sequence[Path], files: Sequence[Path]) -> tuple[str, ...]:
    """A note on the files that might be parts of the table and are none.

    Raises:
        InputError: one of them is damaged, so that nobody can say.
    """
    known = {*parts, *(path for path in files if any(path.match(pattern) for pattern in LOCATIONS))}
    suffixes = {part.suffix for part in parts}
    others = [path for path in files if path.suffix in suffixes and path not in known]
    for path in others:
        try:
            check_whole(path)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    if not others or len(parts) == 1:  # of a single file the note names the one that is read
        return ()
    return (f"{len(others)} files of other layouts were not read (first: {others[0].name}).",)


def _deeper(folder: Path) -> list[Path]:
    """The files in folders of the folder, such as year=2023/month=10, in order; at most so many."""
    found = (path for depth in range(1, _DEEPEST + 1) for path in folder.glob("*/" * depth + "*") if path.is_file())
    return sorted(islice(found, _MOST_FILES))


def _to_series(table: Table, timezone: str | None, name: str) -> SensorSeries:
    axis = regular(table.time, table.values, timezone)
    return SensorSeries(
        axis.values,
        axis.time,
        table.node_ids,
        coordinates=table.coordinates,
        unit=table.unit,
        name=name,
        timezone=axis.timezone,
        day_first=table.day_first,
        notes=table.notes + axis.notes,
    )


def _note_silent(series: SensorSeries) -> SensorSeries:
    silent = np.flatnonzero(observed_share(series.values) == 0)
    if not len(silent):
        return series
    note = f"{len(silent)} sensors have no observed value (first: {series.node_ids[silent[0]]!r})."
    return replace(series, notes=(*series.notes, note))
