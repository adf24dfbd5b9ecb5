"""What clocks show at each step, and what sensors measure at each time of day."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.mapped import row_chunks

_DAY = 86_400 * 10**9  # ns


def since_midnight(time: pd.DatetimeIndex) -> NDArray[np.int64]:
    """What a clock on the wall shows at each time stamp, in ns since midnight: ``[T]``.

    On a day on which clocks are changed this is not the time that passed since midnight.

    Example:
        >>> autumn = pd.date_range("2024-10-27", periods=4, freq="1h", tz="Europe/Berlin")
        >>> (since_midnight(autumn) // (3_600 * 10**9)).tolist()
        [0, 1, 2, 2]
    """
    return time.tz_localize(None).as_unit("ns").asi8 % _DAY


def clock(time: pd.DatetimeIndex) -> NDArray[np.float32]:
    """Time of day in [0, 1) and day of week as d/7, Monday 0, of each time stamp: ``[T, 2]``.

    Example:
        >>> clock(pd.DatetimeIndex(["2024-01-02 06:00"])).tolist()  # a Tuesday
        [[0.25, 0.1428571492433548]]
    """
    return np.stack([day_fraction(time), np.asarray(time.day_of_week) / 7], axis=1).astype(np.float32)


def day_fraction(time: pd.DatetimeIndex) -> NDArray[np.float64]:
    """Time of day in [0, 1), as a clock on the wall shows it: ``[T]``."""
    return since_midnight(time) / _DAY


def clock_slot(time_of_day: NDArray[np.floating], slots: int) -> NDArray[np.int64]:
    """The row of a daily profile for each time of day in [0, 1)."""
    return np.rint(time_of_day.astype(np.float64) * slots).astype(np.int64) % slots


def daily_profile(values: NDArray[np.float32], time_of_day: NDArray[np.floating], slots: int) -> NDArray[np.float32]:
    """Each sensor's mean at each time of day, of what was observed; its overall mean where a slot has nothing.

    Args:
        values: ``[T, N]`` of the training period, NaN = missing.
        time_of_day: ``[T]`` in [0, 1).
        slots: steps of a day.

    Returns:
        ``[slots, N]``; NaN for a sensor that was never observed.

    Example:
        >>> values = np.array([[1.0], [5.0], [3.0], [np.nan]], dtype=np.float32)
        >>> daily_profile(values, np.array([0.0, 0.5, 0.0, 0.5]), slots=2).tolist()
        [[2.0], [5.0]]
    """
    slot = clock_slot(time_of_day, slots)
    sums = np.zeros((slots, values.shape[1]))
    counts = np.zeros((slots, values.shape[1]))
    for rows in row_chunks(values):
        observed = ~np.isnan(values[rows])
        np.add.at(sums, slot[rows], np.where(observed, values[rows], 0.0))
        np.add.at(counts, slot[rows], observed)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is wanted
        overall = sums.sum(axis=0) / counts.sum(axis=0)
        return np.where(counts > 0, sums / counts, overall).astype(np.float32)


def slots_of_a_day(interval: pd.Timedelta) -> int:
    """Steps of a day, the nearest whole number, at least 1."""
    return max(1, round(pd.Timedelta(days=1) / interval))
