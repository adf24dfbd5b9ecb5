"""One file per format; each is recognised by what is in the file, not by its name alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stlora.data.readers import hdf, wide_csv, wide_parquet
from stlora.data.readers.table import Table
from stlora.errors import InputError

__all__ = ["SERIES_READERS", "SeriesReader", "Table", "read_head", "read_table"]


@dataclass(frozen=True)
class SeriesReader:
    """A format that holds measurements.

    Attributes:
        name: what the format is called in messages.
        suffixes: the file names that claim this format.
        recognises: whether the first bytes of a file are of this format.
        read: reads a file; raises InputError for anything it cannot read whole.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[Path], Table]


# In the order in which a folder is searched. CSV stands last: it takes any text.
SERIES_READERS = (
    SeriesReader("HDF5", (".h5", ".hdf5"), hdf.recognises, hdf.read),
    SeriesReader("Parquet", (".parquet",), wide_parquet.recognises, wide_parquet.read),
    SeriesReader("CSV", (".csv", ".txt"), wide_csv.recognises, wide_csv.read),
)

_WEB_PAGE = (b"<!doctype", b"<html", b"<?xml")


def read_head(path: Path) -> bytes:
    """The first 4 KiB of a file that holds data of some kind.

    Raises:
        InputError: the file cannot be opened, is empty, or is a web page saved under another name.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise InputError(f"cannot be opened ({error.strerror}); check the path and its permissions") from error
    if not head:
        raise InputError("is empty; expected data, get or export the file again")
    if head.lstrip().lower().startswith(_WEB_PAGE):
        raise InputError("is a web page, not data; the download went wrong, get the file again")
    return head


def read_table(path: Path) -> Table:
    """Read a file of measurements in any format of :data:`SERIES_READERS`.

    Raises:
        InputError: the format is unknown or is not the one its name claims, or the content cannot be used.
    """
    head = read_head(path)
    found = next((reader for reader in SERIES_READERS if reader.recognises(head)), None)
    claimed = next((reader for reader in SERIES_READERS if path.suffix.lower() in reader.suffixes), None)
    known = ", ".join(reader.name for reader in SERIES_READERS)
    if found is None:
        raise InputError(f"begins with {head[:8]!r}, which is no format read here; expected one of {known}")
    if claimed is not None and claimed is not found:
        raise InputError(
            f"is called {path.suffix} but holds {found.name} or other data (it begins with {head[:8]!r}); "
            f"export it as {claimed.name}, or name it {found.suffixes[0]} if that is what it is"
        )
    return found.read(path)
