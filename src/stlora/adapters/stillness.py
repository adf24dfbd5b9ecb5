"""Windows in which a node shows one value throughout, and how far from usual it did so in training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_NODES = 4096  # measured at a time


class Stillness(nn.Module):
    """Tells a sensor that has gone dead: one value throughout, farther from the usual day than it ever was before.

    What an adapter knows of such a node is of the time when it was alive. Short silences at quiet hours were there in
    training and are known. Until :meth:`fit`, no window without a change is known.

    Args:
        num_nodes: N.
        history: T, the steps of a window.

    Example:
        >>> stillness = Stillness(num_nodes=1, history=2)
        >>> stillness.fit(torch.tensor([[0.0], [0.0], [5.0], [7.0]]), torch.tensor([[-0.5], [0.5], [1.0], [1.0]]))
        >>> silent = torch.zeros(1, 2, 1)
        >>> [stillness(silent, silent - usual).item() for usual in (0.4, 6.0)]  # at night, by day
        [False, True]
    """

    seen: Tensor

    def __init__(self, num_nodes: int, history: int) -> None:
        super().__init__()
        self.history = history
        self.register_buffer("seen", torch.zeros(num_nodes))

    @torch.no_grad()
    def fit(self, values: Tensor, departures: Tensor) -> None:
        """Measure how far from usual, in the mean over its steps, a still window of each node is at most.

        Args:
            values: ``[S, N]`` training values, NaN = missing; a window with a missing value is not still.
            departures: ``[S, N]`` of them from the usual ones.
        """
        self.seen.zero_()
        if len(values) < self.history:
            return
        for first in range(0, values.shape[1], _NODES):
            nodes = slice(first, first + _NODES)
            held = (values[1:, nodes] == values[:-1, nodes]).unfold(0, self.history - 1, 1).all(dim=-1)
            away = departures[:, nodes].abs().unfold(0, self.history, 1).mean(dim=-1)
            self.seen[nodes] = torch.where(held, away, 0.0).nan_to_num().amax(dim=0)

    def forward(self, values: Tensor, departures: Tensor) -> Tensor:
        """Which nodes ``[B, N]`` are still as never before, from values and departures ``[B, T, N]``.

        One step cannot show that a node stands still: with a history of 1 none does.
        """
        if self.history == 1:
            return torch.zeros_like(values[:, 0], dtype=torch.bool)
        held = values.amax(dim=1) == values.amin(dim=1)
        return held & (departures.abs().mean(dim=1) > self.seen)
