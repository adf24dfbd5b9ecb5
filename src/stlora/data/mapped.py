"""Arrays that may be larger than memory, walked through a part at a time."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK_VALUES = 2**24  # of float32: 64 MiB


def row_chunks(values: NDArray[Any]) -> Iterator[slice]:
    """Slices of rows that cover ``values`` ``[T, ...]`` in order, at most 2**24 numbers each (or one row).

    The pages of a memory-mapped array are handed back after each part, so that a walk does not fill the memory.

    Example:
        >>> list(row_chunks(np.zeros((5, 2))))
        [slice(0, 5, None)]
    """
    rows = max(1, CHUNK_VALUES * len(values) // max(1, values.size))
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
