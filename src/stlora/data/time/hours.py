"""Times of day beside a date, as tables with a column for each hold them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.errors import InputError

_CLOCK = re.compile(
    r"(\d{1,2})(?:(?:[:.h])(\d\d)(?:[:.](\d\d)(?:\.0+)?)?|\.0+)?(?:\s*(?:-|–|bis|to)\s*\d{1,2}(?:[:.h]\d\d)?)?"
)
_DAY = 24 * 3600
_NEXT = 3 * 3600 * 10**9  # nanoseconds between the last row of a date and the first of the next that is in order
_NEAR, _MOST_WRONG = 25, 0.01  # rows that say what the date of a row is; the share of rows with another


def seconds_of_day(text: str) -> int | None:
    """The seconds since midnight that a text such as ``6``, ``6:05`` or ``6:00-6:59`` stands for; None for any other.

    Example:
        >>> seconds_of_day("6"), seconds_of_day("06:30"), seconds_of_day("6:00-6:59"), seconds_of_day("24:00")
        (21600, 23400, 21600, 86400)
        >>> seconds_of_day("25:00") is None
        True
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    passed = 3600 * hours + 60 * minutes + seconds
    return passed if minutes < 60 and seconds < 60 and passed <= _DAY else None


def at_hours(dates: pd.DatetimeIndex, clock: pd.Series) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Time stamps of a date and a time of day each.

    Hours that are counted from 1 to 24 are taken for the first to the last hour of the day.

    Args:
        dates: of each row.
        clock: the time of day of each row, as text or number.

    Raises:
        InputError: a cell is no time of day.
    """
    codes, cells = pd.factorize(clock)
    texts = [str(cell).strip() for cell in cells]
    passed = [seconds_of_day(text) for text in texts]
    wrong = {i for i, seconds in enumerate(passed) if seconds is None} | {-1}
    bad = np.flatnonzero(np.isin(codes, list(wrong)))
    if len(bad):
        raise InputError(
            f"row {int(bad[0]) + 1} has the time of day {clock.iloc[int(bad[0])]!r}; expected one such as 6, 06:00 or "
            "6:00-6:59"
        )
    seconds = np.array(passed, dtype=np.int64)
    notes: tuple[str, ...] = ()
    whole = all(re.fullmatch(r"\d{1,2}(?:\.0+)?", text) for text in texts)
    if whole and seconds.size and seconds.max() == _DAY and seconds.min() > 0:
        seconds = seconds - 3600
        notes = ("Hours are counted from 1 to 24; they were taken for the hours that begin at 0:00 to 23:00.",)
    return dates + pd.TimedeltaIndex((seconds[codes] * 10**9).view("m8[ns]")), notes


def next_days(
    time: pd.DatetimeIndex, sensor: NDArray[np.intp] | None = None
) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Time stamps of days that end under the date on which they began, such as a midnight written as 0:00 of that day.

    The order of rows tells: after the last step of a date the clock goes back by less than a day to the step that comes
    next, under the same date. Then all rows of a sensor are in order once those after the jump are of the next day.
    Anything else is left as it is.

    Args:
        time: of each row, in the order of the file.
        sensor: the number of the sensor of each row; one sensor if None.

    Example:
        >>> time = pd.DatetimeIndex(["2024-01-01 22:00", "2024-01-01 23:00", "2024-01-01 00:00", "2024-01-02 01:00"])
        >>> next_days(time)[0][2]
        Timestamp('2024-01-02 00:00:00')
    """
    if time.tz is not None or len(time) < 3 or time.hasnans:
        return time, ()
    try:
        stamps = time.as_unit("ns").asi8
    except pd.errors.OutOfBoundsDatetime:
        return time, ()  # whoever makes the axis says so
    order = np.arange(len(stamps)) if sensor is None else np.argsort(sensor, kind="stable")
    group = np.zeros(len(stamps), dtype=np.intp) if sensor is None else sensor[order]
    for rows, backwards in ((order, False), (order[::-1], True)):
        kind = group[::-1] if backwards else group
        moved = _moved(stamps[rows], kind)
        if moved is not None:
            shift = np.zeros(len(stamps), dtype=np.int64)
            shift[rows] = moved
            example = time[int(np.flatnonzero(shift)[0])]
            note = (
                f"{int((shift > 0).sum())} rows at the end of a day stand under the date on which it began (first: "
                f"{example}); the order of rows shows that they are of the next day."
            )
            return pd.DatetimeIndex((stamps + shift).view("M8[ns]")), (note,)
    return time, ()


