"""Whether a file is the one that was published."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

from stlora.errors import InputError

_CHUNK = 1 << 20


def check(path: Path, checksums: Sequence[str]) -> None:
    """Compare a file with the checksums of its published copies.

    Args:
        path: the file.
        checksums: ``algorithm:hexadecimal``; one that agrees is enough, and none at all is no check.

    Raises:
        InputError: none agrees.
    """
    found = ""
    for checksum in checksums:
        algorithm, _, expected = checksum.partition(":")
        digest = _digest(path, algorithm)
        if digest == expected:
            return
        found = found or f"has {algorithm} {digest}, expected {expected}"
    if found:
        raise InputError(f"{found}; it is damaged or another file{_looks_like(path)}")


def _digest(path: Path, algorithm: str) -> str:
    if algorithm == "git-tree":
        return _zip_tree(path)
    if algorithm == "git":
        return _blob(path)
    import pooch

    return str(pooch.file_hash(str(path), alg=algorithm))


def _blob(path: Path) -> str:
    """The id under which git stores a file."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _zip_tree(path: Path) -> str:
    """The git tree id of what an archive's one top folder holds; archives of one commit differ in their bytes."""
    tree: dict[str, dict[str, bytes]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                folder, _, name = info.filename.partition("/")[2].rpartition("/")
                if name:
                    content = archive.read(info)
                    tree.setdefault(folder, {})[name] = hashlib.sha1(b"blob %d\0" % len(content) + content).digest()
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, NotImplementedError, EOFError):
        return "of no readable archive"
    files = [(name, b"100644 " + name.encode() + b"\0" + blob) for name, blob in tree.pop("", {}).items()]
    for folder, blobs in tree.items():  # the archives here have one level of folders
        inner = b"".join(b"100644 " + name.encode() + b"\0" + blobs[name] for name in sorted(blobs))
        files.append((folder + "/", b"40000 " + folder.encode() + b"\0" + _object(inner)))  # git sorts by this slash
    return _object(b"".join(line for _, line in sorted(files))).hex()


def _object(content: bytes) -> bytes:
    return hashlib.sha1(b"tree %d\0" % len(content) + content).digest()


def _looks_like(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(512).lstrip().lower()
    return " (it is a web page)" if head.startswith((b"<!doctype", b"<html")) else ""
