"""PEMS03, 04, 07 and 08 as published: an ``.npz`` with the array ``data``, no dates, links and ids in files beside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from stlora.data.readers import links, numpy_file, published
from stlora.data.readers.channels import take
from stlora.data.readers.table import GraphFile, Table, make_table
from stlora.data.readers.undated import time_axis
from stlora.errors import InputError

CHANNELS = ("flow", "occupancy", "speed")
_UNITS = {"occupancy": "share of time", "speed": "mph"}


def recognises(path: Path, head: bytes) -> bool:
    """Whether it is an ``.npz``, which is of this layout if of no other."""
    return head.startswith(numpy_file.NPZ_MAGIC) and (path.suffix.lower() == ".npz" or bool(arrays(path)))


def holds_series(path: Path) -> bool:
    """Whether an ``.npz`` holds an array ``data``, unlike the index files beside one; a damaged one may."""
    found = arrays(path)
    return "data" in found or not found


def arrays(path: Path) -> dict[str, numpy_file.Header]:
    """What the arrays of an ``.npz`` declare; nothing if it cannot be read, so that it can be asked of any file."""
    try:
        return numpy_file.outline(path)
    except InputError:
        return {}


def read(
    path: Path,
    *,
    channel: str | None = None,
    start: pd.Timestamp | None = None,
    interval: pd.Timedelta | None = None,
) -> Table:
    """Read one channel of ``data`` ``[T, N, F]`` with F = 1 (flow) or 3 (flow, occupancy, speed).

    The four published sets are known by T and N, and get their true dates. ``NAME.txt`` beside ``NAME.npz`` holds
    the sensor ids, ``NAME.csv`` (or ``distance.csv``) the links.

    Args:
        path: the file.
        channel: ``flow`` if not given.
        start: the first time stamp, for sets whose dates are not known.
        interval: between two rows, for such sets.

    Raises:
        InputError: there is no such array or channel, or the file is damaged.
    """
    found = numpy_file.outline(path)
    shape = found["data"].shape if "data" in found else ()
    if len(shape) != 3 or shape[2] not in (1, 3) or 0 in shape:
        content = ", ".join(f"{name} {header.shape}" for name, header in found.items()) or "no arrays"
        raise InputError(f"holds {content}; expected an array data (T, N, 1) or (T, N, 3), steps by sensors by channel")
    steps, nodes, count = shape
    position, note = _channel(channel, CHANNELS[:count])
    values, _ = take(numpy_file.blocks(path, "data"), shape, position)
    known = published.find(steps, nodes)
    time, time_notes = time_axis(steps, known, start=start, interval=interval)
    node_ids, id_notes = _node_ids(path, nodes)
    notes = (note, *time_notes, *id_notes)
    if position == 0 and (values == 0).any():
        notes += (
            "Zeros are kept as counts; much published work leaves them out of the metrics: zero_is_missing=True.",
        )
    graph = _graph(path, node_ids)
    unit = f"vehicles per {_length(time)}" if position == 0 else _UNITS[CHANNELS[position]]
    return replace(make_table(values, time, node_ids, notes), unit=unit, graph=graph, looks_beside=graph is None)


def _channel(wanted: str | None, names: tuple[str, ...]) -> tuple[int, str]:
    if wanted is not None and wanted not in names:
        raise InputError(f"has the channels {', '.join(names)} and not {wanted!r}; choose one of these")
    position = names.index(wanted or names[0])
    others = ", ".join(name for name in names if name != names[position])
    return position, f"The channel {names[position]} was read" + (f"; the file also holds {others}." if others else ".")


def _node_ids(path: Path, nodes: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of ``NAME.txt`` if it holds one line a sensor, otherwise the numbers from 0 on."""
    numbers = tuple(str(i) for i in range(nodes))
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        return numbers, ("The file names no sensors; they are called 0, 1, 2 and so on.",)
    ids = tuple(beside.read_bytes().decode("utf-8-sig", errors="replace").split())
    if len(ids) != nodes or len(set(ids)) != nodes:
        return numbers, (f"{beside.name} was not used: it holds {len(set(ids))} ids for {nodes} sensors.",)
    return ids, (f"Sensor ids are from {beside.name}, which lies with the data.",)


def _graph(path: Path, node_ids: tuple[str, ...]) -> GraphFile | None:
    for beside in (path.with_suffix(".csv"), path.with_name("distance.csv")):
        if beside.is_file():
            return GraphFile(beside, lambda beside=beside: links.read(beside, node_ids))  # type: ignore[misc]
    return None


def _length(time: pd.DatetimeIndex) -> str:
    interval = time[1] - time[0] if len(time) > 1 else published.INTERVAL
    minutes = interval / pd.Timedelta(minutes=1)
    return f"{minutes:g} min" if minutes >= 1 else str(interval)
