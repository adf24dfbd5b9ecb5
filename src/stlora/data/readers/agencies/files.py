"""The files that agencies publish, read block by block: CSV in any of its dialects, plain or gzip, and Parquet."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import parquet
from stlora.data.readers.cells import MISSING, Numbers, plain
from stlora.data.readers.delimited import FREE_SIZE, GZIP, MAX_EXPANSION, decode, open_text, widths
from stlora.errors import InputError

BLOCK = 32 << 20  # bytes of text that are read at once
_ROWS = 1_000_000  # of a Parquet file that are read at once
_TOP = 40  # lines before the header that are looked through
_FEW, _LONGEST = 4, 1 << 20  # lines; bytes of a header


@dataclass(frozen=True)
class Outline:
    """How a file is laid out.

    Attributes:
        names: of the columns, in plain letters (:func:`plain`); numbers where the file has no header.
        titles: of the columns as they stand in the file.
        first: the cells of the first row.
        separator: between two cells; empty for Parquet.
        skip: the lines up to the first row.
        above: the lines before the header.
    """

    names: tuple[str, ...]
    titles: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    separator: str = ""
    skip: int = 0
    above: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Source:
    """A table as it is: a file or a data frame.

    Attributes:
        name: of the file; empty for a data frame.
        outline: how it is laid out.
        blocks: its rows, some at a time, of the columns of these places, of which the second are kept as text; columns
            bear the number of their place, the index numbers the rows.
    """

    name: str
    outline: Outline
    blocks: Callable[[Sequence[int], Sequence[int]], Iterator[pd.DataFrame]]


def of_file(path: Path, found: Outline) -> Source:
    """A file that is laid out so."""
    return Source(path.name, found, partial(blocks, path, found))


def of_frame(frame: pd.DataFrame) -> Source:
    """A data frame."""
    titles = tuple(str(name) for name in frame.columns)

    def rows(columns: Sequence[int], _: Sequence[int]) -> Iterator[pd.DataFrame]:
        if not len(frame):
            raise InputError("holds no rows; expected one row per time step and sensor")
        yield frame.iloc[:, list(columns)].set_axis(list(columns), axis=1).reset_index(drop=True)

    return Source("", Outline(tuple(plain(title) for title in titles), titles), rows)


def start_of(path: Path, head: bytes) -> list[str] | None:
    """The lines that a file begins with, unpacked; None for what is no text.

    Args:
        path: the file, of which more is read if the first bytes hold less than a few lines.
        head: its first bytes.
    """
    try:
        if head.startswith(GZIP):
            head = zlib.decompressobj(wbits=31).decompress(head, 1 << 16)
        if b"\0" in head or head.startswith((b"PAR1", b"PK\x03\x04")):
            return None
        if head.count(b"\n") < _FEW and len(head) >= 4096:  # a header of many columns
            with open_text(path) as file:
                head = file.read(_LONGEST)
        return decode(head)[0].splitlines()
    except (zlib.error, OSError, EOFError, InputError):
        return None


def outline(path: Path, head: bytes, is_header: Callable[[Sequence[str]], bool]) -> Outline | None:
    """The outline of a text file, if one of its first lines is the header that is looked for.

    Args:
        path: the file.
        head: its first bytes.
        is_header: whether these column names, in plain letters, are those of the header.
    """
    lines = (start_of(path, head) or [])[:_TOP]
    alike, before = 0, list[int]()
    for number, line in enumerate(lines):
        for separator in (mark for mark in ",;\t" if mark in line):
            titles = _cells(line, separator)
            if titles and is_header(names := tuple(plain(title) for title in titles)):
                below = next((_cells(text, separator) for text in lines[number + 1 :] if text.strip()), None)
                return Outline(names, titles, below or (), separator, number + 1, tuple(lines[:number]))
        marks = [line.count(mark) for mark in ",;\t"]
        alike = alike + 1 if max(marks) > 1 and number and marks == before else 0
        before = marks
        if alike > 2:  # rows; the header stands above them
            return None
    return None


def parquet_outline(path: Path, head: bytes) -> Outline | None:
    """The columns of a Parquet file; None for any other file and a damaged one."""
    if not head.startswith(b"PAR1"):
        return None
    try:
        with parquet.reading(path) as file:
            titles = tuple(str(name) for name in file.schema_arrow.names)
    except InputError:
        return None  # the reader of all other Parquet files says why
    return Outline(tuple(plain(title) for title in titles), titles)


def check_whole(path: Path) -> None:
    """See that a file which is packed, Parquet or gzip, can be unpacked.

    Raises:
        InputError: it is damaged or something else.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if path.suffix == ".parquet":
        with parquet.reading(path):
            pass
    elif path.suffix == ".gz" and start_of(path, head) is None:
        raise InputError("is no text packed by gzip; it is damaged, get it again")


