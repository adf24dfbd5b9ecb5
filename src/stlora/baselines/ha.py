"""Historical average: what is usual at this time of the week."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stlora.baselines.week_table import WeekTable, slot_means


class HistoricalAverage(WeekTable):
    """The mean of the observed training values by node, time of day and day of week; see :class:`WeekTable`."""

    def by_slot(self, values: NDArray[np.float64], slots: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """Means by slot, ``[count, N]``."""
        return slot_means(values, slots, count)
