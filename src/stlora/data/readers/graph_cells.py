"""The cells of a graph file that is text: separated by comma, semicolon, tab or spaces; with or without a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from stlora.errors import InputError

_MAX_SIZE = 64 << 20  # whose cells take about 1 GiB


def read_rows(path: Path) -> tuple[list[list[str]], bool]:
    """All rows, each with as many cells as the first (the first may lack one), and whether numbers have decimal commas.

    Raises:
        InputError: the text is not UTF-8 or no CSV, or a row has another number of cells.
    """
    if path.stat().st_size > _MAX_SIZE:
        raise InputError("is text of more than 64 MiB, too large for a graph; save the matrix with numpy.save")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from error
    lines = [line for line in text.splitlines() if line.strip()]
    separator = separator_of(lines[0] if lines else "")
    try:
        rows = list(_split(lines, separator))
    except csv.Error as error:
        raise InputError(f"cannot be read as CSV ({error}); export it again") from error
    width = max(len(row) for row in rows[:2]) if rows else 0
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != width:
            raise InputError(f"row {number} has {len(row)} cells and the header {len(rows[0])}; export it again")
    return rows, separator != ","


def separator_of(line: str) -> str:
    """What separates the cells of a line; a space stands for any number of them.

    Example:
        >>> separator_of("a;b;3,5"), separator_of('"from","to"'), separator_of("1.0e+00 0.5e+00")
        (';', ',', ' ')
    """
    outside = re.sub(r'"[^"]*"', "", line)
    return next((mark for mark in ";\t," if mark in outside), " ")


def _split(lines: list[str], separator: str) -> Iterator[list[str]]:
    if separator == " ":
        yield from (line.split() for line in lines)
        return
    for row in csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True):
        yield [cell.strip() for cell in row]


def number(cell: str, comma: bool) -> float | None:
    """The number of a cell; None if it is none.

    Args:
        cell: its text.
        comma: whether a comma may stand for the point.

    Example:
        >>> number("1,5", True), number("1,5", False), number("x", False)
        (1.5, None, None)
    """
    try:
        return float(cell.replace(",", ".") if comma and cell.count(",") == 1 and "." not in cell else cell)
    except ValueError:
        return None


def check_commas(cells: list[str]) -> None:
    """Refuse numbers whose commas may be decimal ones or part thousands.

    Raises:
        InputError: each number with a comma has three digits behind it.
    """
    parted = [cell for cell in cells if "," in cell]
    if parted and all(re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", cell) for cell in parted):
        raise InputError(f"has numbers such as {parted[0]!r}, whose comma may part thousands; write them with a point")
