"""A time axis for files that hold no dates: from a clock channel, a published calendar, or a stated assumption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stlora.data.readers.published import INTERVAL, PublishedSet
from stlora.data.time.zones import check_timezone
from stlora.errors import InputError

_DAY = 86_400 * 10**9  # ns
_ASSUMED_DAY = pd.Timestamp("2018-01-01")  # a Monday
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, eq=False)
class Clock:
    """Time of day and weekday of each row.

    Attributes:
        second: ``[T]`` int64 seconds since midnight.
        weekday: ``[T]`` 0 to 6; or None.
    """

    second: NDArray[np.int64]
    weekday: NDArray[np.int64] | None


def make_clock(time_of_day: ArrayLike, day_of_week: ArrayLike | None = None) -> Clock | None:
    """A clock of the channels that files of this field hold, or None if they are no such channels.

    Args:
        time_of_day: ``[T]`` fraction of the day in [0, 1).
        day_of_week: ``[T]`` 0 to 6, or that divided by 7.

    Example:
        >>> make_clock([0.0, 0.25], [0.0, 1 / 7]).weekday.tolist()
        [0, 1]
    """
    day = np.asarray(time_of_day, dtype=np.float64)
    if not ((day >= 0) & (day < 1)).all():
        return None
    second = np.rint(day * 86_400).astype(np.int64) % 86_400
    if day_of_week is None:
        return Clock(second, None)
    week = np.asarray(day_of_week, dtype=np.float64)
    week = week * 7 if (week < 1).all() else week
    if not (np.abs(week - np.rint(week)) < 0.01).all() or not ((week > -0.5) & (week < 6.5)).all():
        return None
    return Clock(second, np.rint(week).astype(np.int64))


def time_axis(
    steps: int,
    known: PublishedSet | None = None,
    *,
    clock: Clock | None = None,
    start: pd.Timestamp | None = None,
    interval: pd.Timedelta | None = None,
    first_day: pd.Timestamp | None = None,
) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """The time stamps of rows that carry none.

    The steps are those of the clock, which shows gaps, or even. The first row is at ``start`` if that is given, at the
    published date of a known data set, on ``first_day`` if its weekday is that of the clock, and otherwise on a
    Monday that is made up.

    Args:
        steps: T.
        known: the data set, if its size is that of a published one.
        clock: time of day and weekday of the rows.
        start: the first time stamp, as the user gives it.
        interval: between two rows, where there is no clock.
        first_day: where the file's place suggests one.

    Returns:
        The time stamps, and notes on what was assumed.

    Raises:
        InputError: ``start`` is at another time of day than the clock, or the axis leaves the years 1678 to 2261.

    Example:
        >>> time_axis(2, start=pd.Timestamp("2024-01-31 23:55"))[0][1]
        Timestamp('2024-02-01 00:00:00')
    """
    if clock is None:
        elapsed, notes = _even(steps, known, interval)
        offset = 0
    else:
        elapsed, notes, offset = elapsed_time(clock), (), int(clock.second[0]) * 10**9
    first, source = _first(known, clock, start, offset, first_day)
    last = first.value + int(elapsed[-1])
    if not -(2**63) < last < 2**63 or elapsed[-1] < 0:
        raise InputError(f"{steps} rows from {first} on leave the years 1678 to 2261; give another start or interval")
    return pd.DatetimeIndex((first.value + elapsed).view("M8[ns]")), (source, *notes)


def own_axis(start: pd.Timestamp, interval: pd.Timedelta, steps: int, timezone: object) -> pd.DatetimeIndex:
    """The time axis of a series that our own writers wrote, from what they left of it.

    Args:
        start: the first time stamp; in UTC if there is a zone.
        interval: between two rows.
        steps: T.
        timezone: the zone, or None.

    Raises:
        InputError: the zone is none, or the axis leaves the years 1678 to 2261.
    """
    time, _ = time_axis(steps, start=start, interval=interval)
    if timezone is None:
        return time
    if not isinstance(timezone, str):
        raise InputError(f"has the timezone {timezone!r}; expected a name such as Europe/Berlin")
    check_timezone(timezone)
    return time.tz_localize("UTC").tz_convert(timezone)


def _even(
    steps: int, known: PublishedSet | None, interval: pd.Timedelta | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    if interval is None:
        interval = INTERVAL
        if known is None:
            notes = (f"The file does not tell the interval; {INTERVAL} was assumed, interval= gives another.",)
    if interval.value <= 0 or interval.value * steps >= 2**62:
        raise InputError(f"the interval is {interval} for {steps} rows; expected a length of time such as 15min")
    return np.arange(steps, dtype=np.int64) * interval.value, notes


def elapsed_time(clock: Clock) -> NDArray[np.int64]:
    """Nanoseconds since the first row: the shortest way forward from each clock reading to the next."""
    step = np.diff(clock.second) * 10**9
    if clock.weekday is None:
        step = np.where(step > 0, step, step + _DAY)
    else:
        step = step + np.diff(clock.weekday) % 7 * _DAY
        step = np.where(step > 0, step, step + 7 * _DAY)
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(step)])


def _first(
    known: PublishedSet | None,
    clock: Clock | None,
    start: pd.Timestamp | None,
    offset: int,
    first_day: pd.Timestamp | None,
) -> tuple[pd.Timestamp, str]:
    weekday = None if clock is None or clock.weekday is None else int(clock.weekday[0])
    if start is not None:
        start = start.as_unit("ns")
        if clock is not None and start.value % _DAY != offset:
            raise InputError(
                f"the first row is at {pd.Timedelta(offset)} o'clock by its channel and start is {start}; mend start"
            )
        return start, f"The rows hold no dates; the first was put at {start}, as the given start says."
    if known is not None:
        other = "" if weekday in (None, known.first_day.weekday()) else " (its weekdays count from another day)"
        first = known.first_day + pd.Timedelta(offset)
        return first, f"The size is that of {known.name}; the first row was put at {first}, as published{other}."
    if first_day is not None and weekday in (None, first_day.weekday()):
        first = first_day + pd.Timedelta(offset)
        return first, f"The file holds no dates; the first row was put at {first}, by the name of its folder."
    first = _ASSUMED_DAY + pd.Timedelta(days=weekday or 0) + pd.Timedelta(offset)
    day = "" if weekday is None else f", a {_WEEKDAYS[weekday]} as in the file"
    return first, f"The file holds no dates; the first row was assumed at {first}{day}, start= gives the true one."
