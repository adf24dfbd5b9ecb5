"""HDF5 files written by ``DataFrame.to_hdf(format="fixed")``, as METR-LA and PEMS-BAY are; read without PyTables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import hdf_objects, largest_files
from stlora.data.readers.hdf_names import Key, choose_columns, read_keys, text_of
from stlora.data.readers.table import Table, lost_steps, make_table
from stlora.errors import InputError

_BLOCK = 4 << 20  # numbers
_MAGIC = b"\x89HDF\r\n\x1a\n"
_PUBLISHED_KEYS = ("df", "speed")  # METR-LA, PEMS-BAY
_LARGEST_KEY, _LARGEST_NAME = "t", re.compile(r".+_his_(raw_)?\d{4}\.h5")


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` is HDF5."""
    return head.startswith(_MAGIC)


def read(path: Path, *, channel: str | None = None) -> Table:
    """Read the data frame under ``/df``, ``/speed`` or the only other key.

    Args:
        path: the file.
        channel: the key, where there are several frames; or a name in one level of the columns, where these have
            several levels. Levels in which all columns agree are left out.

    Raises:
        InputError: the file is damaged, refers to another file, or holds no data frame, several, or one in another
            layout.
    """
    try:
        with h5py.File(path, "r") as file:
            key, channel, notes = _choose_key(file, channel)
            table = _read_frame(hdf_objects.frames(file)[key], key, channel, notes)
    except InputError:
        raise
    except BlockingIOError as error:
        raise InputError("is open in another program that writes it; close it there first") from error
    except Exception as error:  # h5py answers damage with almost any exception
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"cannot be read as HDF5 ({reason}); the file is damaged, get it again") from error
    if key in _PUBLISHED_KEYS:
        note = "The file is in the layout of METR-LA and PEMS-BAY; the unit was taken to be mph."
        return replace(table, notes=(*table.notes, note), unit="mph", zero_is_missing=True, looks_beside=True)
    return _as_largest(table, path) if key == _LARGEST_KEY else table


def _as_largest(table: Table, path: Path) -> Table:
    """The table with what LargeST's layout keeps in other files, if there is any or the file is called as there."""
    beside = largest_files.find((path.parent,))
    if beside.meta is None and beside.graph is None and _LARGEST_NAME.fullmatch(path.name) is None:
        return table
    filled = not np.isnan(table.values).any()
    note = "The file is in LargeST's layout; " + (
        "gaps were filled with zero when it was made." if filled else "gaps are empty, so zeros are counts."
    )
    return replace(
        table,
        notes=(*table.notes, note, *beside.notes),
        unit=largest_files.UNIT,
        zero_is_missing=filled,
        graph=beside.graph,
        coordinates=beside.coordinates(table.node_ids),
    )


def _choose_key(file: h5py.File, channel: str | None) -> tuple[str, str | None, tuple[str, ...]]:
    """The frame to read, the channel within it, and a note on frames that are left."""
    frames = list(hdf_objects.frames(file))
    if channel is not None and channel.strip("/") in frames and len(frames) > 1:
        key, channel = channel.strip("/"), None
    else:
        chosen = [key for key in _PUBLISHED_KEYS if key in frames] or frames
        if not chosen:
            raise InputError(
                f"holds {hdf_objects.listing(file)}; expected one data frame written by pandas, under /df or /speed or "
                "alone"
            )
        if len(chosen) > 1:
            some = ", ".join(repr(f"/{key}") for key in chosen[:5])
            raise InputError(
                f"holds {some}{' and more' if len(chosen) > 5 else ''}; expected one data frame, choose one with "
                f"channel={chosen[0]}"
            )
        key = chosen[0]
    others = [f"/{other}" for other in frames if other != key]
    note = f"The frame /{key} was read; the file also holds {', '.join(others[:5])}."
    return key, channel, (note,) if others else ()


def _read_frame(group: h5py.Group, key: str, channel: str | None, notes: tuple[str, ...]) -> Table:
    kind = text_of(group.attrs["pandas_type"])
    if kind != "frame":
        raise InputError(
            f"{key!r} is a pandas {kind[:40]!r}; write a DataFrame with to_hdf(format='fixed'), or Parquet"
        )
    keys = read_keys(group, "axis0")
    time = _time(group)
    blocks = [_block(group, number, len(time)) for number in range(int(group.attrs["nblocks"]))]
    position = {column: i for i, column in enumerate(keys)}
    if len(position) < len(keys):
        twice = next(column for i, column in enumerate(keys) if position[column] != i)
        raise InputError(f"column {'/'.join(twice)!r} appears more than once; give every sensor its own name")
    if sorted(position.get(column, -1) for names, _ in blocks for column in names) != list(range(len(keys))):
        raise InputError(f"{key!r} does not hold every column once; the file is damaged, get it again")
    chosen, node_ids, column_notes = choose_columns(keys, channel)
    place = {column: i for i, column in enumerate(chosen)}
    values = np.empty((len(time), len(chosen)), dtype=np.float32)
    with np.errstate(over="ignore"):  # make_table finds infinities and names them
        for names, content in blocks:
            kept = [i for i, column in enumerate(names) if column in place]
            columns = [place[names[i]] for i in kept]
            step = max(1, _BLOCK // max(1, len(names)))
            for row in range(0, len(time), step):
                values[row : row + step, columns] = content[row : row + step][:, kept]
    table = make_table(values, time, node_ids, (*notes, *column_notes))
    exact = {place[name]: (content, i) for names, content in blocks for i, name in enumerate(names) if name in place}

    def column_of(column: int) -> NDArray[Any]:
        content, i = exact[column]
        return np.asarray(content[:, i])

    return replace(table, notes=table.notes + lost_steps(values, node_ids, column_of))


def _block(group: h5py.Group, number: int, steps: int) -> tuple[Sequence[Key], h5py.Dataset]:
    """The columns of one block of a frame, and their values ``[T, columns]``."""
    names = read_keys(group, f"block{number}_items")
    content = hdf_objects.array(group, f"block{number}_values")
    kind = text_of(content.attrs.get("value_type", content.dtype))
    if content.dtype.kind not in "fiu" or "time" in kind:
        raise InputError(f"{group.name!r} holds values of type {kind[:40]}; expected numbers in all columns")
    if content.shape != (steps, len(names)):
        raise InputError(
            f"{group.name!r} holds {content.shape} values for {steps} time stamps and {len(names)} sensors; "
            "the file is damaged, get it again"
        )
    return names, content


def _time(group: h5py.Group) -> pd.DatetimeIndex:
    if text_of(group.attrs.get("axis1_variety", "regular")) != "regular":
        raise InputError("the rows have an index of several levels; expected time stamps alone, unstack the sensors")
    axis = hdf_objects.array(group, "axis1")
    kind = text_of(axis.attrs.get("kind", ""))
    resolution = re.fullmatch(r"datetime64(?:\[(s|ms|us|ns)\])?", kind)
    counts: NDArray[Any] = axis[()]
    if resolution is None or counts.dtype.kind != "i" or counts.ndim != 1:
        raise InputError(
            f"the index is of kind {(kind or str(counts.dtype))[:40]!r}; expected time stamps (a DatetimeIndex)"
        )
    stamps: NDArray[np.datetime64] = counts.astype("int64").view(f"M8[{resolution[1] or 'ns'}]")
    time = pd.DatetimeIndex(stamps)
    zone = text_of(axis.attrs.get("tz", ""))
    return time.tz_localize("UTC").tz_convert(zone) if zone else time
