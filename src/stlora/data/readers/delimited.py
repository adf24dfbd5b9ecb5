"""Text tables in any of their dialects: CSV between commas, semicolons, tabs or bars, plain or packed by gzip."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import pandas as pd

from stlora.data.readers.cells import MISSING, Cells
from stlora.data.time.stamps import parse
from stlora.errors import InputError

SEPARATORS = ";\t|,"  # a comma may be in numbers, so it comes last
FREE_SIZE, MAX_EXPANSION = 64 << 20, 200  # bytes; what no measurement reaches: 200 bytes from one byte of gzip
GZIP = b"\x1f\x8b"
_TOP = 60  # lines by which a file is judged
_EMPTY_ROW = re.compile(r"^[,;\t|]+[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_COMMENTS = ("#", "%", "//", "!")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Top(NamedTuple):
    """How a text table begins.

    Attributes:
        separator: between two cells.
        titles: of the columns.
        first: the cells of the first row.
        above: the lines before the header.
        lines: how many there are up to the first row.
        headless: whether the first row stands where others have a header.
        units: the cells of a row of units below the header.
    """

    separator: str
    titles: tuple[str, ...]
    first: tuple[str, ...]
    above: tuple[str, ...]
    lines: int
    headless: bool
    units: tuple[str, ...]


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` is text, or text that gzip has packed."""
    if head.startswith(GZIP):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 1 << 16)
        except zlib.error:
            return False
    if head.startswith(_UTF16):
        return True
    return b"\0" not in head and not head.startswith((b"PAR1", b"PK\x03\x04"))


def top_of(path: Path) -> Top:
    """How a text file begins.

    Raises:
        InputError: it cannot be opened or is no table.
    """
    try:
        with open_text(path) as file:
            lines = b"".join(islice(io.BytesIO(file.read(1 << 20)), _TOP))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read whole ({error}); it is damaged or cut short, get it again") from error
    return _top(decode(lines)[0])


def read(path: Path) -> Cells:
    """The cells of a text file.

    Raises:
        InputError: it is no text in UTF-8 or Windows-1252, has no rows, or rows differ in length.
    """
    text, encoding = _text(path)
    notes = []
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")
    if _EMPTY_ROW.search(text):
        text, number = _EMPTY_ROW.subn("", text)
        notes.append(f"{number} rows without any cell were left out.")
    head = _head(text)
    top = _top("".join(head))
    body = text[sum(map(len, head[: top.lines])) :]
    short, long = widths(body.encode(), top.separator, len(top.titles))
    wrong = [found for found in (short, long) if found is not None]
    if wrong:
        row, cells = min(wrong)
        raise InputError(
            f"row {row + 1} has {cells} cells and the header {len(top.titles)}; the file is cut short or malformed, "
            "export it again"
        )

    @cache
    def as_text(i: int) -> pd.Series:
        return _parse(body, top.separator, len(top.titles), [i], [i])[i]

    columns = range(len(top.titles))
    # between commas a point is a decimal one, so that pandas may read the numbers
    frame = _parse(body, top.separator, len(top.titles), columns, () if top.separator == "," else columns)
    if encoding != "utf-8":
        notes.append(f"The text was read as {encoding}, as it is not UTF-8.")
    if top.above:
        notes.append(f"{len(top.above)} lines above the header were left out (first: {top.above[0][:60]!r}).")
    if top.headless:
        notes.append("The file has no header; columns are called by their number, from 1.")
    units = {cell for cell in top.units if cell}
    if top.units and top.units == top.titles[1:]:
        units = set()
        notes.append("The header stands twice; the second one was left out.")
    if units:
        notes.append(f"The row below the header holds units ({', '.join(sorted(units))}); it was left out.")
    return Cells(
        top.titles,
        lambda i: frame[i],
        lambda i: frame[i] if _holds_text(frame[i]) else as_text(i),
        len(frame),
        1,
        top.separator,
        top.headless,
        next(iter(units)) if len(units) == 1 else "",
        tuple(notes),
    )


