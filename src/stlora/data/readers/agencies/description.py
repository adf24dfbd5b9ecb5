"""What a layout with one row per time and sensor is described by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers.agencies import files
from stlora.data.readers.agencies.files import Outline
from stlora.data.readers.agencies.times import distinct


@dataclass(frozen=True)
class Channel:
    """A column of values.

    Attributes:
        name: by which it is asked for.
        column: in plain letters.
        unit: of its values.
    """

    name: str
    column: str
    unit: str = ""


@dataclass(frozen=True)
class Rule:
    """Which rows of a layout hold no measurement.

    Attributes:
        column: that is looked at; the rule is idle where a file lacks it.
        invalid: for each distinct text of that column, whether its rows are invalid.
        because: what the note says of them.
        channels: for which alone it holds; all if empty.
        leaves_out: whether such rows are left out, sensor and all, rather than missing.
    """

    column: str
    invalid: Callable[[str], bool]
    because: str
    channels: tuple[str, ...] = ()
    leaves_out: bool = False


@dataclass(frozen=True)
class Block:
    """Some rows of a file, by the names of their columns.

    Attributes:
        frame: the columns by number; its index numbers the rows.
        position: the number of each column.
        titles: how the file calls the columns; empty where it does not.
        separator: between two cells.
    """

    frame: pd.DataFrame
    position: Mapping[str, int]
    titles: tuple[str, ...]
    separator: str

    def __contains__(self, name: str) -> bool:
        return name in self.position

    def column(self, name: str) -> pd.Series:
        """A column."""
        return self.frame[self.position[name]]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column of numbers."""
        title = self.titles[self.position[name]] if self.titles else name
        return files.numbers(self.column(name), title, self.separator)

    def where(self, name: str, is_so: Callable[[str], bool]) -> NDArray[np.bool_]:
        """For each row, whether the text of its cell is so."""
        codes, texts = distinct(self.column(name))
        so = np.array([*(is_so(str(text)) for text in texts), is_so("")], dtype=bool)  # code -1: an empty cell
        return so[codes]


@dataclass(frozen=True)
class Layout:
    """A layout with one row per time and sensor.

    Attributes:
        name: in messages.
        columns: by which it is recognised, in plain letters.
        node: the column that names the sensor.
        time: the time stamps, of the columns ``clock`` of a block.
        clock: those columns.
        channels: the columns of values; the first that a file has is the default.
        within: a column that tells sensors of one name apart, if that happens.
        quantity: the column that says what a row measures, where rows measure several things.
        quantities: name and unit of what that column numbers.
        unit: the column that holds the unit.
        kind: a column of which a series has one value, such as hourly and daily means.
        rules: which values are missing.
        faulty: numbers that stand for a missing value; ``negative`` for every one below zero.
        place: the columns of latitude and longitude.
        note: what is assumed.
    """

    name: str
    columns: tuple[str, ...]
    node: str
    time: Callable[[Sequence[pd.Series]], pd.DatetimeIndex]
    clock: tuple[str, ...]
    channels: tuple[Channel, ...]
    within: str = ""
    quantity: str = ""
    quantities: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unit: str = ""
    kind: str = ""
    rules: tuple[Rule, ...] = ()
    faulty: tuple[float, ...] = ()
    negative: bool = False
    place: tuple[str, ...] = ()
    note: str = ""

    @property
    def headless(self) -> bool:
        """Whether the files have no header, so that columns have numbers and no names."""
        return self.columns[0].isdigit()

    def fits(self, names: Sequence[str]) -> bool:
        """Whether these are the columns of the layout."""
        return set(self.columns) <= set(names)

    def outline(self, path: Path, head: bytes) -> Outline | None:
        """How the file is laid out, if it is of this layout."""
        found = files.outline(path, head, self.fits)
        if found is None:
            found = files.parquet_outline(path, head)
        return found if found is not None and self.fits(found.names) else None

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file that begins with ``head`` is of this layout."""
        return self.outline(path, head) is not None

    def needs(self, names: Sequence[str], chosen: Channel) -> list[str]:
        """The columns to read of those that a file has."""
        wanted = (*self.clock, self.node, chosen.column, self.within, self.quantity, self.unit, self.kind, *self.place)
        return [name for name in dict.fromkeys((*wanted, *(rule.column for rule in self.rules))) if name in names]

    def tidy(self, block: Block) -> Block:
        """The block with one row per time and sensor."""
        return block
