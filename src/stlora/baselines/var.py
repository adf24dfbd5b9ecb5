"""Vector autoregression: every sensor from the last values of all sensors."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stlora.baselines.base import Baseline, assign, empty, scaled_values
from stlora.data import SensorSeries
from stlora.data.filling import Filling
from stlora.data.scaling import Scaler
from stlora.errors import InputError

ROWS_PER_COEFFICIENT = 10  # fewer leave least squares to noise
LARGEST_CONDITION = 1e6  # of the regressors; beyond it float32 forecasts lose all digits


class VectorAutoregression(Baseline):
    """A VAR(p) on all nodes, ``y_t = c + Σ_k A_k y_{t-k}``, iterated to H steps (Sims 1980; Lütkepohl 2005, ch. 3).

    Gaps of the training part are filled by linear interpolation in time, at its ends by the nearest value, for a
    node without any by the training mean; those of a history as its windows are. A node that never changes in
    training keeps its value.

    Args:
        num_nodes: N.
        history: T.
        horizon: H.
        order: p, lags used; at most T.
        regularisation: 0 for least squares; above it, the penalty on the squared coefficients, in scaled units.

    Raises:
        InputError: a size is below 1, the order exceeds the history, or the regularisation is negative.
    """

    def __init__(
        self, num_nodes: int, history: int = 12, horizon: int = 12, order: int = 3, regularisation: float = 0.0
    ) -> None:
        super().__init__(num_nodes, history, horizon)
        if not 1 <= order <= history:
            raise InputError(f"var got order={order} for a history of {history} steps; expected 1 to {history}")
        if not 0 <= regularisation < float("inf"):
            raise InputError(f"var got regularisation={regularisation}; expected a number of 0 or more")
        self.order, self.regularisation = order, regularisation
        self.intercept = empty(num_nodes)
        self.weight = empty(order, num_nodes, num_nodes)  # A_1 … A_p, [to, from]

    def fit(self, training: SensorSeries, scaler: Scaler, filling: Filling | None = None) -> None:
        """Estimate the coefficients.

        Raises:
            InputError: least squares has too few rows or dependent sensors, or a package is missing.
        """
        values = interpolated(scaled_values(training, scaler))
        moving = np.flatnonzero(np.ptp(values, axis=0) > 0)
        intercept, weight = values[0].copy(), np.zeros(self.weight.shape)
        intercept[moving] = 0.0
        if len(moving):
            estimate = self._ridge if self.regularisation else self._least_squares
            constant, lags = estimate(values[:, moving], training.name)
            intercept[moving] = constant
            weight[:, moving[:, None], moving] = lags
        assign(self.intercept, intercept)
        assign(self.weight, weight)

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        past = list(x[:, -self.order :, :, 0].unbind(1))  # p times [B, N], oldest first
        for _ in range(self.horizon):
            following = self.intercept.to(x.dtype)
            for lag in range(1, self.order + 1):
                following = following + past[-lag] @ self.weight[lag - 1].T
            past.append(following)
        return torch.stack(past[self.order :], dim=1).unsqueeze(-1)

    def _least_squares(self, values: NDArray[np.float64], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``c [M]`` and ``A [p, M, M]`` by statsmodels."""
        nodes, rows = values.shape[1], len(values) - self.order
        equation = nodes * self.order + 1
        if rows < ROWS_PER_COEFFICIENT * equation:
            raise InputError(
                f"var of order {self.order} on {nodes} sensors has {nodes * nodes * self.order:,} coefficients, "
                f"{equation:,} in an equation, against {rows:,} training rows of {name}; expected "
                f"{ROWS_PER_COEFFICIENT} rows a coefficient ({ROWS_PER_COEFFICIENT * equation:,}): "
                "give regularisation, such as 100, a lower order, or a longer series"
            )
        condition = np.linalg.cond(_lags(values, self.order))
        if not condition < LARGEST_CONDITION:
            raise InputError(
                f"the sensors of {name} depend on each other linearly (condition {condition:.0e}, expected below "
                f"{LARGEST_CONDITION:.0e}), so least squares has no one answer; give regularisation, such as 100, or "
                "leave out sensors that repeat others, which stlora data check names"
            )
        try:
            from statsmodels.tsa.ar_model import AutoReg
            from statsmodels.tsa.vector_ar.var_model import VAR
        except ImportError as error:
            raise InputError('var needs statsmodels; run pip install "stlora[baselines]"') from error
        if nodes == 1:  # which VAR does not take
            constant, *lags = AutoReg(values[:, 0], self.order, trend="c").fit().params
            return np.array([constant]), np.reshape(lags, (self.order, 1, 1))
        fitted = VAR(values).fit(maxlags=self.order, trend="c")
        return fitted.intercept, fitted.coefs

    def _ridge(self, values: NDArray[np.float64], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``c [M]`` and ``A [p, M, M]`` by scikit-learn; the constant is not penalised."""
        try:
            from sklearn.linear_model import Ridge
        except ImportError as error:
            raise InputError(
                'var with regularisation needs scikit-learn; run pip install "stlora[baselines]"'
            ) from error
        nodes = values.shape[1]
        if len(values) <= self.order:
            raise InputError(f"{name} has {len(values)} training rows; var of order {self.order} needs more")
        fitted = Ridge(alpha=self.regularisation).fit(_lags(values, self.order), values[self.order :])
        weight = fitted.coef_.reshape(nodes, self.order, nodes).transpose(1, 0, 2)
        return np.atleast_1d(fitted.intercept_), weight


def _lags(values: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """``[T - p, p N]``: for each row from p on, the values one step before, two steps before and so on."""
    return np.concatenate([values[order - lag : len(values) - lag] for lag in range(1, order + 1)], axis=1)


def interpolated(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill the gaps of each column of ``[T, N]`` linearly; ends with the nearest value, empty columns with 0.

    Example:
        >>> interpolated(np.array([[np.nan], [1.0], [np.nan], [3.0]]))[:, 0].tolist()
        [1.0, 1.0, 2.0, 3.0]
    """
    filled = np.zeros_like(values)
    steps = np.arange(len(values))
    for node, column in enumerate(values.T):
        seen = np.flatnonzero(~np.isnan(column))
        if len(seen):
            filled[:, node] = np.interp(steps, seen, column[seen])
    return filled
