"""Windows over one array, cut out by index when a batch is asked for; nothing is stored twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from stlora.data.filling import Filling, carry_forward, interpolate
from stlora.data.rows import Rows
from stlora.data.scaling import Scaler
from stlora.data.series import SensorSeries
from stlora.data.time.clock import clock, clock_slot
from stlora.errors import InputError


class Windows:
    """Histories and targets of a series, by the step at which a window starts.

    A window that starts at step s has the history s … s+T-1 and the target s+T … s+T+H-1. Where the array lies, and
    whether a memory-mapped one is read a batch at a time, is settled by :class:`stlora.data.rows.Rows`.

    Args:
        series: the measurements.
        scaler: fitted on the training period.
        history: T.
        horizon: H; 0 for histories alone.
        filling: what stands in histories where nothing was observed.

    Attributes:
        scaler: as given.
        filling: as given.

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

    def __init__(
        self,
        series: SensorSeries,
        scaler: Scaler,
        history: int = 12,
        horizon: int = 12,
        filling: Filling | None = None,
    ) -> None:
        if series.num_steps < history + horizon:
            raise InputError(
                f"{series.name} has {series.num_steps} steps and one window needs {history} + {horizon}; "
                "give a longer series or shorter windows"
            )
        self.scaler = scaler
        self.history = history
        self.horizon = horizon
        self.filling = filling or Filling()
        self._values = Rows(series.values)  # [T_total, N], NaN = missing
        time = clock(series.time)
        self._clock = torch.from_numpy(time)  # [T_total, 2]
        if self.filling.profile is not None:
            profile = scaler.transform(torch.from_numpy(self.filling.profile)).nan_to_num(nan=0.0)
            self._profile = profile  # [slots, N], scaled
            self._slot = torch.from_numpy(clock_slot(time[:, 0], len(profile)))  # [T_total]

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
        """Make batches on ``device``; the array is moved there once if it fits, so that a step copies indices alone."""
        self._values.to(device)
        self._clock = self._clock.to(device)
        if self.filling.profile is not None:
            self._profile, self._slot = self._profile.to(device), self._slot.to(device)
        return self

    def inputs(self, start: Tensor) -> Tensor:
        """Histories ``[B, T, N, 4]``: scaled value, time of day, day of week / 7, observed or not.

        A missing value is replaced as :class:`stlora.data.filling.Filling` says.

        Args:
            start: ``[B]`` first steps of the windows.
        """
        rows = start[:, None] + torch.arange(self.history, device=start.device)  # [B, T]
        values = self._rows(rows)
        x = _spread(self._clock[rows], self.num_nodes)  # [B, T, N, 4]
        scaled = self.scaler.transform(values)
        # on a GPU, to look whether anything is missing would take longer than to fill
        if values.is_cuda or values.sum().isnan():
            observed = ~values.isnan()
            scaled = self._fill(scaled, observed, rows)
            x[..., 3] = observed
        x[..., 0] = scaled
        return x

    def targets(self, start: Tensor) -> Tensor:
        """What followed, ``[B, H, N, 1]`` in physical units; NaN where nothing was observed.

        Args:
            start: ``[B]`` first steps of the windows.
        """
        rows = start[:, None] + torch.arange(self.history, self.history + self.horizon, device=start.device)
        return self._rows(rows).unsqueeze(-1)

    def observed_targets(self, start: Tensor, steps: int) -> Tensor:
        """How many of the first ``steps`` targets of each window were observed, over all nodes: ``[B]`` int64.

        Args:
            start: ``[B]`` first steps of the windows, on the processor.
            steps: at most H.
        """
        first = start + self.history
        return self._observed_before[first + steps] - self._observed_before[first]

    @cached_property
    def _observed_before(self) -> Tensor:
        """The number of observed values before each step, ``[T_total + 1]``."""
        counts = [torch.zeros(1, dtype=torch.long)]
        for _, values in self.blocks(range(len(self._values))):
            counts.append((~values.isnan()).sum(dim=1).cpu())
        return torch.cat(counts).cumsum(0)

    def blocks(self, steps: range) -> Iterator[tuple[Tensor, Tensor]]:
        """The values of consecutive steps, some at a time: their numbers ``[t]``, and ``[t, N]`` in physical units."""
        for rows in torch.split(torch.arange(steps.start, steps.stop, device=self.device), 256):
            yield rows, self._values[rows]

    def _rows(self, rows: Tensor) -> Tensor:
        """The values at steps ``[B, T]``: ``[B, T, N]``."""
        return self._values[rows.reshape(-1)].view(*rows.shape, self.num_nodes)

    def _fill(self, scaled: Tensor, observed: Tensor, rows: Tensor) -> Tensor:
        if self.filling.fill == "profile":
            return torch.where(observed, scaled, self._profile[self._slot[rows]])
        return (interpolate if self.filling.fill == "linear" else carry_forward)(scaled, observed)


def _spread(clock: Tensor, num_nodes: int) -> Tensor:
    """``[B, T, N, 4]`` with the clock ``[B, T, 2]`` in the two middle channels and ones in the others."""
    template = clock.new_ones(*clock.shape[:2], 1, 4)
    template[:, :, 0, 1:3] = clock
    four = torch.view_as_complex(template.view(torch.float64))  # one number of 16 bytes a node is copied much faster
    return torch.view_as_real(four.expand(-1, -1, num_nodes).contiguous()).view(torch.float32)
