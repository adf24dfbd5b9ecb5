"""Time stamps as text, and times and intervals as users give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pandas as pd

from stlora.data.time.zones import with_offsets
from stlora.errors import InputError

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %H.%M", " %H.%M.%S")
# how a date begins, and the formats that it may be written in: day first, month first where it may be
_DATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{4}-\d", ("ISO8601", "%Y-%m-%d")),
    (r"\d{8}(?:[ T]|$)", ("ISO8601", "%Y%m%d")),
    (r"\d{4}/", ("%Y/%m/%d",)),
    (r"\d{4}\.", ("%Y.%m.%d",)),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}\.\d{1,2}\.\d\d(?!\d)", ("%d.%m.%y",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}/\d{1,2}/\d\d(?!\d)", ("%d/%m/%y", "%m/%d/%y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2}-[A-Za-z]", ("%d-%b-%Y", "%d-%B-%Y", "%d-%b-%y")),
    (r"\d{1,2} [A-Za-z]", ("%d %b %Y", "%d %B %Y")),
    (r"[A-Za-z]+,? \d{1,2} [A-Za-z]", ("%a %d %b %Y", "%a, %d %b %Y", "%A %d %B %Y", "%A, %d %B %Y")),
    (r"[A-Za-z]+ \d{1,2},? \d{4}", ("%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y")),
)
_WHOLE = {r"\d{12}": "%Y%m%d%H%M", r"\d{14}": "%Y%m%d%H%M%S"}  # without any mark
_MIDNIGHT = r"[ T]24:00(?::00)?$"  # of a day, which is that of the next
_NAMED = r"\[([^\[\]]+)\]$"  # RFC 9557: 2024-07-01T08:00:00+02:00[Europe/Berlin]
_OFFSET = r"\d\d:\d\d(?:[:.,\d]*)\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)$"


class Stamps(NamedTuple):
    """Time stamps that were read.

    Attributes:
        time: of each row; with a zone where they carry UTC offsets (:func:`stlora.data.time.zones.with_offsets`).
        notes: what was assumed, a sentence each.
        day_first: whether days stand before months, where months may stand before days; None where they may not.
    """

    time: pd.DatetimeIndex
    notes: tuple[str, ...] = ()
    day_first: bool | None = None


def parse(text: Sequence[str], day_first: bool | None = None) -> Stamps:
    """Read time stamps written as text: ISO 8601, or day, month and year in one of the usual orders.

    Args:
        text: one time stamp a row, all in one notation; with a UTC offset on all rows or on none, behind which the
            zone may stand in brackets.
        day_first: whether days stand before months, where that cannot be told; None to find out.

    Raises:
        InputError: a row cannot be read (names row and text), or day and month cannot be told apart.

    Example:
        >>> parse(["31.01.2024 23:55", "01.02.2024 00:00"]).time[1]
        Timestamp('2024-02-01 00:00:00')
        >>> parse(["2024-07-01T08:00+02:00[Europe/Berlin]"]).time[0]
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
        return _parse_local(stamps, day_first)
    if offset.isna().any():
        row = int(np.flatnonzero(offset.isna())[0])
        raise InputError(f"row {row + 1} has the time {stamps[row]!r} without UTC offset while others have one")
    cut = [stamp[: len(stamp) - len(zone)].rstrip() for stamp, zone in zip(stamps, offset, strict=True)]
    local, notes, found = _parse_local(pd.Series(cut, dtype=object), day_first)
    shift = {zone: _offset(str(zone)) for zone in offset.unique()}
    offsets = pd.TimedeltaIndex(offset.map(shift)).as_unit("ns")
    zones = [str(zone) for zone in named.unique()] if named.notna().all() else []
    time, zone_notes = with_offsets(local - offsets, offsets.asi8, zones)
    return Stamps(time, notes + zone_notes, found)


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


