"""The files of a catalogue entry, from whichever source still works or from the user's own hands."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from stlora.data.catalogue.checksum import check
from stlora.data.catalogue.entries import DataFile, Entry, look_up
from stlora.data.catalogue.muenster import assemble
from stlora.errors import InputError
from stlora.folders import LOCK, claimed
from stlora.paths import expanded
from stlora.progress import say

if TYPE_CHECKING:
    from requests import RequestException, Response

TIMEOUT = (10.0, 60.0)  # seconds to connect, and to wait for the next bytes
VALUE_BYTES, OTHER_BYTES = 64, 2**26  # a file may have so many for each value of its data set, and so many more
TRIES = 3  # of a source whose transfer broke off; each goes on where the last one ended


class _SourceError(Exception):
    """Why a source was of no use."""


class _TooLargeError(_SourceError):
    """What it sends is larger than the file can be."""


def folder_of(entry: Entry, root: str | Path | None = None) -> Path:
    """Where the files of a data set belong: a folder of its name in ``root`` or in the user's cache folder."""
    if root is None:
        import pooch

        root = pooch.os_cache("stlora")
    return Path(expanded(root)) / entry.name


def is_here(entry: Entry, root: str | Path | None = None) -> bool:
    """Whether the measurements of a data set are in their folder; always true of what is made when it is named."""
    return not entry.files or _present(entry.files[0], folder_of(entry, root)) is not None


def get(name: str, root: str | Path | None = None, *, show: bool = False) -> Path:
    """Make sure that the files of a data set are at hand; download those that are not.

    A file that is there already, downloaded before or put there by hand, is checked and kept. Otherwise its
    sources are tried in turn; a transfer that breaks off goes on where it ended, also in a later call. A file
    gets its name only when it is whole and its checksum agrees.

    Args:
        name: of the data set.
        root: the folder that holds data sets; the user's cache folder if None.
        show: whether to report on standard error.

    Returns:
        The folder of the data set, which ``load_series`` reads.

    Raises:
        InputError: no data set is called that, no source has the file any more, or a file is not the published
            one; says which other ways there are; or another process is getting it.
    """
    entry = look_up(name)
    folder = folder_of(entry, root)
    if not entry.files:
        raise InputError(f"{entry.name} has no files to get; it is made when it is named, as in --data {entry.name}")
    try:
        if folder.is_dir() and not _lock_of(folder).exists() and all(_present(file, folder) for file in entry.files):
            _complete(entry, folder, show)  # nothing is written, so that it may lie where nothing can be
        else:
            folder.mkdir(parents=True, exist_ok=True)  # it stays, for files that are put into it by hand
            with claimed(folder, _lock_of(folder)):
                _complete(entry, folder, show)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror or error}); name another --root") from error
    return folder


def _lock_of(folder: Path) -> Path:
    """Beside the folder, which holds nothing but what was downloaded: there while that goes on, or was cut off."""
    return folder.with_name(f".{folder.name}{LOCK}")


def _complete(entry: Entry, folder: Path, show: bool) -> None:
    for file in entry.files:
        _obtain(file, entry, folder, show)
    if entry.name == "muenster-bikes":
        assemble(folder)


def stored(entry: Entry) -> Path:
    """The folder of a data set in the user's cache folder.

    Raises:
        InputError: its files are not there.
    """
    folder = folder_of(entry)
    if _lock_of(folder).exists():
        raise InputError(f"{entry.name} is being downloaded, or was in part; run: stlora data get {entry.name}")
    if not is_here(entry):
        direct = f"run: stlora data get {entry.name}, or " if entry.files[0].urls else ""
        raise InputError(f"{entry.name} is not on this machine; {direct}{by_hand(entry)}")
    return folder


def by_hand(entry: Entry, root: str | Path | None = None) -> str:
    """What to do when nothing can be downloaded."""
    names = ", ".join(" or ".join((file.name, *file.instead)) for file in entry.files)
    return f"put {names} into {folder_of(entry, root)} by hand, from {' or '.join(entry.by_hand)}"


def _present(file: DataFile, folder: Path) -> Path | None:
    return next((folder / name for name in (file.name, *file.instead) if (folder / name).is_file()), None)


