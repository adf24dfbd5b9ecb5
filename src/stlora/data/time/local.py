"""Local wall clocks that are changed twice a year, put on one that is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.errors import InputError

_Rows = tuple[pd.DatetimeIndex, NDArray[np.float32], tuple[str, ...]]


def to_utc(time: pd.DatetimeIndex, values: NDArray[np.float32], timezone: str) -> _Rows:
    """The rows with their time in UTC, as a wall clock in ``timezone`` showed it.

    Of the hour that clocks show twice, the row that stands first in the file is the earlier one; a file in falling
    order of time is turned round first. The hour that clocks skip has no rows; rows of it without any value, such as
    a regular grid of local time has, are dropped.

    Args:
        time: T time stamps without time zone.
        values: ``[T, N]``.
        timezone: a name such as Europe/Berlin.

    Returns:
        Time stamps in UTC, without time zone; the values; and a note on each repair.

    Raises:
        InputError: the zone is unknown, or a row has a value at a time that its clocks never showed.

    Example:
        >>> time = pd.DatetimeIndex(["2024-10-27 02:30", "2024-10-27 02:30"])
        >>> to_utc(time, np.ones((2, 1), dtype=np.float32), "Europe/Berlin")[0].hour.tolist()
        [0, 1]
    """
    check_timezone(timezone)
    if (np.diff(time.asi8) < 0).sum() > len(time) / 2:
        time, values = time[::-1], values[::-1]
    earlier = ~time.duplicated()
    local = time.tz_localize(timezone, ambiguous=earlier, nonexistent="NaT")
    skipped = np.asarray(local.isna())
    wrong = skipped & ~np.isnan(values).all(axis=1)
    if wrong.any():
        raise InputError(
            f"the row of {time[wrong][0]} has values, and clocks in {timezone} skipped that time; "
            "name the zone that the time stamps are in, or none if its clocks are not changed"
        )
    notes: tuple[str, ...] = (
        f"Time stamps were taken for the wall clock of {timezone}; the notes that follow are in UTC.",
    )
    if skipped.any():
        notes += (f"{int(skipped.sum())} rows without values at times that clocks skipped were dropped.",)
    return local[~skipped].tz_convert("UTC").tz_localize(None), values[~skipped], notes


def check_timezone(timezone: str) -> None:
    """Refuse a name that is no time zone.

    Raises:
        InputError: it is none.
    """
    try:
        pd.Timestamp(0).tz_localize(timezone)
    except Exception as error:  # zoneinfo answers odd names with several kinds
        raise InputError(f"timezone is {timezone!r}; expected a name such as Europe/Berlin") from error
