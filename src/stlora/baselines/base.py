"""What all baselines are: modules like a backbone, fitted by a formula instead of gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stlora.backbones.sizes import check_sizes
from stlora.data import SensorSeries
from stlora.data.filling import Filling
from stlora.data.scaling import Scaler


class Baseline(nn.Module, ABC):
    """A module ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units whose numbers come from :meth:`fit`.

    They are parameters without gradient: saved, loaded, moved and counted like weights, and never trained.

    Args:
        num_nodes: N.
        history: T.
        horizon: H.

    Raises:
        InputError: a size is below 1.
    """

    in_channels = 3

    def __init__(self, num_nodes: int, history: int = 12, horizon: int = 12) -> None:
        super().__init__()
        check_sizes("a baseline", num_nodes=num_nodes, history=history, horizon=horizon)
        self.num_nodes, self.history, self.horizon = num_nodes, history, horizon

    @abstractmethod
    def fit(self, training: SensorSeries, scaler: Scaler, filling: Filling | None = None) -> None:
        """Set the numbers.

        Args:
            training: the training part of a series and nothing after it.
            scaler: from physical units to those of the forecast.
            filling: what stands in histories where nothing was observed.

        Raises:
            InputError: the training part does not suffice, or a package is missing.
        """


def empty(*shape: int) -> nn.Parameter:
    """A place for fitted numbers."""
    return nn.Parameter(torch.zeros(*shape), requires_grad=False)


def assign(parameter: nn.Parameter, values: NDArray[np.floating]) -> None:
    """Put fitted numbers in their place."""
    parameter.data = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).reshape(parameter.shape)


def scaled_values(training: SensorSeries, scaler: Scaler) -> NDArray[np.float64]:
    """``[T, N]`` in scaled units, NaN = missing."""
    scaled: NDArray[np.float64] = scaler.transform(torch.from_numpy(training.values.astype(np.float64))).numpy()
    return scaled
