"""DCRNN's ``adj_mx.pkl``: a pickled graph, read without running anything that the file names."""

from __future__ import annotations

import pickle
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stlora.data.readers.graph import Graph
from stlora.errors import InputError


def read(path: Path) -> Graph:
    """Read ``[sensor_ids, sensor_id_to_ind, adjacency]`` or a bare adjacency matrix.

    Python 2 wrote the published files, so text is decoded as latin-1.

    Raises:
        InputError: the file names anything but numpy arrays and plain containers, or holds something else.
    """
    try:
        content = _ArrayUnpickler(BytesIO(path.read_bytes()), encoding="latin1").load()
        if isinstance(content, _Array):
            return Graph(None, content.to_numpy())
        if isinstance(content, list | tuple) and len(content) == 3 and isinstance(content[2], _Array):
            return Graph(_ids(content[0]), content[2].to_numpy())
    except InputError:
        raise
    except Exception as error:  # damage surfaces as almost any exception
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"cannot be read as a pickled graph ({reason}); the file is damaged, get it again") from error
    raise InputError(
        f"holds a {type(content).__name__}; expected [sensor_ids, sensor_id_to_ind, adjacency] or a matrix"
    )


def _ids(names: Any) -> tuple[str, ...]:
    if isinstance(names, _Array):
        names = names.to_numpy().tolist()
    if not isinstance(names, list | tuple) or not all(isinstance(name, str | int) for name in names):
        raise InputError("the sensor ids of the graph are no list of names; expected a list of text or integers")
    return tuple(str(name) for name in names)


def _load_bytearray(unpickler: Any) -> None:
    """Read a byte array of no more than the file holds; the original allocates whatever size is declared."""
    size = int.from_bytes(unpickler.read(8), "little")
    content = unpickler.read(size)
    if len(content) != size:
        raise EOFError("the file ends early")
    unpickler.append(content)


class _ArrayUnpickler(pickle._Unpickler):
    """Builds plain containers, and a stand-in for every numpy object; no callable of the file's choice is run.

    The unpickler written in Python is used on purpose: the one in C allocates what damaged opcodes ask for.
    """

    dispatch = pickle._Unpickler.dispatch | {pickle.BYTEARRAY8[0]: _load_bytearray}

    def find_class(self, module: str, name: str, /) -> Any:
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _Callable(_reconstruct)
        if module in ("numpy.core.numeric", "numpy._core.numeric") and name == "_frombuffer":
            return _Callable(_from_buffer)
        if (module, name) == ("numpy", "dtype"):
            return _Callable(_Dtype)
        if (module, name) == ("numpy", "ndarray"):
            return "ndarray"  # only ever an argument
        if (module, name) == ("_codecs", "encode"):
            return _Callable(_encode)
        raise InputError(
            f"the pickle names {f'{module}.{name}'!r}, which is refused because a pickle can run any code; "
            "expected numpy arrays, lists and text only, save the matrix as .npy instead"
        )

    def persistent_load(self, pid: Any) -> Any:
        raise InputError("the pickle refers to objects outside the file; save the matrix as .npy instead")


class _Callable:
    """A function that a pickle may call and cannot change."""

    __slots__ = ("_function",)

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise InputError("the pickle tries to change a function, which is refused; save the matrix as .npy instead")


class _Dtype:
    """Stands in for ``numpy.dtype``: a number type and its byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        if not isinstance(code, str) or re.fullmatch(r"[<>|=]?(f[248]|[iu][1248]|b1)", code) is None:
            raise InputError(f"the pickle holds an array of type {code!r}; expected numbers")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stands in for ``numpy.ndarray``: keeps the state and checks it before numpy sees it."""

    state: tuple[Any, ...] | None = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def to_numpy(self) -> NDArray[Any]:
        if self.state is None:
            raise InputError("the pickle holds an array without content; the file is damaged, get it again")
        _, shape, kind, column_major, content = self.state
        raw = content.encode("latin1") if isinstance(content, str) else content
        if not isinstance(kind, _Dtype) or not isinstance(raw, bytes | bytearray):
            raise InputError("the pickle holds an array of objects; expected an array of numbers")
        return np.frombuffer(raw, dtype=kind.dtype).reshape(shape, order="F" if column_major else "C")


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.state = (1, shape, kind, order == "F", content)
    return array


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise InputError(f"the pickle encodes bytes as {encoding!r}; expected latin1")
    return text.encode("latin1")
