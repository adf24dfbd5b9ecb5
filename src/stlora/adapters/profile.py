"""The typical day of each node: a short Fourier series, measured once on the training period and not trained."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_RIDGE = 1.0  # one observation's worth of shrinkage, so that a node with few observations has a flat day


class NodeProfile(nn.Module):
    """What a node usually measures at a time of day, on working days and at weekends.

    A predictor that knows a node's usual value at the steps to come has to learn its departures alone. The series
    is fitted by ridge regression to the observed training values; 2 (1 + 2 K) numbers a node, kept as a buffer.
    Until :meth:`fit`, the profile is the training mean: zero in scaled units.

    Args:
        num_nodes: N.
        harmonics: K, sine and cosine pairs of the day.

    Example:
        >>> profile = NodeProfile(num_nodes=1, harmonics=1)
        >>> tod = torch.arange(48) / 24 % 1
        >>> clock = torch.stack([tod, torch.zeros(48)], dim=1)  # two Mondays
        >>> profile.fit(torch.cos(2 * math.pi * tod).unsqueeze(1), clock)
        >>> x = torch.zeros(1, 1, 1, 3)
        >>> x[..., 1] = 23 / 24
        >>> profile(x, horizon=1).round(decimals=1).tolist()  # midnight
        [[[1.0]]]
    """

    coefficients: Tensor
    step: Tensor

    def __init__(self, num_nodes: int, harmonics: int) -> None:
        super().__init__()
        self.harmonics = harmonics
        self.register_buffer("coefficients", torch.zeros(2, 1 + 2 * harmonics, num_nodes))
        self.register_buffer("step", torch.zeros(()))  # between two time steps, as a share of the day

    @torch.no_grad()
    def fit(self, values: Tensor, clock: Tensor) -> None:
        """Measure the typical days.

        Args:
            values: ``[T, N]`` scaled training values, NaN = missing.
            clock: ``[T, 2]`` time of day in [0, 1) and day of week / 7.
        """
        if len(clock) > 1:
            self.step.copy_((clock[1:, 0] - clock[:-1, 0]).remainder(1).median())
        weekend = _weekend(clock[:, 1])
        for kind, rows in enumerate((~weekend, weekend)):
            times, slot = torch.unique(clock[rows, 0].double(), return_inverse=True)
            basis = self._basis(times)  # [S, 1 + 2 K]
            observed = ~values[rows].isnan()
            known = values[rows].nan_to_num().double()
            count, total = (
                basis.new_zeros(len(times), values.shape[1]).index_add(0, slot, part)
                for part in (observed.double(), known)
            )  # [S, N]
            # each node has gaps of its own, so a system of equations of its own
            squares = (basis.unsqueeze(-1) * basis.unsqueeze(-2)).flatten(1)  # [S, (1 + 2 K)²]
            normal = (count.T @ squares).view(-1, basis.shape[1], basis.shape[1])  # [N, 1 + 2 K, 1 + 2 K]
            normal = normal + _RIDGE * torch.eye(basis.shape[1], dtype=basis.dtype, device=basis.device)
            fitted = torch.linalg.solve(normal, (total.T @ basis).unsqueeze(-1)).squeeze(-1)  # [N, 1 + 2 K]
            self.coefficients[kind] = fitted.T.to(self.coefficients)

    def forward(self, x: Tensor, horizon: int) -> Tensor:
        """The usual values at the steps after a history.

        Args:
            x: history ``[B, T, N, C]`` with the clock in channels 1 and 2.
            horizon: H.

        Returns:
            ``[B, N, H]`` in scaled units.
        """
        tod, day = x[:, -1, 0, 1], x[:, -1, 0, 2]  # all nodes share the clock
        ahead = tod[:, None] + self.step.to(x.dtype) * torch.arange(1, horizon + 1, device=x.device)  # [B, H]
        days = ((7 * day).round()[:, None] + (ahead + 1e-4).floor()) % 7 / 7
        workday, weekend = (self._basis(ahead) @ kind for kind in self.coefficients.to(x.dtype))  # [B, H, N]
        return torch.where(_weekend(days).unsqueeze(-1), weekend, workday).transpose(1, 2)

    def _basis(self, tod: Tensor) -> Tensor:
        """``1, sin, cos`` at K harmonics of the time of day: ``[..., 1 + 2 K]``."""
        order = torch.arange(1, self.harmonics + 1, device=tod.device, dtype=tod.dtype)
        angle = 2 * math.pi * tod.unsqueeze(-1) * order
        return torch.cat([torch.ones_like(tod).unsqueeze(-1), angle.sin(), angle.cos()], dim=-1)


def _weekend(day: Tensor) -> Tensor:
    """Whether a day of the week, as d/7 with Monday 0, is Saturday or Sunday."""
    return day > 4.5 / 7
