"""The typical day of each node: a short Fourier series, measured once on the training period and not trained."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_NODES = 4096  # fitted at a time: each has a system of equations of its own
_TIMES = 2048  # of the day, looked at at a time: each has a square as large as such a system
_APART = 2.0**20  # between the times of workdays and of weekends, which are days
_RIDGE = 1.0  # one observation's worth of shrinkage, so that a node with few observations has a flat day


class TypicalDay(nn.Module):
    """What a node usually measures at a time of day, on working days and at weekends.

    The series is fitted by ridge regression to the observed training values, of which newer ones may weigh more;
    2 (1 + 2 K) numbers a node, kept as a buffer. Until :meth:`fit`, every day is zero. A day of S steps carries at most
    (S - 1) / 2 harmonics; more stay zero.

    Args:
        num_nodes: N.
        harmonics: K, sine and cosine pairs of the day.

    Example:
        >>> day = TypicalDay(num_nodes=1, harmonics=1)
        >>> tod = torch.arange(48) / 24 % 1
        >>> clock = torch.stack([tod, torch.zeros(48)], dim=1)  # two Mondays
        >>> day.fit(torch.cos(2 * math.pi * tod).unsqueeze(1), clock)
        >>> day(torch.tensor([[0.0, 0.0], [0.5, 0.0]])).round(decimals=1).flatten().tolist()  # midnight, noon
        [1.0, -1.0]
    """

    coefficients: Tensor

    def __init__(self, num_nodes: int, harmonics: int) -> None:
        super().__init__()
        self.harmonics = harmonics
        self.register_buffer("coefficients", torch.zeros(2, 1 + 2 * harmonics, num_nodes))

    @torch.no_grad()
    def fit(self, values: Tensor, clock: Tensor, weight: Tensor | None = None) -> None:
        """Measure the typical days.

        Args:
            values: ``[T, N]`` training values, NaN = missing.
            clock: ``[T, 2]`` time of day in [0, 1) and day of week / 7.
            weight: ``[T]`` of each step; all the same if None.
        """
        weights = (values.new_ones(len(values)) if weight is None else weight).double().unsqueeze(1)
        self.coefficients.zero_()
        for first in range(0, values.shape[1], _NODES):
            nodes = slice(first, first + _NODES)
            self._fit(nodes, values[:, nodes], clock, weights)

    def _fit(self, nodes: slice, values: Tensor, clock: Tensor, weights: Tensor) -> None:
        weekend = _weekend(clock[:, 1])
        for kind, rows in enumerate((~weekend, weekend)):
            times, slot = torch.unique(clock[rows, 0].double(), return_inverse=True)
            carried = min(self.harmonics, max(0, len(times) - 1) // 2)
            basis = _basis(times, carried)  # [S, 1 + 2 K]
            observed = ~values[rows].isnan()
            known = values[rows].nan_to_num().double()
            count, total = (
                basis.new_zeros(len(times), values.shape[1]).index_add(0, slot, weights[rows] * part)
                for part in (observed.double(), known)
            )  # [S, N]
            # each node has gaps of its own
            normal = basis.new_zeros(values.shape[1], basis.shape[1] ** 2)
            for first in range(0, len(times), _TIMES):
                some, counted = (array[first : first + _TIMES] for array in (basis, count))
                normal += counted.T @ (some.unsqueeze(-1) * some.unsqueeze(-2)).flatten(1)
            normal = normal.view(-1, basis.shape[1], basis.shape[1])  # [N, 1 + 2 K, 1 + 2 K]
            normal = normal + _RIDGE * torch.eye(basis.shape[1], dtype=basis.dtype, device=basis.device)
            fitted = torch.linalg.solve(normal, (total.T @ basis).unsqueeze(-1)).squeeze(-1)  # [N, 1 + 2 K]
            order = [0, *range(1, 1 + carried), *range(1 + self.harmonics, 1 + self.harmonics + carried)]
            self.coefficients[kind, order, nodes] = fitted.T.to(self.coefficients)

    def forward(self, clock: Tensor) -> Tensor:
        """The usual values ``[..., N]`` at times ``[..., 2]``: time of day in [0, 1) and day of week / 7.

        They are measured, so autocast, which is for what is learned, does not round them.
        """
        if torch.is_autocast_enabled(clock.device.type):
            with torch.autocast(clock.device.type, enabled=False):
                return self._usual(clock)
        return self._usual(clock)

    def _usual(self, clock: Tensor) -> Tensor:
        workday, weekend = self.coefficients.to(clock.dtype)
        # how many times there are is not known beforehand, and finding them has no gradient
        if clock.is_cuda or torch.compiler.is_compiling() or clock.requires_grad:
            basis = _basis(clock[..., 0], self.harmonics)
            return torch.where(_weekend(clock[..., 1]).unsqueeze(-1), basis @ weekend, basis @ workday)
        # a batch of windows holds few times of the day, each of them often
        times, which = torch.unique(clock[..., 0].double() + _APART * _weekend(clock[..., 1]), return_inverse=True)
        basis = _basis((times % _APART).to(clock.dtype), self.harmonics)
        workdays = int((times < _APART).sum())
        days = torch.cat([basis[:workdays] @ workday, basis[workdays:] @ weekend])
        return days.index_select(0, which.flatten()).view(*clock.shape[:-1], -1)


def _basis(tod: Tensor, harmonics: int) -> Tensor:
    """``1, sin, cos`` at K harmonics of the time of day: ``[..., 1 + 2 K]``."""
    order = torch.arange(1, harmonics + 1, device=tod.device, dtype=tod.dtype)
    angle = 2 * math.pi * tod.unsqueeze(-1) * order
    return torch.cat([torch.ones_like(tod).unsqueeze(-1), angle.sin(), angle.cos()], dim=-1)


def _weekend(day: Tensor) -> Tensor:
    """Whether a day of the week, as d/7 with Monday 0, is Saturday or Sunday."""
    return day > 4.5 / 7