def _obtain(file: DataFile, entry: Entry, folder: Path, show: bool) -> None:
    path = folder / file.name
    found = _present(file, folder)
    if found is not None:
        _check_kept(found, file)
        return
    failures = []
    for url in file.urls:
        host = urlsplit(url).hostname or url
        if show:
            say(f"getting {file.name} from {host}")
        try:
            _download(url, file, path, largest(entry), show)
        except _SourceError as error:
            failures.append(f"{host} {error}")
        else:
            return
    if not failures:
        raise InputError(f"nobody offers {file.name} as a plain download; {by_hand(entry, folder.parent)}")
    raise InputError(
        f"{file.name} could not be downloaded ({'; '.join(failures)}); try again later, or "
        f"{by_hand(entry, folder.parent)}"
    )


def largest(entry: Entry) -> int:
    """How many bytes a file of a data set may have: several times what its values take in any layout."""
    return VALUE_BYTES * entry.nodes * entry.frames + OTHER_BYTES


def _check_kept(path: Path, file: DataFile) -> None:
    """Only a confirmed checksum can refuse a file of the user's."""
    if path.name != file.name or not file.checksums:
        return
    try:
        check(path, (*file.checksums, *file.quoted))
    except InputError as error:
        raise InputError(f"{path} {error}; remove it to download it again, or read it by its path") from error


def _download(url: str, file: DataFile, path: Path, limit: int, show: bool) -> None:
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    part = path.with_name(f".{path.name}.{mark}.part")
    resumed = part.exists()
    try:
        _transfer_patiently(url, part, limit, show)
        try:
            check(part, (*file.checksums, *file.quoted))
        except InputError:
            part.unlink()
            if not resumed:
                raise
            _transfer_patiently(url, part, limit, show)  # the two halves were of different files
            check(part, (*file.checksums, *file.quoted))
    except InputError as error:
        part.unlink(missing_ok=True)
        raise _SourceError(f"sent a wrong file, which was deleted: it {error}") from error
    os.replace(part, path)
    for other in path.parent.glob(f".{path.name}.*.part"):
        other.unlink()


def _transfer_patiently(url: str, part: Path, limit: int, show: bool) -> None:
    from requests import RequestException

    for attempt in range(1, TRIES + 1):
        before = part.stat().st_size if part.exists() else 0
        try:
            _transfer(url, part, limit, show)
            return
        except _TooLargeError:
            part.unlink()
            raise
        except RequestException as error:
            if error.response is not None and error.response.status_code == 416:  # nothing is left to send
                return
            after = part.stat().st_size
            if after == 0:
                part.unlink()
            if after <= before or attempt == TRIES:
                raise _SourceError(_reason(error)) from error


class _Limited:
    """A file that takes so many bytes and no more."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self.file, self.limit = file, limit
        self.flush = file.flush

    def check(self, more: int) -> None:
        if self.file.tell() + more > self.limit:
            raise _TooLargeError(f"sends more than the {self.limit / 2**20:.0f} MiB that the file may have")

    def write(self, chunk: bytes) -> None:
        self.check(len(chunk))
        self.file.write(chunk)


def _transfer(url: str, part: Path, limit: int, show: bool) -> None:
    """Append what is missing of a file."""
    import pooch

    with part.open("ab") as file:
        done, output = file.tell(), _Limited(file, limit)

        def restart_if_whole(response: Response, **_: object) -> None:
            if response.status_code == 200:  # the server sends the file from its beginning
                file.truncate(0)
            declared = response.headers.get("Content-Length", "")
            if response.ok:
                output.check(int(declared) if declared.isdecimal() else 0)

        # Offsets count bytes as they are stored, so the server may not compress them.
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={done}-"} if done else {})}
        download = pooch.HTTPDownloader(
            progressbar=show and sys.stderr.isatty(),
            timeout=TIMEOUT,
            headers=headers,
            hooks={"response": restart_if_whole},
        )
        download(url, output, None)


def _reason(error: RequestException) -> str:
    from requests import exceptions

    if isinstance(error, exceptions.TooManyRedirects):
        return "leads from address to address without end"
    if error.response is not None:
        return {403: "refuses (403)", 404: "no longer has it (404)"}.get(
            error.response.status_code, f"answered {error.response.status_code}"
        )
    if isinstance(error, (exceptions.InvalidSchema, exceptions.InvalidURL, exceptions.MissingSchema)):
        return "leads to an address that is not on the web"
    if isinstance(error, exceptions.SSLError):
        return "has no valid certificate"
    if isinstance(error, exceptions.ConnectTimeout):
        return "does not answer"
    if isinstance(error, exceptions.Timeout) or "Read timed out" in str(error):
        return f"sent nothing for {TIMEOUT[1]:g} s"
    if isinstance(error, exceptions.ChunkedEncodingError):
        return "broke off"
    return "cannot be reached"
