"""Rows of an array, for batches on a device: the array lies there where it fits, else a batch at a time is sent."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stlora.data.mapped import is_mapped, release, row_chunks


class Rows:
    """An array whose rows are asked for, on the device that asks.

    On a GPU that has twice the room the array is copied there once, whether it was in memory or on disk; the rule is
    :func:`fits`. Otherwise it stays where it is, and so does a memory-mapped array on the processor: a batch of it is
    read, copied and sent.

    Args:
        values: ``[T, ...]`` float32.

    Attributes:
        shape: of the array.
        device: where rows are wanted; the processor until :meth:`to`.
    """

    def __init__(self, values: NDArray[np.float32]) -> None:
        self._values = values
        self._there: Tensor | None = None
        self.shape = values.shape
        self.device = torch.device("cpu")
        self._stay()

    def __len__(self) -> int:
        return len(self._values)

    def to(self, device: torch.device) -> Rows:
        """Give rows on ``device`` from now on."""
        device = torch.empty(0, device=device).device  # cuda is one of its GPUs
        if device != self.device:
            self.device = device
            self._there = None
            if device.type == "cpu":
                self._stay()
            elif fits(self._values.nbytes, device):
                self._there = torch.empty(self.shape, device=device)
                for rows in row_chunks(self._values):
                    self._there[rows] = torch.from_numpy(np.array(self._values[rows]))
        return self

    def __getitem__(self, index: Tensor) -> Tensor:
        """Rows ``index`` ``[I]``, on the device: ``[I, ...]``."""
        if self._there is not None:
            return self._there.index_select(0, index)
        rows = torch.from_numpy(self._values[index.cpu().numpy()])
        release(self._values)
        if self.device.type == "cuda":
            rows = rows.pin_memory()  # so that the processor need not wait for the copy
        return rows.to(self.device, non_blocking=True)

    def _stay(self) -> None:
        if not is_mapped(self._values):
            # a copy only where torch cannot share the array
            self._there = torch.from_numpy(np.require(self._values, requirements=("C", "W")))


def fits(size: int, device: torch.device) -> bool:
    """Whether ``size`` bytes take at most half of the memory that is free on a device other than the processor."""
    return 2 * size <= free_memory(device)


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a GPU, as its driver counts."""
    free, _ = torch.cuda.mem_get_info(device)
    return free
