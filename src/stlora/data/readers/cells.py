"""A table as it stands in a file or a data frame: named columns of cells, and the numbers that people write in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.errors import InputError

MISSING = ("", "NaN", "nan", "NA", "N/A", "n/a", "<NA>", "null", "NULL", "None")
_SIGNS = frozenset({"-", "--", "---", "–", "—", "?", ".", "#N/A", "#NV", "n.a.", "k.A.", "k. A.", "missing", "NaT"})
_DECLARE = "name the decimal mark with --decimal . or --decimal , (in Python decimal=)"
_OTHER = {".": ",", ",": "."}
_SPACES = "\u00a0\u2007\u2009\u202f"
_LIKE_NUMBER = r"[+-]?[\d.,'’ ]+(?:[eE][+-]?\d+)?"
_NUMBERS = ("decimal", "integer", "floating", "mixed-integer-float")
_EXPECTED = "expected a number, or an empty cell where nothing was measured"


@dataclass(frozen=True, eq=False)
class Cells:
    """A table whose columns have names and as yet no roles.

    Attributes:
        titles: the names of the columns; their numbers, from 1, where the table has none.
        column: the cells of a column, as numbers if all of them are plain ones; else as text.
        text: the cells of a column as they are written.
        rows: how many there are.
        levels: of the index that a data frame had.
        separator: between the cells of a text file; empty for what has types.
        headless: whether the columns have no names.
        unit: of all values, where the table has a row of units.
        day_first: whether days stand before months, where the user says so.
        notes: what was assumed, a sentence each.
    """

    titles: tuple[str, ...]
    column: Callable[[int], pd.Series]
    text: Callable[[int], pd.Series]
    rows: int
    levels: int = 1
    separator: str = ""
    headless: bool = False
    unit: str = ""
    notes: tuple[str, ...] = ()
    day_first: bool | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The titles in plain letters (:func:`plain`)."""
        return tuple(plain(title) for title in self.titles)

    def words(self, i: int) -> pd.Series:
        """The distinct cells of a column that are neither numbers nor signs for a missing value."""
        if not self.is_text(i):
            return pd.Series(dtype=object)
        _, texts = distinct(self.column(i))
        return texts[~texts.isin((*MISSING, *_SIGNS)) & ~texts.str.fullmatch(_LIKE_NUMBER)]

    def is_empty(self, i: int) -> bool:
        """Whether no cell of a column holds anything."""
        column = self.column(i)
        return bool(column.isna().all()) or (self.is_text(i) and bool(distinct(column)[1].isin(MISSING).all()))

    def has_numbers(self, i: int) -> bool:
        """Whether some cells of a column are numbers."""
        if not self.is_text(i):
            return not pd.api.types.is_bool_dtype(self.column(i).dtype)
        return bool(distinct(self.column(i))[1].str.fullmatch(_LIKE_NUMBER).any())

    def is_text(self, i: int) -> bool:
        """Whether a column holds anything but numbers, truth values and times."""
        dtype = self.column(i).dtype
        return not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype))


def of_frame(frame: pd.DataFrame) -> Cells:
    """The cells of a data frame; an index that holds more than row numbers is a column.

    Raises:
        InputError: the columns have several levels, or an index level has the name of a column.
    """
    if isinstance(frame.columns, pd.MultiIndex):
        raise InputError("has several index levels; expected one time index and one column per sensor")
    levels = frame.index.nlevels
    if levels > 1:  # time and sensor
        frame = frame.reset_index()
    elif frame.index.name is not None or not pd.api.types.is_integer_dtype(frame.index.dtype):
        name = "time" if frame.index.name is None else str(frame.index.name)
        frame = frame.reset_index(names=name, allow_duplicates=True)
    titles = tuple(str(name).strip() for name in frame.columns)
    frame = frame.set_axis(range(len(titles)), axis=1).reset_index(drop=True)
    return Cells(titles, lambda i: _plain_dtype(frame[i]), lambda i: _plain_dtype(frame[i]), len(frame), levels)


def joined(parts: Sequence[Cells]) -> Cells:
    """The rows of several parts of one table, one after the other.

    Raises:
        InputError: their columns differ.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts:
        if part.titles != first.titles:
            raise InputError(
                f"has parts with columns {', '.join(first.titles[:4])} and {', '.join(part.titles[:4])}; expected the "
                "same columns in all parts, name one file"
            )

    def column(i: int) -> pd.Series:
        words = any(part.is_text(i) for part in parts)
        return pd.concat([part.text(i) if words else part.column(i) for part in parts], ignore_index=True)

    return Cells(
        first.titles,
        cache(column),
        lambda i: pd.concat([part.text(i) for part in parts], ignore_index=True),
        sum(part.rows for part in parts),
        first.levels,
        first.separator,
        first.headless,
        first.unit,
        (f"{len(parts)} files were read as one table.", *dict.fromkeys(n for part in parts for n in part.notes)),
    )


def _plain_dtype(column: pd.Series) -> pd.Series:
    """Categories as what they stand for."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(column.cat.categories.dtype)
    return column


