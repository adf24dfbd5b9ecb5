"""HDF5 files written by ``DataFrame.to_hdf(format="fixed")``, as METR-LA and PEMS-BAY are; read without PyTables."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers.table import Table, make_table
from stlora.data.time_stamps import naive
from stlora.errors import InputError

_MAGIC = b"\x89HDF\r\n\x1a\n"
_PUBLISHED_KEYS = ("df", "speed")  # METR-LA, PEMS-BAY


def recognises(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is HDF5."""
    return head.startswith(_MAGIC)


def read(path: Path) -> Table:
    """Read the data frame under ``/df``, ``/speed`` or the only other key.

    Raises:
        InputError: the file is damaged, or holds no data frame, several, or one in another layout.
    """
    try:
        with h5py.File(path, "r") as file:
            key = _choose_key(file)
            return _read_frame(file[key], key)
    except InputError:
        raise
    except Exception as error:  # h5py answers damage with almost any exception
        reason = " ".join(str(error).split())
        raise InputError(f"cannot be read as HDF5 ({reason}); the file is damaged, get it again") from error


def _choose_key(file: h5py.File) -> str:
    frames = [key for key in file if isinstance(file[key], h5py.Group) and "pandas_type" in file[key].attrs]
    published = [key for key in _PUBLISHED_KEYS if key in frames]
    chosen = published or frames
    if len(chosen) != 1:
        found = ", ".join(repr(f"/{key}") for key in (chosen or file)) or "nothing"
        raise InputError(f"holds {found}; expected one data frame written by pandas, under /df or /speed or alone")
    return str(chosen[0])


def _read_frame(group: h5py.Group, key: str) -> Table:
    kind = _text(group.attrs["pandas_type"])
    if kind != "frame":
        raise InputError(f"{key!r} is a pandas {kind!r}; write a DataFrame with to_hdf(format='fixed'), or Parquet")
    node_ids = _names(group["axis0"])
    time, notes = _time(group["axis1"])
    values = np.full((len(time), len(node_ids)), np.nan)
    position = {node: i for i, node in enumerate(node_ids)}
    for block in range(int(group.attrs["nblocks"])):
        columns = [position[node] for node in _names(group[f"block{block}_items"])]
        content = group[f"block{block}_values"][()]
        if content.dtype.kind not in "fiu":
            raise InputError(f"{key!r} holds values of type {content.dtype}; expected numbers")
        if content.shape != (len(time), len(columns)):
            raise InputError(
                f"{key!r} holds {content.shape} values for {len(time)} time stamps and {len(columns)} sensors; "
                "the file is damaged, get it again"
            )
        values[:, columns] = content
    published = key in _PUBLISHED_KEYS
    return make_table(values, time, node_ids, notes, metr_la_layout=published)


def _names(axis: h5py.Dataset) -> tuple[str, ...]:
    names = axis[()]
    if names.dtype.kind == "S":
        return tuple(name.decode("utf-8") for name in names)
    if names.dtype.kind in "iu":
        return tuple(str(name) for name in names)
    raise InputError(f"sensor names are of type {names.dtype}; expected text or integers, write them as text")


def _time(axis: h5py.Dataset) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    kind = _text(axis.attrs.get("kind", ""))
    resolution = re.fullmatch(r"datetime64(?:\[(s|ms|us|ns)\])?", kind)
    counts = axis[()]
    if resolution is None or counts.dtype.kind != "i" or counts.ndim != 1:
        raise InputError(f"the index is of kind {kind or str(counts.dtype)!r}; expected time stamps (a DatetimeIndex)")
    stamps: NDArray[np.datetime64] = counts.astype("int64").view(f"M8[{resolution[1] or 'ns'}]")
    time = pd.DatetimeIndex(stamps)
    zone = _text(axis.attrs.get("tz", ""))
    return naive(time.tz_localize("UTC").tz_convert(zone) if zone else time)


def _text(attribute: object) -> str:
    return attribute.decode("utf-8") if isinstance(attribute, bytes) else str(attribute)
