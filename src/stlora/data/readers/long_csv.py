"""Long CSV files: a header, and one row per time and sensor."""

from __future__ import annotations

import csv
from pathlib import Path

from stlora.data.readers import wide_csv
from stlora.data.readers.long import find_columns, is_long, to_table
from stlora.data.readers.table import Table


def recognises(path: Path, head: bytes) -> bool:
    """Whether a text file that begins with ``head`` has columns for time, sensor and value."""
    return wide_csv.recognises(path, head) and is_long(*_sample(head.decode("utf-8-sig", errors="replace")))


def read(path: Path, *, channel: str | None = None) -> Table:
    """Read a long CSV file.

    Args:
        path: the file.
        channel: the column of values, where there are several.

    Raises:
        InputError: the text is not UTF-8, rows differ in length, or a row has no time, sensor or number.
    """
    text = wide_csv.read_text(path)
    outline = wide_csv.read_outline(text)
    columns = find_columns(outline.header, _sample(text[:4096])[1], channel)
    frame = wide_csv.parse_cells(text, outline, [columns.time, columns.node])
    name = outline.header[columns.value]
    time = frame.iloc[:, columns.time].where(frame.iloc[:, columns.time] != "")
    return to_table(time, frame.iloc[:, columns.node], frame.iloc[:, columns.value], name)


def _sample(text: str) -> tuple[list[str], list[list[str]]]:
    """The header and those of the first rows that have as many cells; nothing if this is no CSV."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    if len(lines) > 2:
        lines.pop()  # may be cut
    try:
        rows = list(csv.reader(lines, delimiter=max(",;\t", key=lines[0].count) if lines else ",", strict=True))
    except csv.Error:
        return [], []
    return (rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]) if rows else ([], [])
