"""Windows over one array, cut out by index when a batch is asked for; nothing is stored twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from stlora.data.scaling import Scaler
from stlora.data.series import SensorSeries
from stlora.errors import InputError


def clock(time: pd.DatetimeIndex) -> NDArray[np.float32]:
    """Time of day in [0, 1) and day of week as d/7, Monday 0, of each time stamp: ``[T, 2]``.

    Example:
        >>> clock(pd.DatetimeIndex(["2024-01-02 06:00"])).tolist()  # a Tuesday
        [[0.25, 0.1428571492433548]]
    """
    day = (time.hour + (time.minute + time.second / 60) / 60) / 24  # what clocks show, when they are changed too
    return np.stack([np.asarray(day), np.asarray(time.day_of_week) / 7], axis=1).astype(np.float32)


class Windows:
    """Histories and targets of a series, by the step at which a window starts.

    A window that starts at step s has the history s … s+T-1 and the target s+T … s+T+H-1.

    Args:
        series: the measurements.
        scaler: fitted on the training period.
        history: T.
        horizon: H; 0 for histories alone.

    Attributes:
        device: where the array lies and batches are made.

    Example:
        >>> import numpy as np, pandas as pd
        >>> time = pd.date_range("2024-01-01", periods=8, freq="5min")
        >>> series = SensorSeries(np.arange(16.0).reshape(8, 2), time, ("a", "b"))
        >>> windows = Windows(series, Scaler(8.0, 4.0), history=3, horizon=2)
        >>> start = torch.tensor([0, 3])
        >>> windows.inputs(start).shape, windows.targets(start).shape
        (torch.Size([2, 3, 2, 4]), torch.Size([2, 2, 2, 1]))
        >>> windows.targets(start)[0, :, 0, 0].tolist()
        [6.0, 8.0]
    """

    def __init__(self, series: SensorSeries, scaler: Scaler, history: int = 12, horizon: int = 12) -> None:
        if series.num_steps < history + horizon:
            raise InputError(
                f"{series.name} has {series.num_steps} steps and one window needs {history} + {horizon}; "
                "give a longer series or shorter windows"
            )
        self.scaler = scaler
        self.history = history
        self.horizon = horizon
        values = np.require(series.values, requirements=("C", "W"))  # a copy only where torch cannot share it
        self._values = torch.from_numpy(values)  # [T_total, N], NaN = missing
        self._clock = torch.from_numpy(clock(series.time))  # [T_total, 2]

    def __len__(self) -> int:
        return len(self._values) - self.history - self.horizon + 1

    @property
    def num_nodes(self) -> int:
        """N."""
        return int(self._values.shape[1])

    @property
    def device(self) -> torch.device:
        """Where batches are made."""
        return self._values.device

    def to(self, device: torch.device) -> Windows:
        """Move the array, once, so that a training step copies indices alone."""
        self._values = self._values.to(device)
        self._clock = self._clock.to(device)
        return self

    def inputs(self, start: Tensor) -> Tensor:
        """Histories ``[B, T, N, 4]``: scaled value, time of day, day of week / 7, observed or not.

        A missing value is replaced by the last one observed in its window, or by the training mean where the
        window has none before it.

        Args:
            start: ``[B]`` first steps of the windows.
        """
        rows = start[:, None] + torch.arange(self.history, device=start.device)  # [B, T]
        values = self._values[rows]  # [B, T, N]
        observed = ~values.isnan()
        scaled = _carry_forward(self.scaler.transform(values), observed)
        clock = self._clock[rows].unsqueeze(2).expand(-1, -1, values.shape[2], -1)  # [B, T, N, 2]
        return torch.cat([scaled.unsqueeze(-1), clock, observed.unsqueeze(-1).to(scaled.dtype)], dim=-1)

    def targets(self, start: Tensor) -> Tensor:
        """What followed, ``[B, H, N, 1]`` in physical units; NaN where nothing was observed.

        Args:
            start: ``[B]`` first steps of the windows.
        """
        rows = start[:, None] + torch.arange(self.history, self.history + self.horizon, device=start.device)
        return self._values[rows].unsqueeze(-1)


def _carry_forward(scaled: Tensor, observed: Tensor) -> Tensor:
    """Fill gaps along axis 1 with the last observed value, or with 0, the scaled mean, before the first."""
    steps = torch.arange(scaled.shape[1], device=scaled.device)[None, :, None]
    last = torch.where(observed, steps, 0).cummax(dim=1).values  # [B, T, N]
    return scaled.gather(1, last).nan_to_num(nan=0.0)
