"""The time axis of a file, made evenly spaced or refused with the reason."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.time.zones import convert, localize, with_zone, zone_name
from stlora.errors import InputError

TOLERANCE = 0.05  # of the interval: how far off the grid a time stamp may lie to be moved onto it
_MOVED = "off the grid of"  # how the note on moved time stamps is told from others
MAX_GROWTH = 10  # a grid of more than this many steps per row is taken for a wrong time stamp

Rows = tuple[NDArray[np.int64], NDArray[np.float32], tuple[str, ...]]


class Axis(NamedTuple):
    """Rows on an evenly spaced time axis.

    Attributes:
        time: the T time stamps. With a zone they are evenly spaced in real time.
        values: ``[T, N]``.
        notes: what was repaired or assumed, a sentence each.
        timezone: of the clock that made the time stamps, if it is known. Where ``time`` has no zone, the steps are even
            by that clock and not in real time, as days are.
    """

    time: pd.DatetimeIndex
    values: NDArray[np.float32]
    notes: tuple[str, ...]
    timezone: str | None


def regular(time: pd.DatetimeIndex, values: NDArray[np.float32], timezone: str | None = None) -> Axis:
    """Put the rows on an evenly spaced, increasing time axis.

    Rows are sorted, repeated rows dropped, time stamps moved onto the grid if they are less than 5 % of an
    interval off it, and steps without a row filled with NaN. The interval is the most common step.

    Clocks that are changed twice a year skip an hour and show another twice. Where the zone is known, from the time
    stamps or from ``timezone``, the axis is evenly spaced in real time, in that zone: 23 hours on the day in spring,
    25 on the day in autumn. Steps that are even by the clock alone, such as days, lie on an axis without zone. Where
    no zone is known, an hour without rows is missing and an hour that stands twice is refused.

    Args:
        time: T time stamps in any order, with or without zone.
        values: ``[T, N]``.
        timezone: a name such as Europe/Berlin. Time stamps with a zone are converted to it; those without zone are
            taken for its wall clock (:func:`stlora.data.time.zones.localize`).

    Raises:
        InputError: a time stamp is empty, stands for two different rows, lies off the grid, or is so far from
            the others that it must be wrong; or ``timezone`` is no zone.

    Example:
        >>> time = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 00:15", "2024-01-01 00:05"])
        >>> regular(time, np.array([[1.0], [4.0], [2.0]], dtype=np.float32)).values[:, 0].tolist()
        [1.0, 2.0, nan, 4.0]
    """
    if time.hasnans:
        raise InputError(f"row {int(np.flatnonzero(time.isna())[0]) + 1} has no time stamp; every row needs one")
    try:
        time = time.as_unit("ns")
    except pd.errors.OutOfBoundsDatetime as error:
        raise InputError(f"time stamps run from {time.min()} to {time.max()}; expected years 1678 to 2261") from error
    notes: tuple[str, ...] = ()
    if time.tz is not None:
        time, notes = with_zone(time) if timezone is None else convert(time, timezone)
    elif timezone is not None:
        time, values, notes = localize(time, values, timezone)
    if time.tz is None:
        axis, values, repairs = _even(time, values)
        return Axis(axis, values, notes + repairs, None)
    axis, values, repairs = _even_somehow(time, values)
    return Axis(axis, values, notes + repairs, zone_name(time.tz))


Even = tuple[pd.DatetimeIndex, NDArray[np.float32], tuple[str, ...]]


def _even_somehow(time: pd.DatetimeIndex, values: NDArray[np.float32]) -> Even:
    """Even in real time, or else by the clock of the time stamps' zone."""
    shown = time.tz_localize(None)
    if len(np.unique(time.tz_convert("UTC").tz_localize(None).asi8 - shown.asi8)) < 2:  # no change of clocks
        return _even(time, values)
    try:
        in_real_time = _even(time, values)
    except InputError:
        in_real_time = None
    if in_real_time is None or any(_MOVED in note for note in in_real_time[2]):
        with suppress(InputError):
            by_clock = _even(shown, values)
            if not any(_MOVED in note for note in by_clock[2]):
                note = "The steps are even by the local clock and not in real time, so the time axis carries no zone."
                return by_clock[0], by_clock[1], (*by_clock[2], note)
    return _even(time, values) if in_real_time is None else in_real_time


def _even(time: pd.DatetimeIndex, values: NDArray[np.float32]) -> Even:
    zone = None if time.tz is None else zone_name(time.tz)
    stamps, values, notes = _sorted(time.asi8, values)
    stamps, values, repeated = _unique(stamps, values, zone)
    notes += repeated
    if len(stamps) > 1:
        grid, snapped = _grid(stamps, zone)
        stamps, values, filled = _fill(stamps, values, grid, zone)
        notes += snapped + filled
    axis = pd.DatetimeIndex(stamps.view("M8[ns]"))
    return axis if zone is None else axis.tz_localize("UTC").tz_convert(zone), values, notes


