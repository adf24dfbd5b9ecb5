"""Wide Parquet files: a time index or time column, one column per sensor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stlora.data.readers.table import Table, make_table
from stlora.data.readers.wide import time_position, to_numbers, to_time
from stlora.errors import InputError

_FREE_CELLS, _MAX_CELLS = 10_000_000, 200  # what no measurement reaches: 200 cells from one byte of the file


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` is Parquet."""
    return head.startswith(b"PAR1")


def read(path: Path) -> Table:
    """Read a wide Parquet file.

    Raises:
        InputError: pyarrow is not installed, the file is damaged, there is no time column, or a cell is no number.
    """
    frame = _frame(path)
    if frame.empty:
        raise InputError(f"holds {len(frame)} rows of {frame.shape[1]} columns; expected one row per time step")
    if not isinstance(frame.index, pd.RangeIndex):
        name = frame.index.name
        frame = frame.reset_index(names="time" if name is None else str(name), allow_duplicates=True)
    header = [str(name) for name in frame.columns]
    position = time_position(header, frame.iloc[0, 0])
    time, notes = to_time(frame.iloc[:, position])
    sensors = [i for i in range(len(header)) if i != position]
    values = np.empty((len(frame), len(sensors)))
    for column, i in enumerate(sensors):
        values[:, column] = to_numbers(frame.iloc[:, i], header[i])
    return make_table(values, time, tuple(header[i] for i in sensors), notes)


def _frame(path: Path) -> pd.DataFrame:
    with reading(path):
        frame = pd.read_parquet(path, engine="pyarrow")
    if isinstance(frame.index, pd.MultiIndex) or isinstance(frame.columns, pd.MultiIndex):
        raise InputError("has several index levels; expected one time index and one column per sensor")
    return frame


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """The open Parquet file; damage and files that unpack to far more than they hold become errors.

    Raises:
        InputError: pyarrow is not installed, or the file cannot be read.
    """
    try:
        from pyarrow import parquet  # an optional extra
    except ImportError:
        raise InputError('is Parquet, which needs pyarrow; run pip install "stlora[parquet]"') from None
    try:
        with parquet.ParquetFile(path) as file:
            cells, size = file.metadata.num_rows * len(file.schema_arrow.names), path.stat().st_size
            if cells > max(_FREE_CELLS, _MAX_CELLS * size):
                raise InputError(f"declares {cells} cells in {size} bytes, which no measurements take; get it again")
            yield file
    except InputError:
        raise
    except Exception as error:  # pyarrow answers damage with almost any exception
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"cannot be read as Parquet ({reason}); the file is damaged, get it again") from error
