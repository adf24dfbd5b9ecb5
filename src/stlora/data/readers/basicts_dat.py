"""BasicTS up to 0.5: ``data.dat``, bare float32 numbers whose shape stands in ``desc.json``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import basicts_settings, json_file, published
from stlora.data.readers.channels import take
from stlora.data.readers.table import Table, make_table
from stlora.data.readers.undated import make_clock, time_axis
from stlora.errors import InputError

_BLOCK = 4 << 20  # numbers


def recognises(path: Path, head: bytes) -> bool:
    """Whether it is ``desc.json`` with ``data.dat`` beside it, or that ``data.dat``."""
    if path.suffix.lower() == ".dat":
        return path.with_name("desc.json").is_file()
    return holds_series(path) or (head.lstrip().startswith(b"{") and _numbers(path).is_file())


def holds_series(path: Path) -> bool:
    """Whether it is a ``desc.json`` with the numbers beside it."""
    return path.name == "desc.json" and _numbers(path).is_file()


def read(path: Path, *, start: pd.Timestamp | None = None, interval: pd.Timedelta | None = None) -> Table:
    """Read ``[T, N, C]`` = value, time of day, day of week / 7; the shape must be that of the file.

    Args:
        path: ``desc.json`` or ``data.dat``.
        start: the first time stamp, for sets whose dates are not known.
        interval: between two rows, where neither channels nor description tell it.

    Raises:
        InputError: one of the two files is missing or damaged, or they do not fit together.
    """
    description = json_file.read(path.with_name("desc.json"))
    shape = _shape(description, _numbers(path))
    positions = basicts_settings.clock_positions(description.get("feature_description"), shape[2], (1, 2))
    values, times = take(_blocks(_numbers(path), shape), shape, clock=positions)
    zero_is_missing, notes = basicts_settings.mask_null(values, description)
    clock = make_clock(*times.T) if positions else None
    if positions and clock is None:
        notes += ("The channels after the first hold no time of day and day of week; they were not used.",)
    known = published.find(shape[0], shape[1])
    stated = interval or basicts_settings.interval(description)
    time, time_notes = time_axis(shape[0], known, clock=clock, start=start, interval=None if clock else stated)
    table = make_table(values, time, tuple(str(i) for i in range(shape[1])), notes + time_notes)
    unit = known.unit if known else ""
    return replace(table, unit=unit, zero_is_missing=zero_is_missing, looks_beside=True)


def _numbers(path: Path) -> Path:
    return path.with_name("data.dat")


def _shape(description: dict[str, Any], numbers: Path) -> tuple[int, int, int]:
    shape = description.get("shape")
    if (
        not isinstance(shape, list)
        or len(shape) != 3
        or not all(isinstance(size, int) and 0 < size < 2**40 for size in shape)
    ):
        raise InputError(f"declares the shape {shape}; expected [steps, sensors, channels]")
    try:
        size = numbers.stat().st_size
    except OSError as error:
        raise InputError(f"has no {numbers.name} beside it ({error.strerror}); the numbers lie there") from error
    steps, nodes, channels = shape
    if size != 4 * steps * nodes * channels:
        raise InputError(
            f"declares the shape {shape}, {4 * steps * nodes * channels} bytes, and {numbers.name} has {size}; "
            "get both files again"
        )
    return steps, nodes, channels


def _blocks(path: Path, shape: tuple[int, int, int]) -> Iterator[NDArray[Any]]:
    mapped = np.memmap(path, dtype="<f4", mode="r", shape=shape)
    step = max(1, _BLOCK // (shape[1] * shape[2]))
    for row in range(0, shape[0], step):
        yield mapped[row : row + step]
