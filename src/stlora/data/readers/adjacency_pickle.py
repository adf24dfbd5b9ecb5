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

    Python 2 wrote the published files, so text is decoded as latin-1. Where each line end was changed to that of
    Windows, as when a file is sent as text, they are changed back.

    Raises:
        InputError: the file names anything but numpy arrays and plain containers, or holds something else.
    """
    raw = path.read_bytes()
    notes: tuple[str, ...] = ()
    ends = raw.count(b"\n")
    if ends == raw.count(b"\r\n") >= (4 if raw.startswith(b"\x80") else 1):  # by chance one in 256 each
        raw = raw.replace(b"\r\n", b"\n")
        notes = ("Its line ends had been changed to those of Windows; they were changed back.",)
    try:
        content = _ArrayUnpickler(BytesIO(raw), encoding="latin1").load()
        if isinstance(content, _Array):
            return Graph(None, content.to_numpy(), notes)
        if isinstance(content, list | tuple) and len(content) == 3 and isinstance(content[2], _Array):
            ids = _ids(content[0])
            _check_index(ids, content[1])
            return Graph(ids, content[2].to_numpy(), notes)
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
        names = names.to_list()
    if isinstance(names, list | tuple):
        ids = [_id(name) for name in names]
        if None not in ids:
            return tuple(name for name in ids if name is not None)
    raise InputError("the sensor ids of the graph are no list of names; expected a list of text or integers")


def _id(name: Any) -> str | None:
    if isinstance(name, bytes):
        return name.decode("latin1")
    if isinstance(name, float):
        return str(int(name)) if name.is_integer() else None
    return str(name) if isinstance(name, str | int) and not isinstance(name, bool) else None


def _check_index(ids: tuple[str, ...], index: Any) -> None:
    """Refuse a graph whose index gives a sensor another row than the list of ids does."""
    if not isinstance(index, dict):
        return
    rows = {_id(name): row for name, row in index.items()}
    for row, node in enumerate(ids):
        if isinstance(rows.get(node, row), int) and rows.get(node, row) != row:
            raise InputError(
                f"gives sensor {node!r} row {rows[node]} by its index and row {row} by its list of ids; "
                "which is right cannot be told, save the graph again"
            )


def _load_bytearray(unpickler: Any) -> None:
    """Read a byte array of no more than the file holds; the original allocates whatever size is declared."""
    size = int.from_bytes(unpickler.read(8), "little")
    content = unpickler.read(size)
    if len(content) != size:
        raise EOFError("the file ends early")
    unpickler.append(content)


def _checked(key: Any) -> Any:
    """A key of a dictionary; tuples within tuples could take for ever to hash."""
    if key is None or isinstance(key, str | bytes | int | float):
        return key
    raise InputError(f"the pickle has a dictionary with a key that is a {type(key).__name__}; expected sensor ids")


def _load_dict(unpickler: Any) -> None:
    items = unpickler.pop_mark()
    unpickler.append({_checked(items[i]): items[i + 1] for i in range(0, len(items), 2)})


def _load_setitem(unpickler: Any) -> None:
    value, key = unpickler.stack.pop(), unpickler.stack.pop()
    unpickler.stack[-1][_checked(key)] = value


def _load_setitems(unpickler: Any) -> None:
    items = unpickler.pop_mark()
    for i in range(0, len(items), 2):
        unpickler.stack[-1][_checked(items[i])] = items[i + 1]


def _load_set(unpickler: Any) -> None:
    raise InputError("the pickle holds a set; expected numpy arrays, lists and text only")


class _ArrayUnpickler(pickle._Unpickler):
    """Builds plain containers, and a stand-in for every numpy object; no callable of the file's choice is run.

    The unpickler written in Python is used on purpose: the one in C allocates what damaged opcodes ask for.
    """

    dispatch = pickle._Unpickler.dispatch | {
        pickle.BYTEARRAY8[0]: _load_bytearray,
        pickle.DICT[0]: _load_dict,
        pickle.SETITEM[0]: _load_setitem,
        pickle.SETITEMS[0]: _load_setitems,
        pickle.EMPTY_SET[0]: _load_set,
        pickle.ADDITEMS[0]: _load_set,
        pickle.FROZENSET[0]: _load_set,
    }

    def find_class(self, module: str, name: str, /) -> Any:
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _Callable(_reconstruct)
        if module in ("numpy.core.numeric", "numpy._core.numeric") and name == "_frombuffer":
            return _Callable(_from_buffer)
        if (module, name) == ("numpy", "dtype"):
            return _Callable(_Dtype)
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "scalar":
            return _Callable(_scalar)
        if (module, name) in (("numpy", "ndarray"), ("numpy", "matrix"), ("numpy.matrixlib.defmatrix", "matrix")):
            return "ndarray"  # only ever an argument
        if (module, name) == ("_codecs", "encode"):
            return _Callable(_encode)
        if (module, name) == ("collections", "OrderedDict"):
            return _Callable(_empty)
        if module.startswith("scipy.sparse"):
            raise InputError("is a pickled sparse matrix of scipy; save it with scipy.sparse.save_npz instead")
        raise InputError(
            f"the pickle names {f'{module}.{name}'[:100]!r}, which is refused because a pickle can run any code; "
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
    """Stands in for ``numpy.dtype``: a type of numbers, text or objects, and its byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        known = isinstance(code, str) and re.fullmatch(r"[<>|=]?(f[248]|[iu][1248]|b1|[SU]\d{1,4}|O8?)", code)
        if not known:
            found = repr(code[:20]) if isinstance(code, str) else type(code).__name__
            raise InputError(f"the pickle holds an array of type {found}; expected numbers")
        self.code = code
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
        """The numbers.

        Raises:
            InputError: the array holds anything else.
        """
        content = self._content()
        if not isinstance(content, np.ndarray) or content.dtype.kind not in "fiub":
            code = self.state[2].code if self.state and isinstance(self.state[2], _Dtype) else "object"
            raise InputError(f"the pickle holds an array of type {code!r}; expected numbers")
        return content

    def to_list(self) -> list[Any]:
        """The numbers, texts or objects of an array with one axis.

        Raises:
            InputError: the array holds anything else.
        """
        content = self._content()
        return content if isinstance(content, list) else list(content.tolist())

    def _content(self) -> NDArray[Any] | list[Any]:
        if self.state is None:
            raise InputError("the pickle holds an array without content; the file is damaged, get it again")
        _, shape, kind, column_major, content = self.state
        if isinstance(content, list) and isinstance(kind, _Dtype) and kind.dtype.kind == "O":
            return content
        raw = content.encode("latin1") if isinstance(content, str) else content
        if not isinstance(kind, _Dtype) or kind.dtype.kind == "O" or not isinstance(raw, bytes | bytearray):
            raise InputError("the pickle holds an array of objects; expected an array of numbers")
        return np.frombuffer(raw, dtype=kind.dtype).reshape(shape, order="F" if column_major else "C")


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.state = (1, shape, kind, order == "F", content)
    return array


def _scalar(kind: Any, content: Any) -> Any:
    """One number or text of numpy."""
    return _from_buffer(content, kind, (1,), "C").to_list()[0]


def _empty(*arguments: Any) -> dict[Any, Any]:
    if arguments:
        raise InputError("the pickle makes a dictionary of something else; expected numpy arrays, lists and text only")
    return {}


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise InputError("the pickle encodes bytes in another way than latin1; save the matrix as .npy instead")
    return text.encode("latin1")