@lru_cache(maxsize=4096)
def plain(name: object) -> str:
    """A column name in small letters without accents, quotes and repeated spaces, as layouts are told by.

    Example:
        >>> plain(' "AÑO"'), plain("521  - 660 cm")
        ('ano', '521 - 660 cm')
    """
    letters = unicodedata.normalize("NFKD", str(name).strip().strip('"').strip())
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).lower().split())


def check_decimal(decimal: str | None) -> str | None:
    """The decimal mark that a user declares.

    Raises:
        InputError: it is neither a point nor a comma.
    """
    if decimal not in (None, ".", ","):
        raise InputError(f"decimal is {decimal!r}; expected '.' or ','")
    return decimal


class _DoubtError(Exception):
    """Why a number, ``example``, may be one of two."""

    def __init__(self, example: str, why: str) -> None:
        super().__init__(why)
        self.example = example


@dataclass
class Numbers:
    """What the marks in the numbers of one table mean, and how many cells stand for a missing value.

    Attributes:
        decimal: the decimal mark that the user declares, of which the other one parts thousands; None to find it out.
        separator: between the cells of a text file; between commas a point is a decimal one, and between semicolons a
            comma.
        strict: whether marks for thousands are refused, even where they are certain.
        signs: how many cells held each sign for a missing value.
        thousands: the mark that was found to part thousands, with an example.
    """

    decimal: str | None = None
    separator: str = ""
    strict: bool = False
    signs: dict[str, int] = field(default_factory=dict)
    thousands: tuple[str, str] | None = None

    def of(self, columns: Sequence[pd.Series], titles: Sequence[str]) -> NDArray[np.float64]:
        """The numbers of some columns of one table, ``[rows, columns]``, NaN where a cell holds none.

        Raises:
            InputError: a cell is no number, or may be one of two; names column, row and text.
        """
        values = np.empty((len(columns[0]) if columns else 0, len(columns)))
        text = [i for i, column in enumerate(columns) if not _is_numeric(column, titles[i])]
        for i in sorted({*range(len(columns))} - {*text}):
            values[:, i] = pd.to_numeric(columns[i]).to_numpy(dtype=np.float64, na_value=np.nan)
        if not text:
            return values
        codes, texts = distinct(pd.concat([columns[i] for i in text], ignore_index=True))
        try:
            numbers, bad = self._read(texts, np.bincount(codes[codes >= 0], minlength=len(texts)))
            why = f"; {_EXPECTED}"
            if texts[bad].str.fullmatch(r"[+-]?\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d*)?").any():
                why += f"; if that parts thousands, {_DECLARE}"
        except _DoubtError as doubt:
            bad, why = (texts == doubt.example).to_numpy(), str(doubt)
        if bad.any():
            place, row = divmod(int(np.flatnonzero(bad[codes] & (codes >= 0))[0]), len(values))
            column, example = columns[text[place]], texts[codes[place * len(values) + row]]
            raise InputError(f"column {titles[text[place]]!r}, row {row_of(column, row)} holds {example!r}{why}")
        values[:, text] = np.append(numbers, np.nan)[codes].reshape(len(text), -1).T  # code -1: an empty cell
        return values

    def notes(self) -> tuple[str, ...]:
        """What was assumed, a sentence each."""
        found = []
        if self.thousands is not None:
            mark, example = self.thousands
            found.append(
                f"Numbers such as {example} were read as {example.replace(mark, '')}: {mark!r} parts thousands."
            )
        if self.signs:
            listed = ", ".join(repr(sign) for sign in sorted(self.signs))
            found.append(f"{sum(self.signs.values())} cells that hold {listed} were taken as missing.")
        return tuple(found)

    def _marks(self, whole: pd.Series) -> tuple[str, str]:
        """The decimal mark, and the marks for thousands, which may be none."""
        if self.decimal is not None:
            return self.decimal, _OTHER[self.decimal] + " '’"
        whole = whole[whole.str.fullmatch(r"[+-]?[\d.,]+") & whole.str.contains(r"\d")]
        both = whole[whole.str.contains(".", regex=False) & whole.str.contains(",", regex=False)]
        if len(both):  # 1.234,5 or 1,234.5
            decimal = max(".,", key=both.iloc[0].rfind)
            return decimal, self._parting(_OTHER[decimal], both.iloc[0])
        meaning = {mark: self._meaning(whole, mark) for mark in ".,"}
        marks = {found: mark for mark, found in meaning.items() if found}
        if len(marks) < sum(map(bool, meaning.values())):  # both marks mean the same
            example = whole[whole.str.contains(",", regex=False)].iloc[0]
            raise _DoubtError(example, ", and others have a point; write numbers with one mark")
        if "doubtful" in marks and "decimal" in marks:  # the doubtful mark parts thousands
            marks["thousands"] = marks["doubtful"]
        elif "doubtful" in marks and "thousands" in marks:
            marks["decimal"] = marks["doubtful"]
        elif "doubtful" in marks:
            mark = marks["doubtful"]
            example = whole[whole.str.contains(mark, regex=False)].iloc[0]
            raise _DoubtError(
                example,
                f", which may be {example.replace(mark, '')} or {example.replace(mark, '.')}; "
                + ("write numbers without marks for thousands" if self.strict else _DECLARE),
            )
        if "thousands" not in marks:
            return marks.get("decimal", "."), ""
        part = marks["thousands"]
        return marks.get("decimal", _OTHER[part]), self._parting(
            part, whole[whole.str.contains(part, regex=False)].iloc[0]
        )

    def _parting(self, mark: str, example: str) -> str:
        """The mark that parts thousands, remembered with an example."""
        if self.strict:
            raise _DoubtError(example, ", which has a mark for thousands; write numbers without such marks")
        self.thousands = self.thousands or (mark, example)
        return mark

    def _meaning(self, texts: pd.Series, mark: str) -> str:
        """What a mark means in these numbers, none of which has both: decimal, thousands, doubtful, or ""."""
        marked = texts[texts.str.contains(mark, regex=False)]
        if not len(marked):
            return ""
        groups = marked.str.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:\{mark}\d{{3}})+")
        if (marked.str.count(re.escape(mark)) > 1).any():
            return "thousands" if groups.all() else "decimal"  # whose numbers are none
        if not groups.all() or (mark, self.separator) == (".", ","):
            return "decimal"
        bare = texts[texts.str.fullmatch(r"[+-]?\d*[1-9]\d*")]
        # whoever writes 1.000 for 1 writes 980.000 for 980
        if len(bare) and marked.str.endswith("0").any():
            return "thousands"
        return "decimal" if (mark, self.separator) == (",", ";") else "doubtful"

    def _read(self, texts: pd.Series, counts: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The numbers of distinct texts that stand in so many cells, and which of them are none."""
        decimal, thousands = self._marks(texts)
        signs = texts.isin(_SIGNS)
        plain_text = texts.mask(texts.isin(MISSING) | signs, "nan")
        if thousands:
            marks = re.escape(thousands)
            groups = rf"[+-]?\d{{1,3}}([{marks}])\d{{3}}(?:\1\d{{3}})*(?:{re.escape(decimal)}\d*)?"
            grouped = texts.str.fullmatch(groups)
            plain_text = plain_text.mask(grouped, texts.str.replace(rf"[{marks}]", "", regex=True))
        if decimal == ",":
            pointed = plain_text.str.contains(".", regex=False)
            plain_text = plain_text.str.replace(",", ".", n=1, regex=False).mask(pointed, "a point")
        numbers = pd.to_numeric(plain_text, errors="coerce")
        for i in np.flatnonzero(signs):
            self.signs[texts[i]] = self.signs.get(texts[i], 0) + int(counts[i])
        return numbers.to_numpy(dtype=np.float64), (numbers.isna() & (plain_text != "nan")).to_numpy()


def _is_numeric(column: pd.Series, title: str) -> bool:
    """Whether a column holds numbers of a machine rather than text or truth values."""
    dtype = column.dtype
    if pd.api.types.is_complex_dtype(dtype):
        raise InputError(f"column {title!r} holds complex numbers; expected plain numbers")
    if pd.api.types.is_object_dtype(dtype):
        return pd.api.types.infer_dtype(column, skipna=True) in _NUMBERS
    return bool(pd.api.types.is_numeric_dtype(dtype)) and not pd.api.types.is_bool_dtype(dtype)


def distinct(column: pd.Series) -> tuple[NDArray[np.intp], pd.Series]:
    """For each row the number of its text, -1 where a cell is empty, and the distinct texts without outer spaces."""
    codes, found = pd.factorize(column)
    texts = ["" if pd.isna(cell) else " ".join(str(cell).translate(_TO_SPACE).split()) for cell in found]
    return np.asarray(codes, dtype=np.intp), pd.Series(texts, dtype=object)


_TO_SPACE = {ord(space): " " for space in _SPACES}


def row_of(column: pd.Series, place: int | np.integer[Any]) -> int:
    """The number of a row in its table, of the place in the column."""
    return int(column.index[int(place)]) + 1
