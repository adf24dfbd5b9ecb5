"""The public data sets: what they are, what is odd about them, and where their files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from stlora.errors import InputError

__all__ = ["DataFile", "Entry", "catalogue", "find", "look_up"]

_SOURCE = Path(__file__).with_name("catalogue.yaml")


@dataclass(frozen=True)
class DataFile:
    """A file of a data set.

    Attributes:
        name: what it is called in the data set's folder.
        urls: direct downloads, in the order in which they are tried; none if there are only ways by hand.
        checksums: ``algorithm:hexadecimal`` of the published file, confirmed on the file or in the listing of the
            repository that holds it: ``md5``, ``sha256``, ``git`` (blob id) or ``git-tree`` (tree id of a zip).
        quoted: checksums stated by others and not confirmed.
        instead: names of other files that do as well.
    """

    name: str
    urls: tuple[str, ...] = ()
    checksums: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A data set.

    Attributes:
        name: what it is called on the command line.
        title: one line for people.
        aliases: other names that mean it.
        nodes: N.
        frames: rows of the published file.
        interval_minutes: between two rows.
        start: first row, local time.
        end: last row, local time.
        unit: of the values.
        zero: what a zero means.
        zero_is_missing: the same for the loader; None as the file's layout says.
        missing: how much is missing.
        edges: non-zero entries of the adjacency matrix, self loops aside; None without a graph.
        graph: where the graph is from.
        split: who splits it how.
        ratios: of the usual split; None if the set has one of its own.
        windows: train, validation and test windows of 12 + 12 steps under that split.
        licence: of the data.
        citation: what to cite.
        by_hand: ways to the files without a direct download.
        files: what the data set's folder holds.
        odd: what its files do not say.
        absent_frames: rows that the period has and the file lacks.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    nodes: int
    frames: int
    interval_minutes: int
    start: pd.Timestamp
    end: pd.Timestamp
    unit: str
    zero: str
    missing: str
    edges: int | None
    graph: str
    split: str
    licence: str
    citation: str
    by_hand: tuple[str, ...]
    files: tuple[DataFile, ...]
    zero_is_missing: bool | None = None
    ratios: tuple[float, float, float] | None = None
    windows: tuple[int, int, int] | None = None
    odd: tuple[str, ...] = ()
    absent_frames: int = 0


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Entry]:
    """All data sets by name.

    Example:
        >>> catalogue()["pems04"].nodes
        307
    """
    import yaml

    entries = [_entry(fields) for fields in yaml.safe_load(_SOURCE.read_text(encoding="utf-8"))]
    return MappingProxyType({entry.name: entry for entry in entries})


def _entry(fields: dict[str, Any]) -> Entry:
    files = tuple(DataFile(**_tuples(file)) for file in fields["files"])
    times = {key: pd.Timestamp(fields[key]) for key in ("start", "end")}
    return Entry(**{**_tuples(fields), **times, "files": files})


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def find(name: str) -> Entry | None:
    """The data set of a name or alias, however it is spelled; None if there is none.

    Example:
        >>> find("METR_LA").name, find("PeMSD4").name, find("my.csv")
        ('metr-la', 'pems04', None)
    """
    wanted = _plain(name)
    for entry in catalogue().values():
        if wanted in {_plain(known) for known in (entry.name, *entry.aliases)}:
            return entry
    return None


def look_up(name: str) -> Entry:
    """The data set of a name or alias.

    Raises:
        InputError: no data set is called that.
    """
    entry = find(name)
    if entry is None:
        close = get_close_matches(name.lower(), catalogue(), n=1)
        hint = f"did you mean {close[0]}" if close else f"there are {', '.join(catalogue())}"
        raise InputError(f"no data set is called {name!r}; {hint}")
    return entry


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter not in "-_ ")
