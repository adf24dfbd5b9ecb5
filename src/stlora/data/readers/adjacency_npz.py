"""Graphs in ``.npz``: what ``scipy.sparse.save_npz`` writes, or one matrix ``[N, N]`` of numpy."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from stlora.data.readers import numpy_file
from stlora.data.readers.graph import MAX_NODES, Graph
from stlora.errors import InputError

_PARTS = {
    "csr": ("indices", "indptr"),
    "csc": ("indices", "indptr"),
    "bsr": ("indices", "indptr"),
    "coo": ("row", "col"),
    "dia": ("offsets",),
}


def read(path: Path) -> Graph:
    """Read a graph from a ``.npz`` file.

    Raises:
        InputError: the file is damaged, or holds no matrix or several.
    """
    if zipfile.is_zipfile(path) and not any(name.endswith(".npy") for name in _members(path)):
        raise InputError("is a zip archive without arrays of numpy; save the matrix with numpy.save")
    found = numpy_file.outline(path)
    if {"format", "shape", "data"} <= set(found):
        return _sparse(path)
    square = [name for name, header in found.items() if len(header.shape) == 2 and len(set(header.shape)) == 1]
    if len(square) != 1:
        content = ", ".join(f"{name} {header.shape}" for name, header in list(found.items())[:5]) or "nothing"
        raise InputError(f"holds {content}; expected one matrix [N, N], or what scipy.sparse.save_npz writes")
    others = [name for name in found if name != square[0]]
    note = f"The array {square[0]} was read; the file also holds {', '.join(others[:5])}."
    return Graph(None, numpy_file.read_npz(path, square[0]), (note,) if others else ())


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return [".npy"]  # the reader says what is wrong


def _sparse(path: Path) -> Graph:
    from scipy import sparse

    kind = numpy_file.read_word(path, "format")
    parts = {name: numpy_file.read_npz(path, name) for name in ("shape", "data", *_PARTS.get(kind, ()))}
    shape = tuple(int(size) for size in parts["shape"].reshape(-1)[:3])
    if kind not in _PARTS or len(shape) != 2 or shape[0] != shape[1] or not 0 < shape[0] <= MAX_NODES:
        raise InputError(
            f"holds a sparse matrix of the format {kind[:10]!r} and shape {shape}; expected [N, N] as "
            f"{', '.join(_PARTS)}, N at most {MAX_NODES}"
        )
    numbers = parts["data"].astype(np.float64)
    indices = [parts[name] for name in _PARTS[kind]]
    try:
        if any(part.dtype.kind not in "iu" for part in indices):
            raise ValueError("an index is no whole number")
        first = (indices[0], indices[1]) if kind == "coo" else indices[0]
        content = (numbers, first) if kind in ("coo", "dia") else (numbers, *indices)
        matrix = getattr(sparse, f"{kind}_array")(content, shape=shape)
        if kind in ("csr", "csc", "bsr"):
            matrix.check_format(full_check=True)
        return Graph(None, matrix.toarray())
    except InputError:
        raise
    except Exception as error:  # scipy answers damage with almost any exception
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"holds a sparse matrix that does not fit together ({reason}); save it again") from error
