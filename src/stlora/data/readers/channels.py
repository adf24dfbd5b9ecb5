"""One channel out of arrays ``[T, N, C]`` that come in blocks of rows, with the clock in their other channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stlora.errors import InputError


def take(
    parts: Iterable[NDArray[Any]],
    shape: Sequence[int],
    channel: int = 0,
    clock: Sequence[int] = (),
    mean: float = 0.0,
    std: float = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The values of one channel and those of the clock channels; one block is in memory beside the result.

    Args:
        parts: blocks ``[t, N, C]`` that follow each other.
        shape: ``(T, N, C)`` of all of them.
        channel: the one to take.
        clock: the channels that tell the time, which must be the same for every sensor.
        mean: added to the values after
        std: they were multiplied by it.

    Returns:
        ``[T, N]`` values; an infinity where one is beyond float32; and ``[T, len(clock)]``.

    Raises:
        InputError: a clock channel differs from sensor to sensor.

    Example:
        >>> block = np.array([[[5.0, 0.0], [6.0, 0.0]], [[7.0, 0.5], [8.0, 0.5]]])
        >>> values, clock = take([block], block.shape, clock=[1])
        >>> values.tolist(), clock.tolist()
        ([[5.0, 6.0], [7.0, 8.0]], [[0.0], [0.5]])
    """
    values = np.empty(tuple(shape[:2]), dtype=np.float32)
    times = np.empty((shape[0], len(clock)))
    row = 0
    with np.errstate(over="ignore", invalid="ignore"):  # whoever makes a table of them finds infinities and names them
        for block in parts:
            rows = slice(row, row + len(block))
            one = block[:, :, channel]
            values[rows] = one if (mean, std) == (0.0, 1.0) else one.astype(np.float64) * std + mean
            if clock:
                other = block[:, :, list(clock)]
                if not (other == other[:, :1]).all():
                    raise InputError("has a clock channel that differs from sensor to sensor; expected one clock")
                times[rows] = other[:, 0]
            row += len(block)
    return values, times
