"""Batches of window starts, and how many windows a processor forecasts at once."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import torch
from torch import Tensor

NODES_AT_ONCE = 2500
"""Nodes, those of all windows together, of which a processor forecasts at once.

The arrays of larger batches are given back after every layer and their memory is asked for anew, page by page: at 307
nodes STGCN takes half as long for a window in batches of 8 as in batches of 64 (docs/speed.md).
"""


class IndexBatches:
    """Batches of window starts: the only thing that travels to the device in a step.

    Args:
        starts: the windows of a split.
        batch_size: windows in a batch; the last one may be smaller and is never dropped.
        seed: shuffle with this seed; in order if None.
        fraction: share of the windows to draw; above 1 all are drawn, then all again in another order.
    """

    def __init__(self, starts: range, batch_size: int, seed: int | None = None, fraction: float = 1.0) -> None:
        order = torch.arange(starts.start, starts.stop)
        if seed is not None:
            keep = max(1, round(fraction * len(order)))
            generator = torch.Generator().manual_seed(seed)
            passes = [order[torch.randperm(len(order), generator=generator)] for _ in range(ceil(keep / len(order)))]
            order = torch.cat(passes)[:keep]
        self._batches = torch.split(order, batch_size)

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._batches)


def windows_at_once(most: int, num_nodes: int, device: torch.device) -> int:
    """How many windows are forecast at once where no gradients are wanted: ``most``, on a processor often fewer.

    Example:
        >>> [windows_at_once(64, nodes, torch.device("cpu")) for nodes in (60, 307, 8600)]
        [41, 8, 1]
    """
    return most if device.type == "cuda" else max(1, min(most, NODES_AT_ONCE // num_nodes))
