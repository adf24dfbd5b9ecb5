"""Errors by the time of day at which their targets fall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.time.clock import clock, slots_of_a_day
from stlora.evaluation.errors import WindowErrors

_SLOTS = 48  # of a day, at most


def mae_by_time_of_day(
    runs: Sequence[WindowErrors], time: pd.DatetimeIndex
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The MAE of all targets of a time of day, whatever step ahead they were forecast, over several runs.

    Args:
        runs: the errors ``[S, H]`` of the same windows.
        time: ``[S + H - 1]`` of the targets, as clocks show it.

    Returns:
        The hours ``[K]`` of the day, at most 48 of them, each the mean time of its targets; and the MAE ``[K]``, NaN
        where nothing was observed.
    """
    windows, horizon = runs[0].absolute.shape
    slots = min(_SLOTS, slots_of_a_day(time[1] - time[0] if len(time) > 1 else pd.Timedelta(days=1)))
    day = clock(time)[:, 0].astype(np.float64)
    slot = np.floor(day * slots + 1e-4).astype(np.intp) % slots
    target = np.arange(windows)[:, None] + np.arange(horizon)  # [S, H]
    where = slot[target].ravel()

    def by_slot(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.bincount(where, values.ravel(), minlength=slots).astype(np.float64)

    absolute, observed = (
        by_slot(np.sum([getattr(errors, name).numpy() for errors in runs], axis=0, dtype=np.float64))
        for name in ("absolute", "observed")
    )
    count = by_slot(np.ones((windows, horizon)))
    seen = count > 0
    hours = by_slot(24 * day[target])[seen] / count[seen]
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is wanted
        return hours, absolute[seen] / observed[seen]
