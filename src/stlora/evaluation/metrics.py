"""Masked errors as exact sums over a whole split, whatever the batches were."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric

from stlora.evaluation.errors import masked_error


class AbsoluteErrors(Metric):
    """MAE over observed targets: what early stopping watches.

    The state is Σ|e| and a count for each step and node, in float64, so the result depends neither on batch size nor
    on batch order.

    Args:
        horizon: H.
        num_nodes: N.
    """

    full_state_update = False
    states: ClassVar[tuple[str, ...]] = ("absolute", "count")
    absolute: Tensor
    count: Tensor

    def __init__(self, horizon: int, num_nodes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for state in self.states:
            self.add_state(state, torch.zeros(horizon, num_nodes, dtype=torch.float64), dist_reduce_fx="sum")
        self.set_dtype(torch.float64)

    def update(self, forecast: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            forecast: ``[B, H, N, 1]`` in physical units.
            target: ``[B, H, N, 1]`` in physical units, NaN = not observed.
        """
        self._add(*masked_error(forecast, target))

    def _add(self, error: Tensor, observed: Tensor) -> None:
        self.absolute += error.sum(dim=0)
        self.count += observed.sum(dim=0)

    def mae(self) -> Tensor:
        """MAE over all steps and nodes, a scalar; NaN where nothing was observed."""
        return self.absolute.sum() / self.count.sum()

    def compute(self) -> Any:
        """The MAE."""
        return self.mae()


class ForecastErrors(AbsoluteErrors):
    """MAE, RMSE and MAPE over observed targets, per horizon step and per node.

    The state is Σ|e|, Σe², Σ|e/y| and two counts for each step and node, in float64, so the result depends
    neither on batch size nor on batch order. A step or node without an observed target has NaN, not 0. MAPE
    leaves out targets of exactly 0, of which a percentage does not exist.

    Args:
        horizon: H.
        num_nodes: N.

    Example:
        >>> errors = ForecastErrors(horizon=1, num_nodes=2)
        >>> target = torch.tensor([10.0, float("nan")]).reshape(1, 1, 2, 1)
        >>> errors.update(torch.tensor([12.0, 99.0]).reshape(1, 1, 2, 1), target)
        >>> errors.compute()["pooled"]
        {'mae': 2.0, 'rmse': 2.0, 'mape': 20.0}
    """

    states = ("absolute", "squared", "relative", "count", "nonzero")
    squared: Tensor
    relative: Tensor
    nonzero: Tensor

    def update(self, forecast: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            forecast: ``[B, H, N, 1]`` in physical units.
            target: ``[B, H, N, 1]`` in physical units, NaN = not observed.
        """
        error, observed = masked_error(forecast, target)
        self._add(error, observed)
        target = target.squeeze(-1).double()
        divisible = observed & (target != 0)
        self.squared += error.square().sum(dim=0)
        self.relative += torch.where(divisible, error / target.abs(), 0.0).sum(dim=0)
        self.nonzero += divisible.sum(dim=0)

    def compute(self) -> dict[str, Any]:
        """The errors as plain numbers.

        Returns:
            ``horizons`` (by step, from 1), ``average`` (mean of the per-step values), ``pooled`` (one value over
            all steps), each with ``mae`` and ``rmse`` in the data's unit and ``mape`` in percent; and ``nodes``, a
            list with ``mae`` and ``rmse`` of each node over all steps.
        """
        steps = self._errors(dim=1)
        nodes = self._errors(dim=0)
        pooled = self._errors(dim=(0, 1))
        return {
            "horizons": {
                str(step + 1): {name: float(values[step]) for name, values in steps.items()}
                for step in range(len(self.count))
            },
            "average": {name: float(values.mean()) for name, values in steps.items()},
            "pooled": {name: float(value) for name, value in pooled.items()},
            "nodes": [
                {"mae": float(mae), "rmse": float(rmse)} for mae, rmse in zip(nodes["mae"], nodes["rmse"], strict=True)
            ],
        }

    def _errors(self, dim: int | tuple[int, ...]) -> dict[str, Tensor]:
        count = self.count.sum(dim)  # 0 / 0 is NaN: no valid data
        return {
            "mae": self.absolute.sum(dim) / count,
            "rmse": (self.squared.sum(dim) / count).sqrt(),
            "mape": 100 * self.relative.sum(dim) / self.nonzero.sum(dim),
        }
