"""LargeST's ``his.npz``, which the published ST-LoRA data also use: standardised values with a clock beside them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import largest_files, numpy_file, pems, published
from stlora.data.readers.channels import take
from stlora.data.readers.table import Table, make_table
from stlora.data.readers.undated import elapsed_time, make_clock, own_axis, time_axis
from stlora.data.time.stamps import to_interval
from stlora.errors import InputError

_CLOSE = 1e-3  # to a whole number: far more than float32 loses of a count, far less than any digit of a speed
_NODES = {716: "SD", 2352: "GBA", 3834: "GLA", 8600: "CA"}


def recognises(path: Path, head: bytes) -> bool:
    """Whether an ``.npz`` holds ``data`` with the ``mean`` and ``std`` it was standardised with."""
    return head.startswith(numpy_file.NPZ_MAGIC) and {"data", "mean", "std"} <= set(pems.arrays(path))


def read(path: Path, *, start: pd.Timestamp | None = None, interval: pd.Timedelta | None = None) -> Table:
    """Read ``data`` ``[T, N, C]`` = standardised value, time of day, day of week / 7, back in physical units.

    Sensor ids, coordinates and graph come from ``*_meta.csv`` and ``*_rn_adj.npy`` in the folder of the file or the
    one above. The split (``idx_*.npy``) is not needed: windows are cut anew.

    Args:
        path: the file.
        start: the first time stamp; by default the published one, or the year that the folder is called.
        interval: between two rows, if the file has no clock channels.

    Raises:
        InputError: the arrays do not have these shapes, or the file is damaged.
    """
    shape = numpy_file.outline(path)["data"].shape
    if len(shape) != 3 or 0 in shape:
        raise InputError(f"holds data of shape {shape}; expected (T, N, C), steps by sensors by channels")
    mean, std = _scalar(path, "mean"), _scalar(path, "std")
    steps, nodes, channels = shape
    values, times = take(numpy_file.blocks(path, "data"), shape, clock=range(1, min(channels, 3)), mean=mean, std=std)
    notes: tuple[str, ...] = (
        f"Values were standardised with mean {mean:.6g} and deviation {std:.6g}; they are physical again.",
    )
    notes += (_round(values),)
    known = published.find(steps, nodes)
    clock = make_clock(*times.T) if channels > 1 else None
    days = 0.0 if clock is None else int(elapsed_time(clock)[-1]) / 86_400e9
    own = _own_axis(path, steps) if start is None and interval is None else None
    time, time_notes = (
        (own, ())
        if own is not None
        else time_axis(
            steps,
            known,
            clock=clock,
            start=start,
            interval=None if clock else interval,
            first_day=_first_day(path, days),
        )
    )
    beside = largest_files.find((path.parent, path.resolve().parent.parent))
    node_ids = tuple(str(i) for i in range(nodes))
    if beside.meta is not None and len(beside.meta.node_ids) == nodes:
        node_ids = beside.meta.node_ids
    else:
        notes += ("The file names no sensors; they are called 0, 1, 2 and so on.",)
    return replace(
        make_table(values, time, node_ids, notes + time_notes + beside.notes),
        unit=known.unit if known else largest_files.UNIT if nodes in _NODES else "",
        zero_is_missing=True,
        graph=beside.graph,
        coordinates=beside.coordinates(node_ids),
    )


def _scalar(path: Path, key: str) -> float:
    array = numpy_file.read_npz(path, key)
    number = float(array.reshape(-1)[0]) if array.size == 1 else np.nan
    if not np.isfinite(number) or (key == "std" and number <= 0):
        raise InputError(f"has a {key} of {array.reshape(-1)[:3].tolist()}; expected one finite number")
    return number


def _round(values: NDArray[np.float32]) -> str:
    """Put right, in place, what rounding left of whole numbers, or of the zeros alone."""
    parts = np.array_split(values, max(1, values.size >> 22))  # views: no second copy of the data
    if not any((np.abs(part - np.rint(part)) > _CLOSE).any() for part in parts):
        np.rint(values, out=values)
        return "All values lie at whole numbers and were rounded to them."
    count = 0
    for part in parts:
        near = np.abs(part) <= _CLOSE
        part[near] = 0.0
        count += int(near.sum())
    return f"{count} values within {_CLOSE} of zero were made zero."


def _own_axis(path: Path, steps: int) -> pd.DatetimeIndex | None:
    """The time axis that our own writer has left, which knows zones and steps of any length."""
    there = numpy_file.outline(path)
    if not {"start", "interval"} <= set(there):
        return None
    start, interval = _nanoseconds(path, "start"), _nanoseconds(path, "interval")
    zone = None
    if "timezone" in there:
        zone = numpy_file.read_npz(path, "timezone").astype(np.uint8).tobytes()[:100].decode("ascii", errors="replace")
    return own_axis(pd.Timestamp(start).as_unit("ns"), to_interval(pd.Timedelta(interval)), steps, zone)


def _nanoseconds(path: Path, key: str) -> int:
    number = numpy_file.read_npz(path, key)
    if number.dtype != np.int64 or number.size != 1 or abs(int(number.reshape(-1)[0])) > 2**62:
        raise InputError(f"has {key} of {number.reshape(-1)[:3].tolist()}; expected a number of nanoseconds")
    return int(number.reshape(-1)[0])


def _first_day(path: Path, days: float) -> pd.Timestamp | None:
    """The first of January of the years that the folder is called, such as 2018_2019, if it holds all their days."""
    name = path.resolve().parent.name
    if re.fullmatch(r"(19|20)\d\d(_(19|20)\d\d)*", name) is None:
        return None
    years = [int(year) for year in name.split("_")]
    first = pd.Timestamp(years[0], 1, 1)
    whole = years == list(range(years[0], years[0] + len(years)))
    return first if whole and abs(days - (pd.Timestamp(years[-1] + 1, 1, 1) - first).days) < 1 else None
