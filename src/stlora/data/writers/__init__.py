"""Series written in the layouts of other tools; one file per layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stlora.data.series import SensorSeries
from stlora.data.writers import basicts, largest, tables
from stlora.errors import InputError
from stlora.folders import filled
from stlora.paths import expanded

__all__ = ["LAYOUTS", "Layout", "write_series"]


@dataclass(frozen=True)
class Layout:
    """A layout that a series can be written in.

    Attributes:
        name: what it is chosen by.
        suffixes: of the file; none where it is a folder.
        write: writes the series; returns the files written.
        files: patterns of the files in the folder, relative to it.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[SensorSeries, Path], list[Path]]
    files: tuple[str, ...] = ()


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("wide", (".csv", ".parquet"), tables.write_wide),
        Layout("long", (".csv", ".parquet"), tables.write_long),
        Layout("basicts", (), basicts.write, basicts.FILES),
        Layout("largest", (), largest.write, largest.FILES),
    )
}


def write_series(series: SensorSeries, path: str | Path, layout: str = "wide") -> list[Path]:
    """Write a series so that :func:`stlora.data.load_series`, and the tool the layout is of, can read it.

    Args:
        series: the measurements.
        path: the file (``.csv`` or ``.parquet``) for ``wide`` and ``long``, the folder for ``basicts`` and ``largest``,
            new, empty, or with files of that layout alone, which are replaced.
        layout: one of :data:`LAYOUTS`.

    Returns:
        The files written, each whole or not at all; the one that the layout is recognised by last.

    Raises:
        InputError: the layout is unknown, or is not written to a file or folder of this name, or the folder holds
            anything else.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from stlora.data import load_series
        >>> series = SensorSeries.from_numpy([[3, 5], [4, 6]], "2024-01-01", "15min")
        >>> with TemporaryDirectory() as folder:
        ...     written = write_series(series, Path(folder, "counts.csv"), "long")
        ...     load_series(written[0]).values.tolist()
        [[3.0, 5.0], [4.0, 6.0]]
    """
    path, suffixes = check_target(path, layout), LAYOUTS[layout].suffixes
    if suffixes:
        return LAYOUTS[layout].write(series, path)
    with filled(path, LAYOUTS[layout].files) as folder:
        written = LAYOUTS[layout].write(series, folder)
    return [path / file.relative_to(folder) for file in written]


def check_target(path: str | Path, layout: str) -> Path:
    """Refuse a file or folder that a layout is not written to, before the work is done.

    Args:
        path: to be written.
        layout: one of :data:`LAYOUTS`.

    Returns:
        The path, with the home folder in place of ``~``.

    Raises:
        InputError: the layout is unknown, or is not written to a file or folder of this name.
    """
    path = Path(expanded(path))
    if layout not in LAYOUTS:
        raise InputError(f"the layout is {layout!r}; expected one of {', '.join(LAYOUTS)}")
    suffixes = LAYOUTS[layout].suffixes
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path} does not end in {' or '.join(suffixes)}, which the layout {layout} is written to")
    if not suffixes and (path.suffix or path.is_file()):
        raise InputError(f"{path} is no folder, which the layout {layout} is written to; name a folder")
    return path