def _parse_local(stamps: pd.Series, day_first: bool | None) -> Stamps:
    late = stamps.str.contains(_MIDNIGHT, regex=True)
    if late.any():
        stamps = stamps.str.replace(r"24:00(:00)?$", "00:00", regex=True)
    pattern, forms = _notation(str(stamps[0]))
    other = np.flatnonzero(~stamps.str.match(pattern).to_numpy(dtype=bool))
    if len(other):
        raise _unreadable(stamps, int(other[0]))
    readings = {form: _attempt(stamps[:1], form) for form in forms}
    readings = {form: _attempt(stamps, form) for form, first in readings.items() if first.notna().all()}
    whole = {form: index for form, index in readings.items() if index.notna().all()}
    if not whole:
        raise _unreadable(stamps, max((int(np.flatnonzero(index.isna())[0]) for index in readings.values()), default=0))
    either = any(form.startswith(("%m/", "%m-", "%d/", "%d-%m")) for form in readings)
    if day_first is not None and either:
        whole = {form: index for form, index in whole.items() if form.startswith("%d") == day_first}
        if not whole:
            what = ("day", "month") if day_first else ("month", "day")
            raise InputError(
                f"time stamps such as {stamps.iloc[-1]!r} cannot be read {what[0]} first, as was said; they can be "
                f"{what[1]} first"
            )
    distinct = {index.asi8.tobytes(): form for form, index in reversed(whole.items())}
    form, notes = distinct.popitem()[1], tuple[str, ...]()
    if distinct:
        form, notes = _tell_apart({one: whole[one] for one in (form, *distinct.values())}, str(stamps[0]))
    time = whole[form] + pd.TimedeltaIndex(late.astype(np.int64) * 86_400 * 10**9) if late.any() else whole[form]
    settled = either and (day_first is not None or len({one.startswith("%d") for one in whole}) == 1 or bool(notes))
    return Stamps(time, notes, form.startswith("%d") if settled else None)


def _notation(stamp: str) -> tuple[str, list[str]]:
    """What all time stamps that are written as this one begin with, and the formats that they may be in."""
    for pattern, form in _WHOLE.items():
        if re.fullmatch(pattern, stamp):
            return f"{pattern}$", [form]
    for pattern, dates in _DATES:
        if re.match(pattern, stamp):
            forms = [["ISO8601"] if date == "ISO8601" else [date + time for time in _TIMES] for date in dates]
            return pattern, [form for some in forms for form in some]
    return "$.", []  # which nothing is


def _tell_apart(readings: Mapping[str, pd.DatetimeIndex], example: str) -> tuple[str, tuple[str, ...]]:
    """Month first or day first: the reading with the more even time axis, if there is one."""
    unevenness = {form: _unevenness(index) for form, index in readings.items()}
    best = min(unevenness, key=lambda form: unevenness[form])
    if list(unevenness.values()).count(unevenness[best]) > 1:
        raise InputError(
            f"time stamps such as {example!r} can be read day first or month first; say which with --day_first true or "
            "false (day_first=), or write them as 2024-01-31 00:05"
        )
    order = "day" if best.startswith("%d") else "month"
    return best, (f"Time stamps such as {example!r} were read {order} first, which makes the steps even.",)


def _unevenness(time: pd.DatetimeIndex) -> int:
    """How many lengths the steps have; one also if they are even by the calendar, as months are."""
    distinct = pd.DatetimeIndex(np.unique(time.asi8).view("M8[ns]"))
    in_month = distinct - distinct.to_period("M").start_time
    if len(distinct) > 1 and len(in_month.unique()) == 1:
        months = distinct.year * 12 + distinct.month
        return len(np.unique(np.diff(months)))
    return len(np.unique(np.diff(distinct.asi8)))


def _attempt(stamps: pd.Series, form: str) -> pd.DatetimeIndex:
    with suppress(ValueError, OverflowError):  # mixed time zones, years out of range
        index = pd.DatetimeIndex(pd.to_datetime(stamps, format=form, errors="coerce")).as_unit("ns")
        if index.tz is None:  # or there is a second UTC offset, as in 2024-07-01 08:00 +01:00 +01:00
            return index
    return pd.DatetimeIndex([pd.NaT] * len(stamps)).as_unit("ns")


def _unreadable(stamps: pd.Series, row: int) -> InputError:
    text = str(stamps[row])
    kind = ""
    if re.fullmatch(r"[2-7]\d{4}(?:[.,]\d+)?", text):
        kind = ", which may be a date as a spreadsheet keeps it"
    elif re.fullmatch(r"\d{10}(?:\d{3})?", text):
        kind = ", which may be seconds or milliseconds since 1970"
    return InputError(f"row {row + 1} has the time {text!r}{kind}; expected a time stamp such as 2024-01-31 00:05")
