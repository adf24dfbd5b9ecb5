"""Which nodes tell something about a node: measured on the training period, without a graph."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ALIKE, AHEAD = range(2)  # the two kinds of neighbours
MANY, MOMENTS = 10_000, 1024  # above so many nodes, correlations are taken over so many steps at most
_ROWS = 512  # nodes whose correlations with all others are held at a time


class Neighbours(nn.Module):
    """For each node the k nodes whose departures from their typical day go with its own, and the k that go ahead.

    *Alike* are those with the largest correlation at the same time; *ahead* those whose departure now goes with the
    node's change over the next ``lag`` steps, what its own departure says of that change taken off. Weights are the
    correlations, scaled to an absolute sum of one. Kept as buffers, 4 k numbers a node. Until :meth:`fit`, all weights
    are zero.

    All pairs are looked at, which is N² work for every step. Above :data:`MANY` nodes the correlations are those over
    :data:`MOMENTS` steps, drawn from all of the training period; departures last, so steps in between say little more.

    Args:
        num_nodes: N.
        count: k; at most N - 1 have weight.

    Example:
        >>> neighbours = Neighbours(num_nodes=3, count=1)
        >>> first = torch.randn(100, 1, generator=torch.Generator().manual_seed(0))
        >>> neighbours.fit(torch.cat([first, first, -first + 0.1 * first.flip(0)], dim=1), lag=1)
        >>> neighbours.index[ALIKE].flatten().tolist()
        [1, 0, 0]
    """

    index: Tensor
    weight: Tensor

    def __init__(self, num_nodes: int, count: int) -> None:
        super().__init__()
        self.register_buffer("index", torch.zeros(2, num_nodes, count, dtype=torch.long))
        self.register_buffer("weight", torch.zeros(2, num_nodes, count))

    @torch.no_grad()
    def fit(self, departures: Tensor, lag: int) -> None:
        """Find the neighbours.

        Args:
            departures: ``[T, N]`` from the typical day on the training period, NaN = missing.
            lag: steps over which a change is looked at.
        """
        steps, nodes = departures.shape
        self.weight.zero_()
        if steps <= lag + 1:
            return
        now = _standard(departures[_moments(steps, nodes)].nan_to_num())
        for rows in _chunks(nodes):
            self._keep(ALIKE, rows, now[:, rows].T @ now / len(now))
        del now  # at 100,000 nodes, half of the memory
        moments = _moments(steps - lag, nodes)
        before = _standard(departures[moments].nan_to_num())
        for rows in _chunks(nodes):
            first, later = (departures[:, rows][moments + wait].nan_to_num() for wait in (0, lag))
            change = _standard(later - first)
            own = before[:, rows]
            change = _standard(change - (own * change).mean(dim=0) * own)
            self._keep(AHEAD, rows, change.T @ before / len(before))

    def _keep(self, kind: int, rows: slice, correlation: Tensor) -> None:
        """Keep the largest of ``correlation [n, N]`` for the nodes of ``rows``."""
        each = torch.arange(rows.start, rows.stop, device=correlation.device)
        correlation.scatter_(1, each.unsqueeze(1), 0.0)  # a node is not its own neighbour
        index = correlation.abs().topk(min(self.index.shape[-1], correlation.shape[1]), dim=1).indices
        weight = correlation.gather(1, index)
        weight = weight / weight.abs().sum(dim=1, keepdim=True).clamp_min(1e-6)
        self.index[kind, rows, : index.shape[1]] = index
        self.weight[kind, rows, : index.shape[1]] = weight.to(self.weight)

    def forward(self, departures: Tensor) -> Tensor:
        """The weighted departures of the neighbours: ``[..., N]`` to ``[2, ..., N]``, alike and ahead."""
        columns = departures.flatten(0, -2).t().contiguous()  # [N, ...]: a bag adds rows
        bags = [
            F.embedding_bag(index, columns, mode="sum", per_sample_weights=weight)
            for index, weight in zip(self.index, self.weight.to(columns.dtype), strict=True)
        ]
        return torch.stack(bags).transpose(1, 2).reshape(2, *departures.shape)


def _moments(steps: int, nodes: int) -> Tensor:
    """The steps over which correlations are taken, in order."""
    if nodes <= MANY or steps <= MOMENTS:
        return torch.arange(steps)
    drawn = torch.randperm(steps, generator=torch.Generator().manual_seed(0))[:MOMENTS]
    return drawn.sort().values


def _chunks(nodes: int) -> Iterator[slice]:
    return (slice(start, min(start + _ROWS, nodes)) for start in range(0, nodes, _ROWS))


def _standard(values: Tensor) -> Tensor:
    """``[T, N]`` with mean 0 and variance 1 over time; constant columns become zero."""
    return (values - values.mean(dim=0)) / values.std(dim=0, correction=0).clamp_min(1e-6)