def _moved(stamps: NDArray[np.int64], group: NDArray[np.intp]) -> NDArray[np.int64] | None:
    """What to add to time stamps in order; None if their order does not tell."""
    day = 86_400 * 10**9
    same = np.diff(group) == 0
    steps, dates = np.diff(stamps), stamps // day
    if not (same & (steps < 0)).any():
        return None  # all in order
    blocks = np.concatenate([[True], ~same | (np.diff(dates) != 0)])  # where a date begins
    back = np.concatenate([[False], same & (steps < 0) & (np.diff(dates) == 0)])
    jumps = np.cumsum(back)
    first = np.flatnonzero(blocks)
    since = jumps - np.repeat(jumps[first] - back[first], np.diff(np.append(first, len(stamps))))
    if not back.any() or since.max() > 1:
        return None
    moved = since * day
    after = np.diff(stamps + moved)[same]
    lengths, counts = np.unique(np.abs(steps[same & (steps != 0)]), return_counts=True)
    step = int(lengths[counts.argmax()])
    jumped = (stamps + moved)[back] - stamps[np.flatnonzero(back) - 1]
    wrong = (after < 0).any() or step >= day or (jumped > max(4 * step, _NEXT)).any()
    return None if wrong else np.asarray(moved, dtype=np.int64)


def by_order_of_rows(days: NDArray[np.int64], hours: NDArray[np.int64]) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """The time of rows that follow each other hour by hour, under dates that need not change at midnight.

    Each row is the next moment of its hour; the dates of the rows around it tell how many days have passed where rows
    are lacking.

    Args:
        days: since 1970, of the date of each row.
        hours: of each row.

    Returns:
        The time stamps, and a note on what was found.

    Raises:
        InputError: more than 1 % of the rows stand under a date that their order contradicts.

    Example:
        >>> by_order_of_rows(np.array([0, 0, 0, 1]), np.array([22, 23, 0, 6]))[0].tolist()
        [Timestamp('1970-01-01 22:00:00'), ..., Timestamp('1970-01-02 00:00:00'), Timestamp('1970-01-02 06:00:00')]
    """
    steps = np.diff(hours) % 24
    passed = np.concatenate([[0], np.cumsum(np.where(steps == 0, 24, steps))])
    changes = np.bincount(hours[1:][np.diff(days) == 1], minlength=24)
    first = int(changes.argmax())  # hour of the day, 0 where no date changes
    stamps = 24 * (days + (hours < first)) + hours
    late = (stamps - passed - stamps[0]) // 24  # days that the date of a row is ahead of its order
    settled = pd.Series(late).rolling(_NEAR, center=True, min_periods=1).quantile(0.5, interpolation="lower")
    around = settled.to_numpy().astype(np.int64)
    wrong = int((late != around).sum())
    if wrong > max(1, _MOST_WRONG * len(late)) and len(late) > _NEAR:
        raise InputError(
            f"has {wrong} of {len(late)} rows under a date that the order of rows contradicts; expected the hours of "
            "a day one after the other, as the package gives them"
        )
    notes: tuple[str, ...] = ()
    if first:
        clock = f"{first}:00"
        notes += (
            f"A day of this table runs from {clock} to {clock} under one date; hours before are of the next day.",
        )
    if wrong:
        notes += (f"{wrong} rows stood under a wrong date; the order of rows told their time.",)
    time = pd.DatetimeIndex(((stamps[0] + passed + 24 * around) * 3_600 * 10**9).view("M8[ns]"))
    return time, notes