def _holds_text(column: pd.Series) -> bool:
    """Whether a column was read as it is written; one of objects may hold large numbers too."""
    return isinstance(column.dtype, pd.StringDtype) or pd.api.types.infer_dtype(column, skipna=True) == "string"


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it is no text in UTF-8 or Windows-1252, or cannot be read whole.
    """
    return _text(path)[0]


def decode(raw: bytes) -> tuple[str, str]:
    """Text and its encoding: UTF-8, UTF-16 with its mark, or else Windows-1252, in which older exports are written.

    Raises:
        InputError: it is damaged.
    """
    if raw.startswith(_UTF16):
        try:
            return raw.decode("utf-16"), "UTF-16"
        except UnicodeDecodeError as error:
            return raw[: error.start].decode("utf-16"), "UTF-16"
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if error.start >= len(raw) - 4:  # a character that the end of a block cuts
            return raw[: error.start].decode("utf-8"), "utf-8"
        if re.search(rb"[\xc2-\xf4][\x80-\xbf]", raw):  # which nobody writes in Windows-1252
            raise InputError(
                f"is not UTF-8 text (byte {error.start} of a block); it is damaged, get it again"
            ) from error
        return raw.decode("cp1252", errors="replace"), "Windows-1252"


def open_text(path: Path) -> BinaryIO:
    """An open file, unpacked if gzip packed it."""
    file = path.open("rb")
    if file.read(2) == GZIP:
        file.close()
        return cast(BinaryIO, gzip.open(path, "rb"))
    file.seek(0)
    return file


def widths(raw: bytes, separator: str, expected: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """The first row with fewer cells than expected and the first with more, each with their number."""
    text = np.frombuffer(raw, dtype=np.uint8)
    outside = np.bitwise_xor.accumulate(text == ord('"')) == 0 if b'"' in raw else np.ones(len(text), dtype=bool)
    ends = np.append(np.flatnonzero((text == ord("\n")) & outside), len(text))
    marks = np.flatnonzero((text == ord(separator)) & outside)
    cells = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
    starts = np.concatenate([[0], ends[:-1] + 1])
    alone = np.flatnonzero(cells == 1)
    blank = [i for i in alone if not raw[starts[i] : ends[i]].strip()]
    cells = np.delete(cells, blank)
    found = []
    for wrong in (np.flatnonzero(cells < expected), np.flatnonzero(cells > expected)):
        found.append((int(wrong[0]), int(cells[wrong[0]])) if len(wrong) else None)
    return found[0], found[1]


def _text(path: Path) -> tuple[str, str]:
    """The text of a file and its encoding."""
    limit = max(FREE_SIZE, MAX_EXPANSION * path.stat().st_size)
    try:
        with open_text(path) as file:
            raw = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read whole ({error}); it is damaged or cut short, get it again") from error
    if len(raw) > limit:
        raise InputError(f"unpacks to more than {limit} bytes, which no measurements take; get it again")
    return decode(raw)


def _head(text: str) -> list[str]:
    """The first lines of a text, with their ends."""
    end = 0
    for _ in range(_TOP):
        end = text.find("\n", end) + 1 or len(text)
    return list(islice(io.StringIO(text[:end], newline=""), _TOP))


def _top(text: str) -> Top:
    declared = re.match(r"\ufeff?sep=(.)\r?\n", text, re.IGNORECASE)  # Excel's
    marks = declared[1] if declared else SEPARATORS
    separator = next((mark for mark in marks if _even(_rows(text, mark))), ",")
    rows = _rows(text, separator, strict=text.count("\n") < _TOP)
    rows = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise InputError("holds no rows; expected a header and one row per time step")
    width = len(rows[-1][1])
    if len(rows) > 2:
        (width, _), *_ = Counter(len(row) for _, row in rows).most_common(1)
    start = next((i for i, (_, row) in enumerate(rows) if len(row) == width and not _is_comment(row)), None)
    if start is None:
        raise InputError("holds no rows; expected a header and one row per time step")
    above = rows[:start]
    lines, header = rows[start]
    if above and not _is_comment(above[-1][1]) and len(above[-1][1]) > 1 and _has_stamp(header):
        start, above = start - 1, above[:-1]
        lines, header = rows[start]
        return Top(separator, _titles(header), tuple(rows[start + 1][1]), _texts(above), lines, False, ())
    before = rows[start - 1][0] if start else 0
    if _has_stamp(header):
        return Top(separator, tuple(str(i + 1) for i in range(width)), tuple(header), _texts(above), before, True, ())
    if len(rows) == start + 1:
        raise InputError("holds no rows; expected a header and one row per time step")
    first, units = rows[start + 1][1], tuple[str, ...]()
    if len(rows) > start + 2 and not _has_stamp(first) and not _has_number(first) and _has_stamp(rows[start + 2][1]):
        units, lines, first = tuple(cell.strip() for cell in first[1:]), rows[start + 1][0], rows[start + 2][1]
    return Top(separator, _titles(header), tuple(first), _texts(above), lines, False, units)


def _rows(text: str, separator: str, strict: bool = False) -> list[tuple[int, list[str]]]:
    """The cells of the first rows, each with the number of lines up to its end."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = []
    try:
        for row in reader:
            rows.append((reader.line_num, row))
    except csv.Error as error:
        if strict:
            raise InputError(f"cannot be read as CSV ({error}); export it again") from error
    return rows


