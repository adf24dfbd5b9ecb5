"""Seasonal naive: what was last seen at this time of the week, or of the day."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stlora.baselines.week_table import WeekTable
from stlora.errors import InputError


class SeasonalNaive(WeekTable):
    """The last value that the training part holds for the same node and clock time; see :class:`WeekTable`.

    A network sees a window and no season before it, so the season is the last one of the training part and stays
    the same over validation and test. It does not move on with the data as a look-up a week back would.

    Args:
        num_nodes: N.
        history: T.
        horizon: H.
        steps_per_day: slots in a day, D.
        period: week, or day for the last value of the time of day on whatever day.

    Raises:
        InputError: a size is below 1, or the period is another.
    """

    def __init__(
        self,
        num_nodes: int,
        history: int = 12,
        horizon: int = 12,
        steps_per_day: int = 288,
        period: Literal["week", "day"] = "week",
    ) -> None:
        super().__init__(num_nodes, history, horizon, steps_per_day)
        if period not in ("week", "day"):
            raise InputError(f"period is {period!r}; choose week or day")
        self.weekly = period == "week"

    def by_slot(self, values: NDArray[np.float64], slots: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """The last observed values by slot, ``[count, N]``."""
        last = np.full((count, values.shape[1]), -1)  # the row of each
        steps = np.arange(len(values))[:, None]
        np.maximum.at(last, slots, np.where(np.isnan(values), -1, steps))
        found = np.take_along_axis(values, np.maximum(last, 0), axis=0)
        return np.where(last < 0, np.nan, found)
