"""Folders that one process at a time writes to."""

from __future__ import annotations

import errno
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from stlora.errors import InputError
from stlora.files import is_temporary, remove_leftovers

LOCK = ".stlora.lock"  # in a folder while a process writes to it, or after that process was killed
PARTIAL = ".stlora.partial"  # in a folder that is being filled: what is to be its content
_PATIENCE = 2.0  # seconds: the workers of a comparison that was killed a moment ago are about to end
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def claimed(folder: str | Path, lock_file: Path | None = None) -> Iterator[Path]:
    """Hold a folder for this process, as long as the block lasts.

    The system lets go of it when the process ends, however it ends. What a process that was killed left half-written
    in the folder and below it is removed first. A folder that was made for this and is empty afterwards is removed.

    Args:
        folder: made if it is not there.
        lock_file: what says that it is held; a file in it if None.

    Raises:
        InputError: another process holds it, or it is a file.

    Example:
        >>> from tempfile import mkdtemp
        >>> with claimed(mkdtemp() + "/new") as folder:
        ...     sorted(path.name for path in folder.iterdir())
        ['.stlora.lock']
        >>> folder.exists()
        False
    """
    from filelock import FileLock, Timeout

    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; choose another --out")
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    lock_file = lock_file or folder / LOCK
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        raise InputError(
            f"another process is writing to {folder}; wait until it has ended, or choose another folder"
        ) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        warnings.warn(f"{folder} lies where files cannot be locked; let no other process write to it", stacklevel=3)
    try:
        _remove_leftovers(folder)
        yield folder
    finally:
        with suppress(OSError):
            lock_file.unlink()
        lock.release()
        for path in missing:
            with suppress(OSError):  # it is not empty: something was written
                path.rmdir()


@contextmanager
def filled(folder: str | Path, replaced: Sequence[str] = ()) -> Iterator[Path]:
    """Fill a folder in one step: a block writes into a folder within it, whose content is put in place at its end.

    What a process that was killed while it filled the folder has left is removed first.

    Args:
        folder: made if it is not there.
        replaced: patterns of files below the folder; one that holds nothing else is emptied when all is written.

    Raises:
        InputError: another process holds the folder, it is a file, or other files are in it.
    """
    with claimed(folder) as place:
        partial = place / PARTIAL
        inner = partial / place.resolve().name  # some layouts name their files after the folder
        if partial.exists():
            _empty(place)
        elif not is_empty(place) and not _holds_only(place, replaced):
            raise InputError(f"{place} is not an empty folder; choose another or delete it")
        inner.mkdir(parents=True)
        try:
            yield inner
        except BaseException:
            shutil.rmtree(partial)
            raise
        _empty(place, but=PARTIAL)
        for path in sorted(inner.iterdir(), key=lambda path: path.stat().st_mtime_ns):  # as they were written
            path.rename(place / path.name)
        shutil.rmtree(partial)


def _holds_only(folder: Path, patterns: Sequence[str]) -> bool:
    expected = {path for pattern in patterns for path in folder.glob(pattern)} | {folder / LOCK}
    return all(path in expected for path in folder.rglob("*") if not path.is_dir())


def _empty(folder: Path, but: str = "") -> None:
    """Remove all but the lock, and the mark of what is not whole last, so that this too can be gone on with."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == PARTIAL):
        if path.name in (LOCK, but):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def check_filled(folder: Path) -> None:
    """Refuse to read a folder that was not filled to the end.

    Raises:
        InputError: it was not.
    """
    if (folder / PARTIAL).exists():
        raise InputError(f"{folder} is being written, or was in part; give the command that writes it again")


def is_empty(folder: Path) -> bool:
    """Whether there is nothing in a folder but what this library needs while it writes."""
    return all(path.name in (LOCK, PARTIAL) or is_temporary(path.name) for path in folder.iterdir())


def _remove_leftovers(folder: Path) -> None:
    """Of processes that were killed, here and in the folders below."""
    from filelock import FileLock, Timeout

    remove_leftovers(folder)
    for below in [path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()]:
        remove_leftovers(below)
        if (below / LOCK).exists():
            with suppress(Timeout, OSError), FileLock(below / LOCK, timeout=0):
                (below / LOCK).unlink()
