"""One table of several: the files of a folder, one per day, month or city, or the blocks of one large file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers.table import Table
from stlora.errors import InputError

_GROWTH, _FREE_CELLS = 100, 10_000_000  # parts that fill one cell in a hundred do not belong together


def join(tables: Sequence[Table]) -> Table:
    """The rows and sensors of all tables; what only some of them have is missing in the others.

    Sensors keep the order in which they appear first; rows are in order of time. Notes that several tables share are
    kept once.

    Raises:
        InputError: two tables have different values for one sensor and time, different units, or a time zone only in
            some; or the result would be almost empty.

    Example:
        >>> def table(day, node):
        ...     return Table(np.ones((1, 1), dtype=np.float32), pd.DatetimeIndex([day]), (node,))
        >>> join([table("2024-01-02", "a"), table("2024-01-01", "b")]).values.tolist()
        [[nan, 1.0], [1.0, nan]]
    """
    first = tables[0]
    if len(tables) == 1:
        return first
    units = list(dict.fromkeys(table.unit for table in tables))
    if len(units) > 1:
        raise InputError(f"has values in {' and in '.join(unit or 'no unit' for unit in units)}; read them one by one")
    if any(str(table.time.tz) != str(first.time.tz) for table in tables):
        raise InputError(
            "has time stamps in several time zones, or with a zone in some parts only; read them one by one"
        )
    node_ids = tuple(dict.fromkeys(node for table in tables for node in table.node_ids))
    place = {node: i for i, node in enumerate(node_ids)}
    stamps = np.unique(np.concatenate([table.time.as_unit("ns").asi8 for table in tables]))
    cells, filled = len(stamps) * len(node_ids), sum(table.values.size for table in tables)
    if cells > max(_FREE_CELLS, _GROWTH * filled):
        raise InputError(
            f"has parts with {filled} cells for {len(stamps)} times and {len(node_ids)} sensors, a table of {cells}; "
            "expected most sensors at most times, read parts of one network and period"
        )
    values = np.full((len(stamps), len(node_ids)), np.nan, dtype=np.float32)
    coordinates = np.full((len(node_ids), 2), np.nan)
    for table in tables:
        rows = np.searchsorted(stamps, table.time.as_unit("ns").asi8)
        columns = np.array([place[node] for node in table.node_ids], dtype=np.intp)
        _fill(values, rows, columns, table, node_ids)
        if table.coordinates is not None:
            coordinates[columns] = table.coordinates
    time = pd.DatetimeIndex(stamps.view("M8[ns]"))
    return replace(
        first,
        values=values,
        time=time if first.time.tz is None else time.tz_localize("UTC").tz_convert(first.time.tz),
        node_ids=node_ids,
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
        coordinates=None if np.isnan(coordinates).any() else coordinates,
    )


def _fill(
    values: NDArray[np.float32],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    table: Table,
    node_ids: tuple[str, ...],
) -> None:
    """Put the values of a part where they belong."""
    if len(np.unique(rows)) != len(rows):
        raise InputError("has a part with two rows for one time; keep one")
    block = np.ix_(rows, columns)
    there = values[block]
    differ = np.argwhere((there != table.values) & ~np.isnan(there) & ~np.isnan(table.values))
    if len(differ):
        row, column = differ[0]
        raise InputError(
            f"has two values for sensor {node_ids[columns[column]]!r} at {table.time[row]}; keep one "
            "(or, if a clock was set back, write the times in UTC)"
        )
    values[block] = np.where(np.isnan(table.values), there, table.values)
