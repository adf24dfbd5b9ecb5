"""The streams of the process, and what the system says of files and disks, in one line."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress

_ADVICE = {
    errno.ENOSPC: "no room is left on the disk; make room or write to another disk, and give the same command again",
    errno.EDQUOT: "your share of the disk (quota) is used up; make room or write to another disk, and give the same "
    "command again",
    errno.EFBIG: "the file would be larger than files may be here (see ulimit -f); raise the limit, and give the same "
    "command again",
    errno.EROFS: "nothing can be written there; choose another folder",
    errno.EMFILE: "too many files are open (see ulimit -n); raise the limit, and give the same command again",
    errno.EIO: "the disk or the network to it fails; check it, and give the same command again",
}


def prepare_streams() -> None:
    """Make sure that there is somewhere to print to, and that every letter can be printed.

    A stream that the caller closed (``2>&-``) leaves its number free, and the next file that is opened would get it:
    what a library prints would go into that file. What a terminal has no letter for is printed as its code.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
        setattr(sys, name, open(os.devnull, "r" if number == 0 else "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def leave_stdout() -> None:
    """Let what is still to be printed go nowhere, so that the end of the process does not fail on it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def reason_of(error: OSError) -> str:
    """What failed at which file, and what to do, in one line.

    Example:
        >>> reason_of(OSError(2, "No such file or directory", "net.csv"))
        'net.csv: No such file or directory; check the path, the room on its disk and who may write'
        >>> reason_of(OSError("3 requested and 2 written")).partition(";")[0]
        'a file cannot be read or written (3 requested and 2 written)'
    """
    told = " ".join(str(error.strerror or error).split())
    advice = _ADVICE.get(error.errno or 0)
    where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    if advice is not None:
        return where + advice
    if where:
        return f"{where}{told}; check the path, the room on its disk and who may write"
    return f"a file cannot be read or written ({told}); check the disk, its free room and who may write"
