"""How agencies write the time of a measurement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers.cells import row_of
from stlora.errors import InputError


def distinct(column: pd.Series) -> tuple[NDArray[np.intp], pd.Series]:
    """For each row the number of its value, and the distinct values as text; datetimes and numbers as they are."""
    codes, values = pd.factorize(column)
    texts = pd.Series(values.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else values)
    if texts.dtype == object or pd.api.types.is_string_dtype(texts.dtype):
        texts = pd.Series([" ".join(str(cell).split()) for cell in texts], dtype=object)  # one line in messages
    return np.asarray(codes, dtype=np.intp), texts


def moments(column: pd.Series, formats: Sequence[str], utc: bool = False) -> pd.DatetimeIndex:
    """Time stamps written in one of these formats; in UTC if they carry an offset.

    Raises:
        InputError: a cell is no such time stamp.
    """
    codes, texts = distinct(column)
    index: pd.DatetimeIndex | None = None
    if pd.api.types.is_datetime64_any_dtype(texts.dtype):
        index = pd.DatetimeIndex(texts)
        index = index.tz_convert("UTC") if index.tz is not None else index
    elif texts.dtype == object:
        best = np.ones(len(texts), dtype=bool)
        for form in formats:
            try:
                read = pd.DatetimeIndex(pd.to_datetime(texts, format=form, errors="coerce", utc=utc))
            except (ValueError, OverflowError, TypeError):  # offsets where none are expected
                continue
            missing = np.asarray(read.isna())
            if not missing.any():
                index = read
                break
            best = missing if missing.sum() <= best.sum() else best
    else:
        best = np.ones(len(texts), dtype=bool)
    if (codes < 0).any():
        raise InputError(f"row {row_of(column, np.flatnonzero(codes < 0)[0])} has no time stamp; every row needs one")
    if index is None:
        row = int(np.flatnonzero(np.isin(codes, np.flatnonzero(best)))[0])
        raise InputError(
            f"row {row_of(column, row)} has the time {str(texts[codes[row]])!r}; expected one written as "
            f"{pd.Timestamp('2024-01-31 23:55').strftime(formats[0].replace('ISO8601', '%Y-%m-%d %H:%M:%S'))}"
        )
    if not (index.year.min() > 1700 and index.year.max() < 2200):
        raise InputError(f"time stamps run from {index.min()} to {index.max()}; expected years after 1700, before 2200")
    return index.as_unit("ns").take(codes)


ISO = "ISO8601"
DAY_FIRST = tuple(f"%d{mark}%m{mark}%Y{time}" for mark in "/-." for time in (" %H:%M:%S", " %H:%M", ""))


def dated(columns: Sequence[pd.Series], formats: Sequence[str]) -> pd.DatetimeIndex:
    """Time stamps in one column."""
    return moments(columns[0], formats)


def day_and_length(columns: Sequence[pd.Series], unit: str, longest: int, formats: Sequence[str]) -> pd.DatetimeIndex:
    """A day and what has passed of it since midnight by its clock."""
    day = moments(columns[0], formats)
    codes, texts = distinct(columns[1])
    passed = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~((passed >= 0) & (passed <= longest))
    bad = np.flatnonzero((codes < 0) | wrong[codes])
    if len(bad):
        raise InputError(
            f"row {row_of(columns[1], bad[0])} has the time of day {str(columns[1].iloc[bad[0]])!r}; expected 0 to "
            f"{longest} {unit} after midnight"
        )
    return day + pd.TimedeltaIndex(pd.to_timedelta(passed, unit="h" if unit == "hours" else "s")).as_unit("ns").take(
        codes
    )


def offset(columns: Sequence[pd.Series], default: str | None) -> pd.DatetimeIndex:
    """Time stamps with UTC offset, in UTC; without one, of the offset ``default`` or, if it is None, as they stand."""
    column = columns[0]
    codes, texts = distinct(column)
    if texts.dtype != object:
        time = moments(column, (ISO,))
        bare = time.tz is None
    else:
        has = texts.str.contains(r":\d\d(?:[.,]\d+)?\s*(?:Z|[+-]\d\d:?\d\d)$", regex=True)
        if has.any() and not has.all():
            row = int(np.flatnonzero(np.isin(codes, np.flatnonzero(~has)))[0])
            raise InputError(f"row {row_of(column, row)} has the time {texts[codes[row]]!r} without UTC offset")
        bare = not has.any()
        time = moments(column, (ISO, "%Y-%m-%d %H:%M:%S %z"), utc=not bare)
    if not bare:
        return time
    if default is None:
        return time
    return time.tz_localize(default).tz_convert("UTC")


def interval_of_day(columns: Sequence[pd.Series]) -> pd.DatetimeIndex:
    """The start of the n-th interval of a day, whose length follows from the time at which it ends."""
    day = moments(columns[0], (ISO, *DAY_FIRST)).normalize()
    texts = columns[1].astype(str).str.strip()
    clock = texts.str.extract(r"(?:^|[ T])(\d{1,2}):(\d\d)(?::\d\d)?$").astype(float)
    number = pd.to_numeric(columns[2].astype(str), errors="coerce").to_numpy(dtype=np.float64)
    ends = np.ceil((clock[0] * 60 + clock[1]).to_numpy(dtype=np.float64) / 5) * 5  # 00:14 is written for 00:15
    ends[ends == 0] = 24 * 60
    with np.errstate(invalid="ignore", divide="ignore"):
        length = ends / (number + 1)
    bad = np.flatnonzero(~(length > 0) | (length != length[:1]) | (number < 0))
    if len(bad):
        raise InputError(
            f"row {row_of(columns[1], bad[0])} has an interval {columns[2].iloc[bad[0]]} that ends at "
            f"{texts.iloc[bad[0]]!r}; expected intervals of one length, counted from 0 at midnight"
        )
    return day + pd.TimedeltaIndex(pd.to_timedelta(number * length, unit="min")).as_unit("ns")
