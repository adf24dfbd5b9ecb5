"""Time stamps as text, and times and intervals as users give them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import product

import numpy as np
import pandas as pd

from stlora.data.time.zones import with_offsets
from stlora.errors import InputError

_DATES = ("%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_FORMATS = ("ISO8601", *(date + time for date, time in product(_DATES, _TIMES)))
_NAMED = r"\[([^\[\]]+)\]$"  # RFC 9557: 2024-07-01T08:00:00+02:00[Europe/Berlin]
_OFFSET = r"\d\d:\d\d(?:[:.,\d]*)\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)$"


def parse(text: Sequence[str]) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Read time stamps written as text: ISO 8601, or day, month and year in one of the usual orders.

    Args:
        text: one time stamp a row, all in one notation; with a UTC offset on all rows or on none, behind which the
            zone may stand in brackets.

    Returns:
        The time stamps, with a zone where they carry UTC offsets (:func:`stlora.data.time.zones.with_offsets`), and a
        note on each assumption.

    Raises:
        InputError: a row cannot be read (names row and text), or day and month cannot be told apart.

    Example:
        >>> parse(["31.01.2024 23:55", "01.02.2024 00:00"])[0][1]
        Timestamp('2024-02-01 00:00:00')
        >>> parse(["2024-07-01T08:00+02:00[Europe/Berlin]"])[0][0]
        Timestamp('2024-07-01 08:00:00+0200', tz='Europe/Berlin')
    """
    stamps = pd.Series(list(text), dtype=object).str.strip()
    named = stamps.str.extract(_NAMED)[0]
    if named.notna().any():
        stamps = stamps.str.replace(_NAMED, "", regex=True).str.rstrip()
    offset = stamps.str.extract(_OFFSET)[0]
    if offset.isna().all():
        if named.notna().any():
            raise InputError(f"row 1 has the time {text[0]!r}; expected a UTC offset before the zone in brackets")
        return _parse_local(stamps)
    if offset.isna().any():
        row = int(np.flatnonzero(offset.isna())[0])
        raise InputError(f"row {row + 1} has the time {stamps[row]!r} without UTC offset while others have one")
    cut = [stamp[: len(stamp) - len(zone)].rstrip() for stamp, zone in zip(stamps, offset, strict=True)]
    local, notes = _parse_local(pd.Series(cut, dtype=object))
    shift = {zone: _offset(str(zone)) for zone in offset.unique()}
    offsets = pd.TimedeltaIndex(offset.map(shift)).as_unit("ns")
    zones = [str(zone) for zone in named.unique()] if named.notna().all() else []
    time, zone_notes = with_offsets(local - offsets, offsets.asi8, zones)
    return time, notes + zone_notes


def to_start(start: str | pd.Timestamp) -> pd.Timestamp:
    """The time of a first row as a user gives it.

    Raises:
        InputError: it is no time stamp, or has a time zone.

    Example:
        >>> to_start("2024-01-31 00:05")
        Timestamp('2024-01-31 00:05:00')
    """
    with suppress(ValueError, TypeError, OverflowError):
        stamp = pd.Timestamp(start)
        if isinstance(stamp, pd.Timestamp) and stamp.tz is None:  # not empty
            return stamp.as_unit("ns")
    raise InputError(f"start is {start!r}; expected a time stamp without time zone such as 2024-01-31 00:05")


def to_interval(interval: str | pd.Timedelta) -> pd.Timedelta:
    """The time between two rows as a user gives it.

    Raises:
        InputError: it is no length of time above 0.

    Example:
        >>> to_interval("15min")
        Timedelta('0 days 00:15:00')
    """
    with suppress(ValueError, TypeError, OverflowError):
        length = pd.Timedelta(interval)
        if isinstance(length, pd.Timedelta) and length.value > 0:
            return length.as_unit("ns")
    raise InputError(f"interval is {interval!r}; expected a length of time such as 15min")


def _offset(zone: str) -> pd.Timedelta:
    if zone in ("Z", "UTC", "GMT"):
        return pd.Timedelta(0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (1 if zone[0] == "+" else -1) * pd.Timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))


def _parse_local(stamps: pd.Series) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    plausible = stamps.str.match(r"\d") & ~stamps.str.fullmatch(r"\d+(?:[.,]\d*)?")  # a bare number is no time stamp
    if not plausible.all():
        raise _unreadable(stamps, int(np.flatnonzero(~plausible)[0]))
    candidates = [form for form in _FORMATS if _attempt(stamps[:1], form).notna().all()]
    attempts = {form: _attempt(stamps, form) for form in candidates}
    whole = [form for form, index in attempts.items() if index.notna().all()]
    if not whole:
        read_rows = [int(np.flatnonzero(index.isna())[0]) for index in attempts.values()]
        raise _unreadable(stamps, max(read_rows, default=0))
    distinct = {attempts[form].asi8.tobytes(): form for form in reversed(whole)}
    if len(distinct) == 1:
        return attempts[whole[0]], ()
    return _tell_apart({form: attempts[form] for form in distinct.values()}, stamps[0])


def _tell_apart(readings: dict[str, pd.DatetimeIndex], example: str) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Month first or day first: the reading with the more even time axis, if there is one."""
    unevenness = {form: len(np.unique(np.diff(np.unique(index.asi8)))) for form, index in readings.items()}
    best = min(unevenness, key=lambda form: unevenness[form])
    if list(unevenness.values()).count(unevenness[best]) > 1:
        raise InputError(
            f"time stamps such as {example!r} can be read day first or month first; write them as 2024-01-31 00:05"
        )
    order = "day" if best.startswith("%d") else "month"
    return readings[best], (f"Time stamps such as {example!r} were read {order} first, which makes the steps even.",)


def _attempt(stamps: pd.Series, form: str) -> pd.DatetimeIndex:
    with suppress(ValueError, OverflowError):  # mixed time zones, years out of range
        index = pd.DatetimeIndex(pd.to_datetime(stamps, format=form, errors="coerce")).as_unit("ns")
        if index.tz is None:  # or there is a second UTC offset, as in 2024-07-01 08:00 +01:00 +01:00
            return index
    return pd.DatetimeIndex([pd.NaT] * len(stamps)).as_unit("ns")


def _unreadable(stamps: pd.Series, row: int) -> InputError:
    return InputError(f"row {row + 1} has the time {stamps[row]!r}; expected a time stamp such as 2024-01-31 00:05")
