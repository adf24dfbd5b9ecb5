"""One file per format; each is recognised by what is in the file, not by its name alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stlora.data.readers import (
    agencies,
    basicts,
    basicts_dat,
    delimited,
    hdf,
    largest_npz,
    libcity,
    parquet,
    pems,
    tables,
    torch_mts,
)
from stlora.data.readers.table import Table
from stlora.errors import InputError, UnneededOptionError
from stlora.files import check_regular

__all__ = ["SERIES_READERS", "SeriesReader", "Table", "read_head", "read_table"]


def _always(_: object) -> bool:
    return True


def _never(_: object) -> bool:
    return False


@dataclass(frozen=True)
class SeriesReader:
    """A format that holds measurements.

    Attributes:
        name: what the format is called in messages.
        suffixes: the file names that claim this format.
        recognises: whether a file with these first bytes is of this format.
        read: reads a file; raises InputError for anything it cannot read whole.
        options: those of the options of :func:`read_table` that ``read`` takes.
        holds_series: whether a file of these suffixes holds a series rather than something that lies beside one.
        in_parts: whether these files of this format in a folder are parts of one table; ``read`` takes them all.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Path, bytes], bool]
    read: Callable[..., Table]
    options: tuple[str, ...] = ()
    holds_series: Callable[[Path], bool] = _always
    in_parts: Callable[[Sequence[Path]], bool] = _never


_UNDATED = ("start", "interval")
_TABLES = ("channel", "columns", "decimal", "day_first")


def _agency(name: str, recognises: Callable[[Path, bytes], bool], read: Callable[..., Table]) -> SeriesReader:
    def holds_series(path: Path) -> bool:
        try:
            return recognises(path, read_head(path))
        except InputError:
            return False

    suffixes = (".csv", ".txt", ".gz", ".parquet")
    return SeriesReader(name, suffixes, recognises, read, ("channel",), holds_series, _always)


# In the order in which a folder is searched; what is recognised more closely stands before what takes more.
SERIES_READERS = (
    SeriesReader("HDF5", (".h5", ".hdf5"), hdf.recognises, hdf.read, ("channel",)),
    SeriesReader("BasicTS", (".json",), basicts.recognises, basicts.read, _UNDATED, basicts.holds_series),
    SeriesReader(
        "BasicTS 0.5",
        (".json", ".dat"),
        basicts_dat.recognises,
        basicts_dat.read,
        _UNDATED,
        basicts_dat.holds_series,
    ),
    SeriesReader("LibCity", (".dyna",), libcity.recognises, libcity.read, ("channel",)),
    SeriesReader("LargeST npz", (".npz",), largest_npz.recognises, largest_npz.read, _UNDATED, pems.holds_series),
    SeriesReader("Torch-MTS npz", (".npz",), torch_mts.recognises, torch_mts.read, ("start",), pems.holds_series),
    SeriesReader("PEMS npz", (".npz",), pems.recognises, pems.read, ("channel", *_UNDATED), pems.holds_series),
    *(_agency(*layout) for layout in agencies.FORMATS),
    SeriesReader("Parquet", (".parquet",), parquet.recognises, tables.read_parquet, _TABLES, _always, tables.are_parts),
    SeriesReader(
        "CSV",
        (".csv", ".txt", ".gz"),
        delimited.recognises,
        tables.read_csv,
        _TABLES,
        tables.holds_series,
        tables.are_parts,
    ),
)

_UNPACK = "which is not read as it is; unpack it first"
_OTHERS = {
    b"BZh": f"compressed by bzip2, {_UNPACK}",
    b"\xfd7zXZ\0": f"compressed by xz, {_UNPACK}",
    b"\x28\xb5\x2f\xfd": f"compressed by zstd, {_UNPACK}",
    b"7z\xbc\xaf": f"a 7z archive, {_UNPACK}",
    b"Rar!": f"a RAR archive, {_UNPACK}",
    b"\xd0\xcf\x11\xe0": "an old workbook of Excel; save its sheet as CSV in UTF-8",
    b"ARROW1": "an Arrow or Feather file; write it as Parquet",
    b"CDF\x01": "a netCDF file; write a table as CSV or Parquet",
    b"MATLAB 5.0": "a file of MATLAB; save the matrix with numpy.save, or a table as CSV",
    b"version https://git-lfs": "a pointer of Git LFS in place of the data; get the file with git lfs pull",
}
_WEB_PAGE = (b"<!doctype", b"<html", b"<?xml")


def read_head(path: Path) -> bytes:
    """The first 4 KiB of a file that holds data of some kind.

    Raises:
        InputError: the file cannot be opened, is empty, a pipe or a device, or is of a kind that no reader reads: a web
            page saved under another name, a compressed file, a workbook.
    """
    try:
        check_regular(path)
        with path.open("rb") as file:
            head = file.read(4096) if path.stat().st_size else b""  # of the kernel's empty files some never end
    except OSError as error:
        raise InputError(f"cannot be opened ({error.strerror or error}); check the path and its permissions") from error
    if not head:
        raise InputError("is empty; expected data, get or export the file again")
    if head.lstrip().lower().startswith(_WEB_PAGE):
        raise InputError("is a web page, not data; the download went wrong, get the file again")
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise InputError(f"is {what}")
    return head


def read_table(path: Path, *others: Path, **options: Any) -> Table:
    """Read a file of measurements in any format of :data:`SERIES_READERS`.

    Args:
        path: the file.
        others: further parts of the same table.
        options: ``channel``, ``columns``, ``decimal``, ``day_first``, ``start`` and ``interval``, for the formats that
            need telling; None is not given.

    Raises:
        InputError: the format is unknown, is not the one its name claims or does not take an option, or the content
            cannot be used.
    """
    head = read_head(path)
    fitting = (reader for reader in SERIES_READERS if reader.recognises(path, head))
    found = next(fitting, None)
    if options.get("columns") is not None:  # a table is read as the user says, whoever may have published it
        found = next((reader for reader in (found, *fitting) if reader and "columns" in reader.options), found)
    claimed = [reader for reader in SERIES_READERS if path.suffix.lower() in reader.suffixes]
    if found is None and head.startswith(b"PK\x03\x04"):
        raise InputError(
            "is a zip archive or a workbook, which is no format read here; unpack it, or export the table as CSV"
        )
    if found is None:
        known = ", ".join(dict.fromkeys(reader.name for reader in SERIES_READERS))
        raise InputError(f"begins with {head[:8]!r}, which is no format read here; expected one of {known}")
    if claimed and found not in claimed:
        raise InputError(
            f"is called {path.suffix} but holds {found.name} or other data (it begins with {head[:8]!r}); "
            f"export it as {claimed[-1].name}, or name it {found.suffixes[0]} if that is what it is"
        )
    given = {name: value for name, value in options.items() if value is not None}
    refused = [name for name in given if name not in found.options]
    if refused:
        raise UnneededOptionError(
            refused[0], f"is {found.name}, which does not need {refused[0]}; leave out {refused[0]}"
        )
    return found.read(path, *others, **given)
