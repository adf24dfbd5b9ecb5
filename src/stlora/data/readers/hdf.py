"""HDF5 files written by ``DataFrame.to_hdf(format="fixed")``, as METR-LA and PEMS-BAY are; read without PyTables."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import largest_files
from stlora.data.readers.numpy_file import FREE_SIZE, MAX_EXPANSION
from stlora.data.readers.table import Table, make_table
from stlora.errors import InputError

_BLOCK = 4 << 20  # numbers
_MAGIC = b"\x89HDF\r\n\x1a\n"
_PUBLISHED_KEYS = ("df", "speed")  # METR-LA, PEMS-BAY
_LARGEST_KEY, _LARGEST_NAME = "t", re.compile(r".+_his_(raw_)?\d{4}\.h5")


def recognises(path: Path, head: bytes) -> bool:
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
            table = _read_frame(file[key], key)
    except InputError:
        raise
    except Exception as error:  # h5py answers damage with almost any exception
        reason = " ".join(str(error).split())
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
    blocks = [
        (_names(group[f"block{block}_items"]), group[f"block{block}_values"])
        for block in range(int(group.attrs["nblocks"]))
    ]
    for names, content in blocks:
        if content.dtype.kind not in "fiu":
            raise InputError(f"{key!r} holds values of type {content.dtype}; expected numbers")
        if content.shape != (len(time), len(names)):
            raise InputError(
                f"{key!r} holds {content.shape} values for {len(time)} time stamps and {len(names)} sensors; "
                "the file is damaged, get it again"
            )
        _check_size(content)
    position = {node: i for i, node in enumerate(node_ids)}
    if sorted(position[node] for names, _ in blocks for node in names) != list(range(len(node_ids))):
        raise InputError(f"{key!r} does not hold every sensor once; the file is damaged, get it again")
    values = np.empty((len(time), len(node_ids)), dtype=np.float32)
    with np.errstate(over="ignore"):  # make_table finds infinities and names them
        for names, content in blocks:
            columns = [position[node] for node in names]
            step = max(1, _BLOCK // max(1, len(columns)))
            for row in range(0, len(time), step):
                values[row : row + step, columns] = content[row : row + step]
    return make_table(values, time, node_ids, notes)


def _check_size(content: h5py.Dataset) -> None:
    """Refuse an array that would unpack to far more than the file holds."""
    size = Path(content.file.filename).stat().st_size
    if content.nbytes > max(FREE_SIZE, MAX_EXPANSION * size):
        raise InputError(f"declares {content.nbytes} bytes in a file of {size}, which no measurements do; get it again")


def _names(axis: h5py.Dataset) -> tuple[str, ...]:
    _check_size(axis)
    names = axis[()]
    if names.dtype.kind == "S":
        return tuple(name.decode("utf-8") for name in names)
    if names.dtype.kind in "iu":
        return tuple(str(name) for name in names)
    raise InputError(f"sensor names are of type {names.dtype}; expected text or integers, write them as text")


def _time(axis: h5py.Dataset) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    kind = _text(axis.attrs.get("kind", ""))
    resolution = re.fullmatch(r"datetime64(?:\[(s|ms|us|ns)\])?", kind)
    _check_size(axis)
    counts = axis[()]
    if resolution is None or counts.dtype.kind != "i" or counts.ndim != 1:
        raise InputError(f"the index is of kind {kind or str(counts.dtype)!r}; expected time stamps (a DatetimeIndex)")
    stamps: NDArray[np.datetime64] = counts.astype("int64").view(f"M8[{resolution[1] or 'ns'}]")
    time = pd.DatetimeIndex(stamps)
    zone = _text(axis.attrs.get("tz", ""))
    return (time.tz_localize("UTC").tz_convert(zone) if zone else time), ()


def _text(attribute: object) -> str:
    return attribute.decode("utf-8") if isinstance(attribute, bytes) else str(attribute)
