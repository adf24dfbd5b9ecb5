"""Linear support vector regression on the window and the clock, shared by all nodes."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stlora.baselines.base import Baseline, assign, empty
from stlora.data import SensorSeries
from stlora.data.filling import Filling
from stlora.data.scaling import Scaler
from stlora.data.windows import Windows
from stlora.errors import InputError

CLOCK = 4  # sine and cosine of the day and of the week
CHUNK = 256  # pairs cut out at a time


class SupportVectorRegression(Baseline):
    """One linear SVR for each future step (Drucker et al. 1997), with the ε-insensitive loss in scaled units.

    It reads the T values of a node's window and the sine and cosine of the time of the day and of the week at its
    last step. It is fitted to pairs of a training window and a node, drawn without replacement; a pair whose value
    at the step was not observed does not count for that step.

    Args:
        num_nodes: N.
        history: T.
        horizon: H.
        max_rows: pairs drawn at most.
        seed: of the draw.
        penalty: of an error beyond ε, against the squared weights (C).
        epsilon: the error that costs nothing, in standard deviations of the training values.

    Raises:
        InputError: a size is below 1, or a setting is negative.
    """

    def __init__(
        self,
        num_nodes: int,
        history: int = 12,
        horizon: int = 12,
        max_rows: int = 20_000,
        seed: int = 0,
        penalty: float = 0.1,
        epsilon: float = 0.01,
    ) -> None:
        super().__init__(num_nodes, history, horizon)
        if max_rows < 1 or seed < 0 or not penalty > 0 or not epsilon >= 0:
            raise InputError(
                f"svr got max_rows={max_rows}, seed={seed}, penalty={penalty}, epsilon={epsilon}; expected 1 or more, "
                "0 or more, above 0, and 0 or more"
            )
        self.max_rows, self.seed, self.penalty, self.epsilon = max_rows, seed, penalty, epsilon
        self.weight = empty(horizon, history + CLOCK)
        self.bias = empty(horizon)

    def fit(self, training: SensorSeries, scaler: Scaler, filling: Filling | None = None) -> None:
        """Draw rows and fit each step.

        Raises:
            InputError: a step has no observed target among the rows, or scikit-learn is missing.
        """
        try:
            from sklearn.svm import LinearSVR
        except ImportError as error:
            raise InputError('svr needs scikit-learn; run pip install "stlora[baselines]"') from error
        inputs, targets = self._rows(Windows(training, scaler, self.history, self.horizon, filling))
        weight, bias = np.zeros(self.weight.shape), np.zeros(self.bias.shape)
        for step in range(self.horizon):
            known = ~np.isnan(targets[:, step])
            if not known.any():
                raise InputError(
                    f"none of the {len(targets)} rows drawn from {training.name} has a value at step {step + 1}; "
                    "raise max_rows, or choose a period with fewer gaps"
                )
            machine = LinearSVR(C=self.penalty, epsilon=self.epsilon, random_state=self.seed, max_iter=10_000)
            machine.fit(inputs[known], targets[known, step])
            weight[step], bias[step] = machine.coef_, machine.intercept_[0]
        assign(self.weight, weight)
        assign(self.bias, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        out: Tensor = torch.nn.functional.linear(features(x), self.weight, self.bias)  # [B, N, H]
        return out.transpose(1, 2).unsqueeze(-1)

    def _rows(self, windows: Windows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Features ``[R, T + 4]`` and scaled targets ``[R, H]`` of drawn pairs, NaN where not observed."""
        pairs = len(windows) * windows.num_nodes
        drawn = np.random.default_rng(self.seed).choice(pairs, min(self.max_rows, pairs), replace=False)
        inputs, targets = [], []
        for chunk in torch.split(torch.from_numpy(drawn), CHUNK):
            start, node, row = chunk // windows.num_nodes, chunk % windows.num_nodes, torch.arange(len(chunk))
            inputs.append(features(windows.inputs(start)[row, :, node].unsqueeze(2))[:, 0])
            targets.append(windows.scaler.transform(windows.targets(start)[row, :, node, 0]))
        return torch.cat(inputs).double().numpy(), torch.cat(targets).double().numpy()


def features(x: Tensor) -> Tensor:
    """``[B, T, N, C]`` to ``[B, N, T + 4]``: the window, sine and cosine of the day and of the week at its end."""
    day = 2 * math.pi * x[:, -1, :, 1]  # [B, N]
    week = 2 * math.pi * (x[:, -1, :, 2] + x[:, -1, :, 1] / 7)
    waves = torch.stack([day.sin(), day.cos(), week.sin(), week.cos()], dim=-1)
    return torch.cat([x[..., 0].transpose(1, 2), waves], dim=-1)
