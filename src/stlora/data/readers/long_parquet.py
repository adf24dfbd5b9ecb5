"""Long Parquet files: one row per time and sensor."""

from __future__ import annotations

from pathlib import Path

from stlora.data.readers import wide_parquet
from stlora.data.readers.long import find_columns, is_long, to_table
from stlora.data.readers.table import Table
from stlora.errors import InputError

_SAMPLE = 20


def recognises(path: Path, head: bytes) -> bool:
    """Whether a Parquet file has columns for time, sensor and value."""
    try:
        return wide_parquet.recognises(path, head) and is_long(*_sample(path))
    except InputError:
        return False  # the reader of all other Parquet files says why


def read(path: Path, *, channel: str | None = None) -> Table:
    """Read a long Parquet file.

    Args:
        path: the file.
        channel: the column of values, where there are several.

    Raises:
        InputError: the file is damaged, or a row has no time, sensor or number.
    """
    names, rows = _sample(path)
    columns = find_columns(names, rows, channel)
    with wide_parquet.reading(path) as file:
        frame = file.read(columns=[names[i] for i in columns]).to_pandas(ignore_metadata=True)
    return to_table(frame.iloc[:, 0], frame.iloc[:, 1], frame.iloc[:, 2], names[columns.value])


def _sample(path: Path) -> tuple[list[str], list[list[object]]]:
    """The names of the columns and their first rows."""
    with wide_parquet.reading(path) as file:
        batch = next(file.iter_batches(batch_size=_SAMPLE), None)
        names = [str(name) for name in file.schema_arrow.names]
        return names, [] if batch is None else batch.to_pandas(ignore_metadata=True).to_numpy(dtype=object).tolist()
