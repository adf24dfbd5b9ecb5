"""Wide tables: one column of time stamps, one column of numbers per sensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers.table import Table, make_table
from stlora.data.time.stamps import parse
from stlora.errors import InputError

TIME_NAMES = frozenset(
    {"time", "timestamp", "time_stamp", "date", "datetime", "date_time", "zeit", "zeitstempel", "ds"}
)
MISSING = ("", "NaN", "nan", "NA", "N/A", "n/a", "<NA>", "null", "NULL", "None")


def time_position(names: Sequence[str], first_cell: object) -> int:
    """The position of the time column: the one called so, or the first if it begins with a time stamp.

    Args:
        names: the column names.
        first_cell: the first cell of the first column.

    Raises:
        InputError: there is none, or several are called so.

    Example:
        >>> time_position(["a", "Time", "b"], "3.5")
        1
        >>> time_position(["", "a"], "2024-01-31 00:05")
        0
    """
    named = [i for i, name in enumerate(names) if name.strip().lower() in TIME_NAMES]
    if len(named) > 1:
        raise InputError(
            f"columns {', '.join(repr(names[i]) for i in named)} all look like the time; join them into one called time"
        )
    if named:
        return named[0]
    try:
        to_time(pd.Series([first_cell]))
    except InputError:
        raise InputError(
            f"has no time column (columns: {', '.join(map(repr, names[:4]))}{', ...' if len(names) > 4 else ''}); "
            "expected a first column of time stamps or one called time, and one column per sensor"
        ) from None
    return 0


def to_time(column: pd.Series) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Time stamps, with a time zone where they carry one, and what was assumed in reading them.

    Raises:
        InputError: a cell is no time stamp; names row and text.
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(column.dtype):
        return pd.DatetimeIndex(column), ()
    return parse([str(cell) for cell in column])


def to_numbers(column: pd.Series, name: str) -> NDArray[np.float64]:
    """Numbers of one sensor, NaN where a cell is empty.

    Raises:
        InputError: a cell is no number; names column, row and text.
    """
    dtype = column.dtype
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
        if pd.api.types.is_complex_dtype(dtype):
            raise InputError(f"column {name!r} holds complex numbers; expected plain numbers")
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    text = text.mask(text.isin(MISSING), "nan")
    numbers = pd.to_numeric(text, errors="coerce")
    bad = np.flatnonzero(numbers.isna() & (text != "nan"))
    if len(bad):
        raise InputError(
            f"column {name!r}, row {bad[0] + 1} holds {text.iloc[bad[0]]!r}; "
            "expected a number, or an empty cell where nothing was measured"
        )
    return numbers.to_numpy(dtype=np.float64)


def frame_to_table(frame: pd.DataFrame) -> Table:
    """The rows of a wide data frame: a time index or time column, one column per sensor.

    Raises:
        InputError: it is empty, has several index levels or no times, or a cell is no number.
    """
    if isinstance(frame.index, pd.MultiIndex) or isinstance(frame.columns, pd.MultiIndex):
        raise InputError("has several index levels; expected one time index and one column per sensor")
    if frame.empty:
        raise InputError(f"holds {len(frame)} rows of {frame.shape[1]} columns; expected one row per time step")
    if not isinstance(frame.index, pd.RangeIndex):
        name = frame.index.name
        frame = frame.reset_index(names="time" if name is None else str(name), allow_duplicates=True)
    header = [str(name) for name in frame.columns]
    position = time_position(header, frame.iloc[0, 0])
    time, notes = to_time(frame.iloc[:, position])
    sensors = [i for i in range(len(header)) if i != position]
    values = np.empty((len(frame), len(sensors)))
    for column, i in enumerate(sensors):
        values[:, column] = to_numbers(frame.iloc[:, i], header[i])
    return make_table(values, time, tuple(header[i] for i in sensors), notes)
