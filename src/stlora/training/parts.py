"""What one process computes of a batch, and how much it counts in an optimizer step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor


class Parts:
    """This process's windows of each batch, where several batches or processes make one optimizer step.

    Masked MAE is a mean over what is observed, and the mean of such means is not the mean of the whole. So the mean of
    a part counts by its share of the observed targets of all parts of its step; the gradient is then that of one batch
    with all windows in it.

    Args:
        batches: window starts ``[B]``, in order; the same in every process.
        observed: how many observed targets each of ``[B]`` windows has, ``[B]``.
        accumulate: batches that make a step.
        processes: that share each batch; each takes every so manieth window.
        rank: of this process.

    Attributes:
        weights: factors of the masked mean of each part. Lightning takes the mean over the batches of a step and over
            the processes, so they are 1 where all parts hold equally many observed targets.

    Example:
        >>> batches = [torch.tensor([0, 1]), torch.tensor([2])]
        >>> parts = Parts(batches, observed=lambda start: start + 1, accumulate=2)
        >>> parts.weights
        [1.0, 1.0]
    """

    def __init__(
        self,
        batches: Iterable[Tensor],
        observed: Callable[[Tensor], Tensor],
        accumulate: int = 1,
        processes: int = 1,
        rank: int = 0,
    ) -> None:
        self._own: list[Tensor] = []
        whole, own = [], []
        for batch in batches:
            mine, counts = batch[rank::processes], observed(batch)
            self._own.append(mine if len(mine) else batch[:1])  # all processes take every step; this counts nothing
            whole.append(counts.sum())
            own.append(counts[rank::processes].sum())
        steps = torch.split(torch.stack(whole).double(), accumulate)
        of_step = torch.cat([step.sum().clamp(min=1).expand(len(step)) for step in steps])
        self.weights: list[float] = (accumulate * processes * torch.stack(own) / of_step).tolist()

    def __len__(self) -> int:
        return len(self._own)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._own)
