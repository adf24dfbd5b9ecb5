"""The catalogue as pages for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from stlora.data.catalogue.entries import DataFile, Entry


def format_list(entries: Iterable[tuple[Entry, bool]]) -> str:
    """A table of data sets, each with whether its files are at hand.

    Example:
        >>> from stlora.data.catalogue.entries import look_up
        >>> print(format_list([(look_up("simulated"), True)]).splitlines()[1])
        simulated  40  2688  15 min  2024-01-01 to 2024-01-28  veh/h  yes  ...
    """
    rows = [("name", "nodes", "frames", "step", "period", "unit", "here", "licence")]
    for entry, here in entries:
        rows.append(
            (
                entry.name,
                str(entry.nodes),
                str(entry.frames),
                f"{entry.interval_minutes} min",
                f"{entry.start:%Y-%m-%d} to {entry.end:%Y-%m-%d}",
                entry.unit,
                "yes" if here else "no",
                entry.licence.partition(" (")[0],
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def format_entry(entry: Entry, folder: Path, here: bool) -> str:
    """Everything that is known of a data set.

    Args:
        entry: the data set.
        folder: where its files belong.
        here: whether they are there.
    """
    rows = [
        ("sensors", str(entry.nodes)),
        ("frames", f"{entry.frames}, one every {entry.interval_minutes} minutes"),
        ("period", f"{entry.start} to {entry.end}, local time"),
        ("unit", entry.unit),
        ("a zero is", entry.zero),
        ("missing", entry.missing),
        ("graph", entry.graph if entry.edges is None else f"{entry.edges} edges: {entry.graph}"),
        ("split", entry.split + _windows(entry)),
        ("licence", entry.licence),
        ("cite", entry.citation),
        *(("odd", text) for text in entry.odd),
        *(("file", _file(file)) for file in entry.files),
        *(("from", url) for file in entry.files for url in file.urls),
        *(("by hand", text) for text in entry.by_hand),
        ("folder", _place(entry, folder, here)),
    ]
    lines, previous = [f"{entry.name}: {entry.title}"], ""
    for label, text in rows:
        lines.append(f"  {'' if label == previous else label:<10} {text}")
        previous = label
    return "\n".join(lines)


def _windows(entry: Entry) -> str:
    if entry.windows is None:
        return ""
    train, val, test = entry.windows
    return f"; {train} train, {val} validation, {test} test windows of 12 + 12 steps"


def _file(file: DataFile) -> str:
    sums = [f"{checksum} (confirmed)" for checksum in file.checksums]
    sums += [f"{checksum} (quoted by others, not confirmed)" for checksum in file.quoted]
    return f"{file.name}, {' or '.join(sums) or 'no checksum known'}"


def _place(entry: Entry, folder: Path, here: bool) -> str:
    if not entry.files:
        return "none: it is made when it is named"
    return f"{folder} ({'its files are there' if here else 'its files are not there yet'})"
