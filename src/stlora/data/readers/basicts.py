"""BasicTS from 1.0 on: three parts ``train_data.npy``, ``val_data.npy``, ``test_data.npy`` and a ``meta.json``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import basicts_settings, json_file, published
from stlora.data.readers.numpy_file import read_npy
from stlora.data.readers.table import Table, make_table
from stlora.data.readers.undated import Clock, make_clock, own_axis, time_axis
from stlora.data.time.stamps import to_interval
from stlora.errors import InputError

PARTS = ("train", "val", "test")


def recognises(path: Path, head: bytes) -> bool:
    """Whether it is a JSON object with the numbers of the training part beside it."""
    return holds_series(path) or (head.lstrip().startswith(b"{") and path.with_name("train_data.npy").is_file())


def holds_series(path: Path) -> bool:
    """Whether it is the ``meta.json`` of this layout."""
    return path.name == "meta.json" and path.with_name("train_data.npy").is_file()


def read(path: Path, *, start: pd.Timestamp | None = None, interval: pd.Timedelta | None = None) -> Table:
    """Read the three parts ``[T, N]``, one after the other.

    ``*_timestamps.npy`` tell time of day and day of week. ``start_time``, ``interval``, ``timezone`` and ``node_ids``
    in ``meta.json`` are ours: BasicTS does not mind them, and has nothing in their place.

    Args:
        path: ``meta.json``.
        start: the first time stamp, if the description does not tell it.
        interval: between two rows, where neither time stamps nor description tell it.

    Raises:
        InputError: a part is missing or damaged, or they do not fit together.
    """
    meta = json_file.read(path)
    values = _joined(path, "data")
    zero_is_missing, notes = basicts_settings.mask_null(values, meta)
    steps, nodes = values.shape
    known = published.find(steps, nodes)
    own = _own_axis(meta, steps) if start is None and interval is None else None
    if own is not None:
        time = own
    else:
        clock, clock_notes = _clock(path, meta, steps)
        stated = interval or basicts_settings.interval(meta)
        start = _start(meta) if start is None else start
        time, time_notes = time_axis(steps, known, clock=clock, start=start, interval=None if clock else stated)
        notes += (*clock_notes, *time_notes)
    notes += (f"The parts {', '.join(PARTS)} were put together again.",)
    table = make_table(values, time, _node_ids(meta, nodes), notes)
    unit = known.unit if known else ""
    return replace(table, unit=unit, zero_is_missing=zero_is_missing, looks_beside=True)


def _joined(path: Path, kind: str) -> NDArray[Any]:
    """The arrays of the parts one after the other, ``[T, N]``."""
    arrays = []
    for part in PARTS:
        beside = path.with_name(f"{part}_{kind}.npy")
        if not beside.is_file():
            raise InputError(f"has no {beside.name} beside it; expected the parts {', '.join(PARTS)}")
        try:
            arrays.append(read_npy(beside))
        except InputError as error:
            raise InputError(f"{beside.name}: {error}") from error
        if arrays[-1].ndim != 2 or arrays[-1].shape[1:] != arrays[0].shape[1:]:
            raise InputError(
                f"{beside.name} has shape {arrays[-1].shape} and {PARTS[0]}_{kind}.npy {arrays[0].shape}; "
                "expected steps by sensors in each part"
            )
    with np.errstate(over="ignore"):  # whoever makes a table of them finds infinities and names them
        return np.concatenate([array.astype(np.float32) for array in arrays])


def _clock(path: Path, meta: dict[str, Any], steps: int) -> tuple[Clock | None, tuple[str, ...]]:
    if not any(path.with_name(f"{part}_timestamps.npy").is_file() for part in PARTS):
        return None, ()
    stamps = _joined(path, "timestamps")
    if len(stamps) != steps:
        raise InputError(f"has {len(stamps)} rows of time stamps for {steps} of values; get the files again")
    positions = basicts_settings.clock_positions(meta.get("timestamps_description"), stamps.shape[1], (0, 1))
    clock = make_clock(*stamps[:, list(positions)].T) if positions else None
    notes = () if clock else ("The time stamps hold no time of day and day of week; they were not used.",)
    return clock, notes


def _own_axis(meta: dict[str, Any], steps: int) -> pd.DatetimeIndex | None:
    """The time axis that our own writer has left, which knows zones and steps of any length."""
    start = _start(meta)
    if start is None or "interval" not in meta:
        return None
    return own_axis(start, to_interval(meta["interval"]), steps, meta.get("timezone"))


def _start(meta: dict[str, Any]) -> pd.Timestamp | None:
    text = meta.get("start_time")
    if text is None:
        return None
    try:
        start = pd.Timestamp(text) if isinstance(text, str) else pd.NaT
        if isinstance(start, pd.Timestamp):
            return (start if start.tz is None else start.tz_convert("UTC").tz_localize(None)).as_unit("ns")
    except (ValueError, OverflowError):
        pass
    raise InputError(f"has the start_time {text!r}; expected a time stamp such as 2024-01-31 00:05")


def _node_ids(meta: dict[str, Any], nodes: int) -> tuple[str, ...]:
    names = meta.get("node_ids")
    if isinstance(names, list) and len(names) == nodes and all(isinstance(name, str) for name in names):
        return tuple(names)
    return tuple(str(i) for i in range(nodes))
