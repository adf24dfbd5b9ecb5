"""A forecast that is looked up by the time of the week."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from stlora.backbones.clock import DAYS, check_clock, day_slot, weekday
from stlora.baselines.base import Baseline, assign, empty, scaled_values
from stlora.data import SensorSeries
from stlora.data.filling import Filling
from stlora.data.scaling import Scaler
from stlora.data.time.clock import clock
from stlora.errors import InputError


class WeekTable(Baseline):
    """A value for each node and slot of the week (time of day × day of week), whatever the history says.

    A slot without a value takes that of its time of day over all days, then the node's mean, then the network's.

    Args:
        num_nodes: N.
        history: T.
        horizon: H.
        steps_per_day: slots in a day, D; the data's steps must divide a day into as many.

    Raises:
        InputError: a size is below 1.
    """

    weekly = True

    def __init__(self, num_nodes: int, history: int = 12, horizon: int = 12, steps_per_day: int = 288) -> None:
        super().__init__(num_nodes, history, horizon)
        check_clock("a week's table", self.in_channels, steps_per_day)
        self.steps_per_day = steps_per_day
        self.table = empty(DAYS * steps_per_day, num_nodes)  # [7 D, N]

    @abstractmethod
    def by_slot(self, values: NDArray[np.float64], slots: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """One value for each slot and node, ``[count, N]``, NaN where nothing was observed.

        Args:
            values: ``[T, N]``, NaN = missing.
            slots: ``[T]``, the slot of each row.
            count: of the slots.
        """

    def fit(self, training: SensorSeries, scaler: Scaler, filling: Filling | None = None) -> None:
        """Fill the table.

        Raises:
            InputError: the data's steps do not divide a day into ``steps_per_day``.
        """
        day = self.steps_per_day
        if day * training.interval != pd.Timedelta(days=1):
            raise InputError(
                f"a day is not {day} steps of {training.interval}, the interval of {training.name}; a table by time "
                "of day needs an interval that divides a day, such as 15 minutes: resample the data"
            )
        values = scaled_values(training, scaler)
        stamps = torch.from_numpy(clock(training.time))
        slots = slot_of_week(stamps[:, 0], stamps[:, 1], day).numpy()
        by_day = np.tile(self.by_slot(values, slots % day, day), (DAYS, 1))
        table = self.by_slot(values, slots, DAYS * day) if self.weekly else by_day
        for fallback in (by_day, slot_means(values, np.zeros_like(slots), 1), np.nanmean(values)):
            table = np.where(np.isnan(table), fallback, table)
        assign(self.table, table)

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        now = slot_of_week(x[:, -1, 0, 1], x[:, -1, 0, 2], self.steps_per_day)  # [B]
        steps = torch.arange(1, self.horizon + 1, device=x.device)
        return self.table[(now[:, None] + steps) % len(self.table)].unsqueeze(-1)


def slot_of_week(time_of_day: Tensor, day_of_week: Tensor, steps_per_day: int) -> Tensor:
    """The slot 0 … 7 D − 1 of the week, from the clock channels of a history.

    Example:
        >>> slot_of_week(torch.tensor([0.25]), torch.tensor([1 / 7]), 24).tolist()  # Tuesday, 6 o'clock
        [30]
    """
    return weekday(day_of_week) * steps_per_day + day_slot(time_of_day, steps_per_day)


def slot_means(values: NDArray[np.float64], slots: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Means of the observed ``values [T, N]`` by slot, ``[count, N]``; NaN where nothing was observed."""
    observed = ~np.isnan(values)
    total, number = np.zeros((count, values.shape[1])), np.zeros((count, values.shape[1]))
    np.add.at(total, slots, np.where(observed, values, 0.0))
    np.add.at(number, slots, observed)
    return np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
