"""The last value: nothing changes."""

from __future__ import annotations

from torch import Tensor

from stlora.baselines.base import Baseline
from stlora.data import SensorSeries
from stlora.data.filling import Filling
from stlora.data.scaling import Scaler


class LastValue(Baseline):
    """Every future step is the last observed value of the history; the training mean where it has none.

    There is nothing to fit: windows fill a gap with the last value before it, in scaled units 0 if there is none.

    Example:
        >>> import torch
        >>> x = torch.tensor([1.0, 4.0]).reshape(1, 2, 1, 1)
        >>> LastValue(num_nodes=1, history=2, horizon=3)(x).flatten().tolist()
        [4.0, 4.0, 4.0]
    """

    def fit(self, training: SensorSeries, scaler: Scaler, filling: Filling | None = None) -> None:
        """Nothing is fitted."""

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        return x[:, -1:, :, :1].expand(-1, self.horizon, -1, -1)