def blocks(path: Path, found: Outline, columns: Sequence[int], as_text: Sequence[int]) -> Iterator[pd.DataFrame]:
    """The rows of a file, some at a time, as columns that bear the number of their place; the index numbers the rows.

    Args:
        path: the file.
        found: its outline.
        columns: the places of the columns to read.
        as_text: those of them that are kept as text.

    Raises:
        InputError: the file cannot be read, has no rows, or one of its rows lacks cells.
    """
    if not found.separator:
        yield from _parquet_blocks(path, found, columns)
        return
    width, expected = max(columns) + 1, len(found.names)
    exact = found.skip > 0  # without a header rows may be longer than the first, as those of more lanes are
    done = 0
    for text in _texts(path, found.skip):
        short, long = widths(text, found.separator, expected if exact else width)
        if short is not None or (exact and long is not None):
            row, cells = cast("tuple[int, int]", short if short is not None else long)
            raise InputError(
                f"row {done + row + 1} has {cells} cells and the header {expected}; the file is cut short or "
                "malformed, get it again"
            )
        frame = _parse(text, found.separator, expected, columns, columns if found.separator == ";" else as_text)
        frame.index = pd.RangeIndex(done, done + len(frame))
        done += len(frame)
        if len(frame):
            yield frame
    if not done:
        raise InputError("holds no rows below its header; get it again")


def numbers(column: pd.Series, title: str, separator: str) -> NDArray[np.float64]:
    """The numbers of a column, NaN where a cell is empty; see :class:`stlora.data.readers.cells.Numbers`.

    Raises:
        InputError: a cell is no number.
    """
    # what one block of rows tells of marks for thousands, another may deny
    return Numbers(separator=separator, strict=True).of([column], [title])[:, 0]


def _cells(line: str, separator: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader([line], delimiter=separator), ()))
    except csv.Error:
        return ()


def _texts(path: Path, skip: int) -> Iterator[bytes]:
    """The bytes below the header in blocks of whole lines."""
    size, limit, rest = 0, max(FREE_SIZE, MAX_EXPANSION * path.stat().st_size), b""
    try:
        with open_text(path) as file:
            for _ in range(skip):
                file.readline(1 << 20)
            while piece := file.read(BLOCK):
                size += len(piece)
                if size > limit:
                    raise InputError(f"unpacks to more than {limit} bytes, which no measurements take; get it again")
                lines, newline, rest = (rest + piece).rpartition(b"\n")
                if newline:
                    yield lines + newline
                elif len(rest) > 2 * BLOCK:
                    raise InputError("holds a line that does not end; it is damaged, get it again")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read whole ({error}); it is damaged or cut short, get it again") from error
    if rest.strip():
        yield rest


def _parse(raw: bytes, separator: str, width: int, columns: Sequence[int], as_text: Sequence[int]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(
            io.BytesIO(raw),
            sep=separator,
            header=None,
            names=range(width),
            usecols=list(columns),
            index_col=False,
            encoding={"Windows-1252": "cp1252"}.get(decode(raw)[1], "utf-8"),
            encoding_errors="replace",
            dtype=cast(Any, dict.fromkeys(as_text, str)),
            na_values=cast(Any, {i: list(MISSING) for i in columns if i not in as_text}),
            keep_default_na=False,
            skipinitialspace=True,
            low_memory=False,
        )
    except (ValueError, OverflowError) as error:  # pandas.errors.ParserError is a ValueError
        raise InputError(f"cannot be read as CSV ({' '.join(str(error).split())}); get it again") from error
    return frame.astype(dict.fromkeys(as_text, "category"))  # as dtype of read_csv it makes numbers of 007


def _parquet_blocks(path: Path, found: Outline, columns: Sequence[int]) -> Iterator[pd.DataFrame]:
    done = 0
    with parquet.reading(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS, columns=[found.titles[i] for i in columns]):
            frame = cast(Any, batch).to_pandas(ignore_metadata=True)
            frame.columns = list(columns)
            frame.index = pd.RangeIndex(done, done + len(frame))
            done += len(frame)
            if len(frame):
                yield frame
    if not done:
        raise InputError("holds no rows; get it again")
