"""Which nodes tell something about a node: measured on the training period, without a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ALIKE, AHEAD = range(2)  # the two kinds of neighbours
MANY, MOMENTS = 10_000, 1024  # above so many nodes, correlations are taken over so many steps at most
LEAST_COMMON = 30  # steps at which both of two nodes must be observed, or all of a shorter period
_ROWS = 512  # nodes whose correlations with all others are held at a time
_STILL = 1e-4  # variance over the common steps, of 1 over all steps, below which a node says nothing there


class Neighbours(nn.Module):
    """For each node the k nodes whose departures from their typical day go with its own, and the k that go ahead.

    *Alike* are those with the largest correlation at the same time; *ahead* those whose departure now goes with the
    node's change over the next ``lag`` steps, what its own departure says of that change taken off. A correlation of
    two nodes is that over the steps at which both were observed, a change where both of its ends were; with fewer than
    :data:`LEAST_COMMON` such steps it is 0. Weights are the correlations, scaled to an absolute sum of one. Kept as
    buffers, 4 k numbers a node. Until :meth:`fit`, all weights are zero.

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

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        """As every module does it; an index that is no node is told now, not by a later forecast."""
        *_, errors = others
        index = state_dict.get(f"{prefix}index")
        if index is not None and not ((index >= 0) & (index < self.index.shape[1])).all():
            errors.append(f"{prefix}index has values that are none of {self.index.shape[1]} nodes")
            return
        super()._load_from_state_dict(state_dict, prefix, *others)

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
        now = _Columns.of(departures[_moments(steps, nodes)])
        for rows in _chunks(nodes):
            self._keep(ALIKE, rows, _correlation(now.part(rows), now))
        del now  # at 100,000 nodes, half of the memory
        moments = _moments(steps - lag, nodes)
        before = _Columns.of(departures[moments])
        for rows in _chunks(nodes):
            first, later = (departures[:, rows][moments + wait] for wait in (0, lag))
            change = later - first  # NaN where one of its ends is
            own = _Columns.of(torch.where(change.isnan(), change, first)).values
            change = _standard(change)
            rest = change - (own * change).nansum(dim=0) / _observed(change) * own
            self._keep(AHEAD, rows, _correlation(_Columns.of(rest), before))

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


class _Columns(NamedTuple):
    """Standardised columns and where they were observed.

    Attributes:
        values: ``[T, N]`` with mean 0 and variance 1 over what was observed, and 0 elsewhere.
        observed: ``[T, N]``, 1 where a value was observed, 0 elsewhere; None if it was everywhere.
    """

    values: Tensor
    observed: Tensor | None

    @classmethod
    def of(cls, values: Tensor) -> _Columns:
        """Of ``values [T, N]``, NaN = missing."""
        missing = values.isnan()
        observed = (~missing).to(values.dtype) if missing.any() else None
        return cls(_standard(values).nan_to_num_(), observed)

    def part(self, columns: slice) -> _Columns:
        """Some of the columns."""
        return _Columns(self.values[:, columns], None if self.observed is None else self.observed[:, columns])


def _correlation(some: _Columns, all_of_them: _Columns) -> Tensor:
    """``[n, N]`` between ``n`` and ``N`` columns, each over the steps at which both were observed."""
    x, y = some.values, all_of_them.values
    if some.observed is None and all_of_them.observed is None:
        return x.T @ y / len(x)
    seen_x, seen_y = (torch.ones_like(v) if o is None else o for v, o in (some, all_of_them))
    common = seen_x.T @ seen_y
    count = common.clamp_min(1)
    mean_x, mean_y = x.T @ seen_y / count, seen_x.T @ y / count  # over the common steps
    variance_x = x.square().T @ seen_y / count - mean_x.square()
    variance_y = seen_x.T @ y.square() / count - mean_y.square()
    covariance = x.T @ y / count - mean_x * mean_y
    known = (common >= min(LEAST_COMMON, len(x))) & (variance_x > _STILL) & (variance_y > _STILL)
    scale = (variance_x.clamp_min(_STILL) * variance_y.clamp_min(_STILL)).sqrt()
    return torch.where(known, covariance / scale, 0.0).clamp(-1, 1)


def _standard(values: Tensor) -> Tensor:
    """``[T, N]`` with mean 0 and variance 1 over what was observed; NaN stays NaN, constant columns become zero."""
    count = _observed(values)
    centred = values - values.nansum(dim=0) / count
    return centred / (centred.square().nansum(dim=0) / count).sqrt().clamp_min(1e-6)


def _observed(values: Tensor) -> Tensor:
    """How many values of each column of ``[T, N]`` are not NaN, at least 1: ``[N]``."""
    return (~values.isnan()).sum(dim=0).clamp_min(1)
