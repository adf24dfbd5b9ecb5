"""Torch-MTS's and STAEformer's ``data.npz``: measurements with time of day and day of week as further channels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from stlora.data.readers import numpy_file, pems, published
from stlora.data.readers.channels import take
from stlora.data.readers.table import Table, make_table
from stlora.data.readers.undated import make_clock, time_axis
from stlora.errors import InputError


def recognises(path: Path, head: bytes) -> bool:
    """Whether the channels after the first are a clock, the same for every sensor and running."""
    if not head.startswith(numpy_file.NPZ_MAGIC):
        return False
    header = pems.arrays(path).get("data")
    shape = header.shape if header else ()
    if len(shape) != 3 or shape[2] != 3 or shape[0] < 2 or not shape[1]:
        return False
    try:
        first = next(numpy_file.blocks(path, "data"))[:4]
    except InputError:
        return False
    day = first[:, :, 1]
    return bool(make_clock(day[:, 0]) is not None and (np.diff(day[:, 0]) != 0).all() and (day == day[:, :1]).all())


def read(path: Path, *, start: pd.Timestamp | None = None) -> Table:
    """Read ``data`` ``[T, N, 3]``: value, time of day in [0, 1), day of week 0 to 6.

    Raises:
        InputError: the channels after the first are no clock throughout, or the file is damaged.
    """
    shape = numpy_file.outline(path)["data"].shape
    values, times = take(numpy_file.blocks(path, "data"), shape, clock=(1, 2))
    clock = make_clock(*times.T)
    if clock is None:
        raise InputError("holds a time of day outside [0, 1) or a day of week outside 0 to 6; get the file again")
    known = published.find(*values.shape)
    time, notes = time_axis(len(values), known, clock=clock, start=start)
    table = make_table(values, time, tuple(str(i) for i in range(values.shape[1])), notes)
    return replace(
        table,
        unit=known.unit if known else "",
        zero_is_missing=known is not None and known.zero_is_missing,
        looks_beside=True,
    )