def _even(rows: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether most rows have one number of cells above 1."""
    counts = Counter(len(row) for _, row in rows if any(cell.strip() for cell in row)).most_common(1)
    return bool(counts) and counts[0][0] > 1 and 2 * counts[0][1] >= len(rows)


def _titles(header: Sequence[str]) -> tuple[str, ...]:
    titles = [cell.strip() for cell in header]
    return (titles[0].lstrip("#%").strip(), *titles[1:])


def _texts(rows: Sequence[tuple[int, Sequence[str]]]) -> tuple[str, ...]:
    return tuple(" ".join(cell.strip() for cell in row if cell.strip()) for _, row in rows)


def _is_comment(row: Sequence[str]) -> bool:
    cell = row[0].lstrip("\ufeff ")
    alone = not any(other.strip() for other in row[1:])
    return (cell.startswith(_COMMENTS) and (alone or " " in cell)) or cell.lower().startswith("sep=")


def _has_stamp(row: Sequence[str]) -> bool:
    """Whether one of the first cells is a time stamp, and not all of them, as in a header of times."""
    return 0 < sum(is_stamp(cell) for cell in row[:4]) < 3


def is_stamp(cell: str) -> bool:
    """Whether a text is a time stamp."""
    if not re.match(r"\s*(?:\d|[A-Za-z]{3,9},? \d)", cell) or cell.strip().isdigit():
        return False
    try:
        parse([cell])
    except InputError as error:
        return "can be read day first or month first" in str(error)
    return True


def _has_number(row: Sequence[str]) -> bool:
    return any(re.fullmatch(r"\s*[+-]?\d[\d.,]*\s*", cell) for cell in row)


def _parse(body: str, separator: str, width: int, columns: Sequence[int], as_text: Sequence[int]) -> pd.DataFrame:
    """Columns of the rows, by their number."""
    try:
        return pd.read_csv(
            io.StringIO(body, newline=""),
            sep=separator,
            header=None,
            names=range(width),
            usecols=list(columns),
            index_col=False,
            dtype=cast(Any, dict.fromkeys(as_text, str)),
            na_values=cast(Any, {i: list(MISSING) for i in columns if i not in as_text}),
            keep_default_na=False,
            skipinitialspace=True,
            low_memory=False,
        )
    except (ValueError, OverflowError) as error:  # pandas.errors.ParserError is a ValueError
        raise InputError(f"cannot be read as CSV ({' '.join(str(error).split())}); export it again") from error
