"""Arrays that may be larger than memory: walked through a part at a time, read a batch at a time."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHUNK_VALUES = 2**24  # of float32: 64 MiB


def row_chunks(values: NDArray[Any], chunk_values: int = CHUNK_VALUES) -> Iterator[slice]:
    """Slices of rows that cover ``values`` ``[T, N]`` in order, at most ``chunk_values`` numbers each (or one row).

    The pages of a memory-mapped array are handed back after each part, so that a walk does not fill the memory.

    Example:
        >>> list(row_chunks(np.zeros((5, 2)), chunk_values=4))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    rows = max(1, chunk_values // values.shape[1])
    for first in range(0, len(values), rows):
        yield slice(first, min(first + rows, len(values)))
        release(values)


def is_mapped(values: NDArray[Any]) -> bool:
    """Whether an array is a read-only view of a file, as ``numpy.load(..., mmap_mode="r")`` gives."""
    return _mapping(values) is not None


def release(values: NDArray[Any]) -> None:
    """Hand the pages of a memory-mapped array back; they are read again when needed. Other arrays are left alone."""
    mapping = _mapping(values)
    if mapping is not None and hasattr(mapping, "madvise"):  # not on Windows, which trims them by itself
        mapping.madvise(mmap.MADV_DONTNEED)


def _mapping(values: NDArray[Any]) -> mmap.mmap | None:
    """The mapping under an array, if it is read-only: pages that were written to must not be handed back."""
    read_only = False
    base: Any = values
    while isinstance(base, np.ndarray):
        read_only |= isinstance(base, np.memmap) and base.mode == "r"
        base = base.base
    return base if read_only and isinstance(base, mmap.mmap) else None


class MappedRows:
    """Rows of a memory-mapped array as tensors: what :class:`stlora.data.windows.Windows` needs of a tensor.

    The array stays on disk; a batch is read, copied and moved to the device.

    Args:
        values: ``[T, N]``, for which :func:`is_mapped` holds.
    """

    def __init__(self, values: NDArray[np.float32]) -> None:
        self._values = values
        self.shape = values.shape
        self.device = torch.device("cpu")

    def __len__(self) -> int:
        return len(self._values)

    def to(self, device: torch.device) -> MappedRows:
        """Make batches on ``device`` from now on."""
        self.device = device
        return self

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Rows ``index``; ``dim`` is 0."""
        assert dim == 0
        rows = torch.from_numpy(self._values[index.cpu().numpy()])
        release(self._values)
        return rows.to(self.device)