def _sorted(stamps: NDArray[np.int64], values: NDArray[np.float32]) -> Rows:
    backwards = int((np.diff(stamps) < 0).sum())
    if not backwards:
        return stamps, values, ()
    order = np.argsort(stamps, kind="stable")
    return stamps[order], values[order], (f"Rows were not in order of time ({backwards} steps back); sorted.",)


def _unique(stamps: NDArray[np.int64], values: NDArray[np.float32], zone: str | None) -> Rows:
    repeats = np.diff(stamps) == 0
    if not repeats.any():
        return stamps, values, ()
    later, earlier = np.flatnonzero(repeats) + 1, np.flatnonzero(repeats)
    same = ((values[later] == values[earlier]) | (np.isnan(values[later]) & np.isnan(values[earlier]))).all(axis=1)
    if not same.all():
        raise InputError(
            f"two different rows have the time {_stamp(stamps[later[~same][0]], zone)}; keep one, or, if clocks were "
            "set back then, name their zone (timezone=, --timezone), such as Europe/Berlin"
        )
    kept = np.concatenate([[True], ~repeats])
    return stamps[kept], values[kept], (f"{len(later)} repeated rows were dropped.",)


class Grid(NamedTuple):
    """An even time axis: its first stamp and interval in ns, and the step of each row on it."""

    start: int
    interval: int
    step: NDArray[np.int64]


def _grid(stamps: NDArray[np.int64], zone: str | None) -> tuple[Grid, tuple[str, ...]]:
    common = _most_common(np.diff(stamps))
    phase = _most_common(stamps % common)
    step, off = _place(stamps, common, phase)
    if not off.any():
        return Grid(int(stamps[0]), common, step - step[0]), ()
    for interval in (*_round_intervals(stamps), common):  # a clock that jitters is near a round grid
        for start in (0, phase % interval):
            near, distance = _place(stamps, interval, start)
            if distance.max() <= TOLERANCE * interval and (np.diff(near) > 0).all():
                moved, largest = int((distance > 0).sum()), pd.Timedelta(int(distance.max()))
                note = f"{moved} time stamps lay up to {largest} {_MOVED} {pd.Timedelta(interval)}; moved onto it."
                return Grid(start + int(near[0]) * interval, interval, near - near[0]), (note,)
    raise InputError(
        f"the time stamps are irregular: most steps are {pd.Timedelta(common)}, but "
        f"{_stamp(stamps[off.argmax()], zone)} lies off that grid; resample the data to one interval"
    )


def _place(stamps: NDArray[np.int64], interval: int, phase: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The nearest step of each stamp, and how far off it the stamp lies."""
    step = (stamps - phase + interval // 2) // interval
    return step, np.abs(stamps - phase - step * interval)


def _round_intervals(stamps: NDArray[np.int64]) -> list[int]:
    """The median step in whole minutes and in whole seconds, where that is not zero."""
    median = float(np.median(np.diff(stamps)))
    return [round(median / unit) * unit for unit in (60 * 10**9, 10**9) if round(median / unit)]


def _fill(stamps: NDArray[np.int64], values: NDArray[np.float32], grid: Grid, zone: str | None) -> Rows:
    steps = int(grid.step[-1]) + 1
    if steps > MAX_GROWTH * len(stamps):
        jump = int(np.diff(stamps).argmax())
        raise InputError(
            f"{len(stamps)} rows span {steps} steps of {pd.Timedelta(grid.interval)} (the longest jump is from "
            f"{_stamp(stamps[jump], zone)} to {_stamp(stamps[jump + 1], zone)}); correct the time stamp or cut the "
            "period"
        )
    axis = grid.start + grid.interval * np.arange(steps, dtype=np.int64)
    if steps == len(stamps):
        return axis, values, ()
    filled = np.full((steps, values.shape[1]), np.nan, dtype=np.float32)
    filled[grid.step] = values
    first = _stamp(axis[np.setdiff1d(np.arange(steps), grid.step)[0]], zone)
    note = f"{steps - len(stamps)} of {steps} steps had no row (first: {first}); filled as missing."
    return axis, filled, (note,)


def _most_common(numbers: NDArray[np.int64]) -> int:
    """The most common number, the smallest of them if several are as common."""
    found, counts = np.unique(numbers, return_counts=True)
    return int(found[counts.argmax()])


def _stamp(nanoseconds: np.int64, zone: str | None) -> str:
    stamp = pd.Timestamp(int(nanoseconds))
    return str(stamp if zone is None else stamp.tz_localize("UTC").tz_convert(zone))
