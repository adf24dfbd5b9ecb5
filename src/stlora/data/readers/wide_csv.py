"""Wide CSV files: a header, a time column, one column per sensor; separated by comma, semicolon or tab."""

from __future__ import annotations

import csv
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stlora.data.readers.table import Table, make_table
from stlora.data.readers.wide import MISSING, time_position, to_numbers, to_time
from stlora.errors import InputError


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` is text."""
    return b"\0" not in head and not head.startswith((b"PAR1", b"PK\x03\x04", b"\x1f\x8b"))


def has_time_column(path: Path) -> bool:
    """Whether a CSV file looks like a series rather than a graph or a list of sensors."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(islice((line for line in file if line.strip()), 2))
        outline = read_outline("".join(lines))
        time_position(outline.header, outline.first[0])
    except (OSError, ValueError):  # InputError is a ValueError, as is text that is not UTF-8
        return False
    return True


def read(path: Path) -> Table:
    """Read a wide CSV file.

    Raises:
        InputError: the text is not UTF-8, rows differ in length, there is no time column, or a cell is no number.
    """
    text = read_text(path)
    outline = read_outline(text)
    header = outline.header
    position = time_position(header, outline.first[0])
    sensors = [i for i in range(len(header)) if i != position]
    unnamed = [i for i in sensors if not header[i]]
    if unnamed:
        raise InputError(f"column {unnamed[0] + 1} has no name; expected the sensor's name in the header")
    frame = parse_cells(text, outline, [position])
    time, notes = to_time(frame.iloc[:, position])
    values = np.empty((len(frame), len(sensors)))
    for column, i in enumerate(sensors):
        values[:, column] = to_numbers(frame.iloc[:, i], header[i])
    return make_table(values, time, tuple(header[i] for i in sensors), notes)


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from error


class Outline(NamedTuple):
    """How a CSV file is laid out.

    Attributes:
        separator: between two cells.
        header: the column names.
        first: the cells of the first row.
    """

    separator: str
    header: list[str]
    first: list[str]


def read_outline(text: str) -> Outline:
    """Header and first row; checks the length of every row, as pandas would pad a short one in silence."""
    top = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=top.count)
    header: list[str] = []
    first: list[str] = []
    number = 0
    try:
        for row in csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True):
            if not row:
                continue
            if not header:
                header = [cell.strip() for cell in row]
                continue
            number += 1
            if len(row) != len(header):
                raise InputError(
                    f"row {number} has {len(row)} cells and the header {len(header)}; the file is cut short or "
                    "malformed, export it again"
                )
            first = first or row
    except csv.Error as error:
        raise InputError(f"cannot be read as CSV ({error}); export it again") from error
    if not first:
        raise InputError("holds no rows; expected a header and one row per time step")
    return Outline(separator, header, first)


def parse_cells(text: str, outline: Outline, as_text: list[int]) -> pd.DataFrame:
    """The cells by position; those of the columns ``as_text`` as text, which is kept as it stands.

    Raises:
        InputError: the text cannot be read as CSV.
    """
    names = [str(i) for i in range(len(outline.header))]  # pandas would rename columns of the same name
    try:
        return pd.read_csv(
            StringIO(text, newline=""),
            sep=outline.separator,
            header=0,
            names=names,
            index_col=False,
            dtype={names[i]: str for i in as_text},
            na_values={name: list(MISSING) for i, name in enumerate(names) if i not in as_text},
            keep_default_na=False,
            skipinitialspace=True,
            low_memory=False,
        )
    except (ValueError, OverflowError) as error:  # pandas.errors.ParserError is a ValueError
        raise InputError(f"cannot be read as CSV ({' '.join(str(error).split())}); export it again") from error
