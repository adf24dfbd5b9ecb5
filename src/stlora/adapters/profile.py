"""What is known of each node before anything is trained: measured once on the training period."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stlora.adapters.neighbours import Neighbours
from stlora.adapters.stillness import Stillness
from stlora.adapters.typical_day import TypicalDay

NEWEST = 3  # of the past steps, those whose neighbours and gaps are looked at
_RIDGE = 1.0  # one observation's worth of shrinkage of the persistence toward none
_HALF_LIFE = 60.0  # days after which a measurement weighs half: what is usual changes with the season


@dataclass(frozen=True)
class Context:
    """A window in the light of what is known of its nodes, in scaled units.

    Attributes:
        departure: of the past values from the usual ones, ``[B, T, N]``.
        usual: values at the steps to come, ``[B, H, N]``.
        spread: usual size of the departures at the :func:`key_steps` to come, ``[B, 1 … 3, N]``.
        expected: values at the steps to come if the newest departure fades as it usually does, ``[B, H, N]``.
        around: departures of the neighbours at the newest steps, ``[B, T', N]`` each; none without neighbours.
    """

    departure: Tensor
    usual: Tensor
    spread: Tensor
    expected: Tensor
    around: tuple[Tensor, ...]


class NodeProfile(nn.Module):
    """Each node's typical day, the spread around it, how long departures last, how still it was, and its neighbours.

    A predictor that knows what is usual has to learn the departures alone. All of it is measured, nothing trained. But
    for the neighbours and the stillness, newer measurements weigh more: half as much after 60 days.

    Args:
        num_nodes: N.
        history: T.
        horizon: H.
        harmonics: of the typical day and of the spread; see :class:`TypicalDay`.
        neighbours: of each kind; see :class:`Neighbours`. 0 for none.
    """

    persistence: Tensor
    step: Tensor

    def __init__(self, num_nodes: int, history: int, horizon: int, harmonics: int, neighbours: int) -> None:
        super().__init__()
        self.day = TypicalDay(num_nodes, harmonics)
        self.variance = TypicalDay(num_nodes, harmonics)
        self.stillness = Stillness(num_nodes, history)
        self.neighbours = Neighbours(num_nodes, neighbours) if neighbours else None
        self.register_buffer("persistence", torch.zeros(horizon, num_nodes))
        self.register_buffer("step", torch.zeros(()))  # between two time steps, in days

    @property
    def is_fitted(self) -> bool:
        """Whether the nodes have been measured."""
        return bool(self.step > 0)

    @torch.no_grad()
    def fit(self, values: Tensor, clock: Tensor) -> None:
        """Measure everything.

        Args:
            values: ``[T, N]`` scaled training values, NaN = missing.
            clock: ``[T, 2]`` time of day in [0, 1) and day of week / 7.
        """
        if len(clock) > 1:
            self.step.copy_(_step(clock))
        age = self.step * torch.arange(len(clock) - 1, -1, -1, device=clock.device)  # in days
        weight = torch.exp2(-age / _HALF_LIFE)
        self.day.fit(values, clock, weight)
        departures = values - self.day(clock)  # NaN stays NaN
        self.variance.fit(departures.square(), clock, weight)
        for ahead in range(1, 1 + len(self.persistence)):
            before, after = departures[:-ahead], departures[ahead:]
            both = ~(before.isnan() | after.isnan())
            earlier, later = (torch.where(both, departure, 0.0) for departure in (before, after))
            product, square = (weight[ahead:] @ (earlier * other) for other in (later, earlier))
            self.persistence[ahead - 1] = product / (square + _RIDGE)
        self.stillness.fit(values, departures)
        if self.neighbours is not None:
            self.neighbours.fit(departures, lag=max(1, len(self.persistence) // 2))

    def forward(self, x: Tensor) -> Context:
        """A history ``[B, T, N, C]``, with the clock in channels 1 and 2, in the light of what is known."""
        past = x[:, :, 0, 1:3]  # all nodes share the clock
        ahead = self._ahead(past[:, -1])
        departure = x[..., 0] - self.day(past)
        usual = self.day(ahead)
        steps = key_steps(ahead.shape[1])
        key = torch.stack([ahead[:, step] for step in steps], dim=1)  # an index of a list is sent to a GPU every time
        around: tuple[Tensor, ...] = ()
        if self.neighbours is not None:
            around = tuple(self.neighbours(departure[:, -NEWEST:]))
        return Context(
            departure=departure,
            usual=usual,
            spread=self.variance(key).clamp_min(0).sqrt(),
            expected=usual + self.persistence.to(x.dtype) * departure[:, -1:],
            around=around,
        )

    def strange(self, x: Tensor, context: Context) -> Tensor:
        """Whether what is known says nothing of a window, ``[B, N]``: the node has gone dead; never if it has gaps."""
        still: Tensor = self.stillness(x[..., 0], context.departure)
        return still & (x[..., 3:4] > 0).all(dim=3).all(dim=1)

    def _ahead(self, newest: Tensor) -> Tensor:
        """The clock ``[B, H, 2]`` of the steps after the newest one ``[B, 2]``."""
        steps = torch.arange(1, 1 + len(self.persistence), device=newest.device)
        tod = newest[:, :1] + self.step.to(newest.dtype) * steps  # [B, H]
        day = ((7 * newest[:, 1:]).round() + (tod + 1e-4).floor()) % 7 / 7
        return torch.stack([tod, day], dim=-1)


def _step(clock: Tensor) -> Tensor:
    """Days between two rows of a clock ``[T, 2]``, which shows a week: more than seven look like the rest of them."""
    days = (7 * clock[:, 1].double()).round() + clock[:, 0].double()
    step = days.diff().remainder(7).median()
    return torch.where(step > 0, step, 7.0)


def key_steps(horizon: int) -> list[int]:
    """The first, the middle and the last step ahead: the spread changes slowly with it.

    Example:
        >>> key_steps(12)
        [0, 5, 11]
    """
    return sorted({0, (horizon - 1) // 2, horizon - 1})
