"""Arrays in ``.npy`` and ``.npz`` files, read without evaluating a header and without trusting a declared size."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from stlora.errors import InputError

NPY_MAGIC, NPZ_MAGIC = b"\x93NUMPY", b"PK\x03\x04"
MAX_EXPANSION, FREE_SIZE = 200, 64 << 20  # what no measurement reaches: 200 bytes of numbers from one in the file
_BLOCK = 16 << 20
_MAX_HEADER, _MAX_ARRAYS = 1 << 16, 1000
_HEADER = re.compile(
    r"\{'descr': ?'(?P<kind>[<>|=]?[a-zA-Z]\d*)', ?'fortran_order': ?(?P<fortran>True|False), ?"
    r"'shape': ?\((?P<shape>(?:\d{1,18}L?(?:, ?\d{1,18}L?)*,?)?)\),? ?\}\s*"
)


@dataclass(frozen=True)
class Header:
    """What an array declares.

    Attributes:
        shape: of the array.
        dtype: of its numbers.
        fortran: whether the first axis varies fastest.
        offset: where the numbers begin.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers."""
        return prod(self.shape) * self.dtype.itemsize


def read_npy(path: Path) -> NDArray[Any]:
    """Read the one array of a ``.npy`` file.

    Raises:
        InputError: the file is damaged, holds anything but numbers, or is not as long as it declares.
    """
    with _readable("a numpy array"), path.open("rb") as file:
        header = _numbers(_header(file))
        _check_size(header, path.stat().st_size, "the file")
        return _shaped(file.read(header.nbytes), header, header.shape)


def outline(path: Path) -> dict[str, Header]:
    """What the arrays of a ``.npz`` file declare, by name; the numbers stay in the file.

    Raises:
        InputError: the file is damaged, or holds anything but arrays.
    """
    with _readable("a numpy archive"), zipfile.ZipFile(path) as archive:
        found: dict[str, Header] = {}
        if len(archive.infolist()) > _MAX_ARRAYS:
            raise InputError(f"holds {len(archive.infolist())} arrays; expected {_MAX_ARRAYS} at most")
        for info in archive.infolist():
            _check_packing(info)
            with archive.open(info) as file:
                found[info.filename.removesuffix(".npy")] = _header(file)
        return found


def blocks(path: Path, key: str) -> Iterator[NDArray[Any]]:
    """The array ``key`` of a ``.npz`` file in blocks of rows, so that one block is in memory at a time.

    Raises:
        InputError: the file is damaged, or the array is not as long as it declares or would unpack to far more
            than measurements do.
    """
    with _readable("a numpy archive"), zipfile.ZipFile(path) as archive:
        info = archive.getinfo(f"{key}.npy")
        _check_packing(info)
        packed = min(info.compress_size, path.stat().st_size)
        if info.file_size > max(FREE_SIZE, MAX_EXPANSION * packed):
            raise InputError(
                f"unpacks {packed} bytes to {info.file_size}, which no measurements do; get the file again"
            )
        with archive.open(info) as file:
            header = _numbers(_header(file))
            _check_size(header, info.file_size, f"{key!r}")
            yield from _blocks(file, header)


def read_npz(path: Path, key: str) -> NDArray[Any]:
    """Read the whole array ``key`` of a ``.npz`` file.

    Raises:
        InputError: as for :func:`blocks`.
    """
    parts = list(blocks(path, key))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def read_word(path: Path, key: str) -> str:
    """The one short text in the array ``key`` of a ``.npz`` file.

    Raises:
        InputError: the file is damaged, or the array holds something else.
    """
    with _readable("a numpy archive"), zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as file:
        header = _header(file)
        if header.dtype.kind not in "SU" or header.shape not in ((), (1,)):
            raise InputError(f"holds {key} of type {header.dtype} and shape {header.shape[:5]}; expected one word")
        raw = file.read(header.nbytes)
        _check_size(header, header.offset + len(raw), repr(key))
        word = np.frombuffer(raw, dtype=header.dtype)[0]
        return word.decode("ascii", errors="replace") if isinstance(word, bytes) else str(word)


def _check_packing(info: zipfile.ZipInfo) -> None:
    """Only what numpy writes is unpacked: others ask for memory before a byte is read."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError("is packed by another method than numpy's; save it again with numpy.savez_compressed")


def _blocks(file: IO[bytes], header: Header) -> Iterator[NDArray[Any]]:
    if header.fortran or not header.shape or not header.nbytes:
        yield _shaped(file.read(header.nbytes), header, header.shape)
    else:
        rows, row = header.shape[0], header.nbytes // header.shape[0]
        step = max(1, _BLOCK // row)
        for start in range(0, rows, step):
            shape = (min(step, rows - start), *header.shape[1:])
            yield _shaped(file.read(shape[0] * row), header, shape)
    file.read(1)  # the end of the member, where its checksum is compared


def _shaped(raw: bytes, header: Header, shape: tuple[int, ...]) -> NDArray[Any]:
    return np.frombuffer(raw, dtype=header.dtype).reshape(shape, order="F" if header.fortran else "C")


def _header(file: IO[bytes]) -> Header:
    start = file.read(8)
    if len(start) < 8 or not start.startswith(NPY_MAGIC):
        raise InputError(f"holds {start[:8]!r} where a numpy array should begin; save it again with numpy.save")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    text = file.read(min(length, _MAX_HEADER)).decode("latin-1")
    match = _HEADER.fullmatch(text)
    if match is None or len(text) != length:
        raise InputError(f"declares an array as {text[:60]!r}, which numpy does not write; save it with numpy.save")
    if re.fullmatch(r"[<>|=]?(f[248]|[iu][1248]|b1|[SU]\d{1,4}|O)", match["kind"]) is None:
        raise InputError(f"holds an array of type {match['kind']!r}; expected numbers")
    shape = tuple(int(size) for size in re.findall(r"\d+", match["shape"]))
    return Header(shape, np.dtype(match["kind"]), match["fortran"] == "True", 8 + width + length)


def _numbers(header: Header) -> Header:
    if header.dtype.kind in "SUO":
        raise InputError(f"holds an array of type {header.dtype.str!r}; expected numbers")
    return header


def _check_size(header: Header, size: int, what: str) -> None:
    if header.nbytes != size - header.offset:
        raise InputError(
            f"declares an array of shape {header.shape}, {header.nbytes} bytes, and {what} holds "
            f"{size - header.offset}; the file is cut short or damaged, get it again"
        )


@contextmanager
def _readable(what: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # damage surfaces as almost any exception
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"cannot be read as {what} ({reason}); the file is damaged, get it again") from error
