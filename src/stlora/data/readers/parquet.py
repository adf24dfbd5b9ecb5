"""Parquet files, as one table or in parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from stlora.data.readers.cells import Cells, of_frame
from stlora.errors import InputError

_FREE_CELLS, _MAX_CELLS = 10_000_000, 200  # what no measurement reaches: 200 cells from one byte of the file


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` is Parquet."""
    return head.startswith(b"PAR1")


def read(path: Path) -> Cells:
    """The cells of a Parquet file.

    Raises:
        InputError: pyarrow is not installed, or the file is damaged.
    """
    with reading(path) as file:
        frame: pd.DataFrame = file.read().to_pandas()
    return of_frame(frame)


def titles_of(path: Path) -> tuple[str, ...]:
    """The names of the columns.

    Raises:
        InputError: as :func:`read`.
    """
    with reading(path) as file:
        return tuple(str(name) for name in file.schema_arrow.names)


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
