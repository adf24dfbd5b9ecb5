"""Files written whole or not at all, and read without running anything that is in them."""

from __future__ import annotations

import json
import math
import os
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stlora.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then put it in place in one step.

    The content is on the disk before it gets its name, so that a power cut leaves the old file or the new one. What a
    process that was killed left of the same file is removed. The umask says who may read it, as of any new file.

    Args:
        path: of the file; its folder is made if need be.
        write: gets a path with the same ending, and must write to the file that is there.

    Raises:
        OSError: it cannot be written, for want of room perhaps.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent, path.name)
    with _named_in_errors(path):
        _write(path, write)


@contextmanager
def _named_in_errors(path: Path) -> Iterator[None]:
    """What cannot be written is the file, and not the temporary one or one that is not named."""
    try:
        yield
    except OSError as error:
        unnamed = error.filename is None or is_temporary(Path(os.fsdecode(error.filename)).name, path.name)
        if unnamed and error.errno is not None:  # without a number, the text is all there is
            error.filename = str(path)
        raise


def _write(path: Path, write: Callable[[Path], object]) -> None:
    temporary, handle = _temporary(path)
    try:
        write(temporary)
        os.fsync(handle)
        if sys.platform == "win32":  # an open file can be neither moved nor removed there
            os.close(handle)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        with suppress(OSError):
            os.close(handle)


_RANDOM = "abcdefghijklmnopqrstuvwxyz0123456789_"
_TEMPORARY = re.compile(rf"\.(?P<name>.+)\.[{_RANDOM}]{{8}}(?P<ending>\.[^.]+)?")


def _temporary(path: Path) -> tuple[Path, int]:
    """A new file and its handle, which is locked as long as this process lives: others can see that it is in use."""
    while True:
        mark = "".join(random.SystemRandom().choices(_RANDOM, k=8))
        temporary = path.with_name(f".{path.name}.{mark}{path.suffix}")
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        if _lock(handle) is not False and (sys.platform == "win32" or os.fstat(handle).st_nlink):
            return temporary, handle
        os.close(handle)  # taken for a leftover by another process before it was locked
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove the temporary files of :func:`write_atomically` whose process has ended without doing so.

    Args:
        folder: where they lie.
        name: of the file that they were to become; those of all files if None.
    """
    for path in list(folder.iterdir()):
        if is_temporary(path.name, name) and path.is_file() and not path.is_symlink() and _abandoned(path):
            path.unlink(missing_ok=True)


def is_temporary(name: str, of: str | None = None) -> bool:
    """Whether a file of this name is one that :func:`write_atomically` writes first.

    Args:
        name: of the file.
        of: what it is to become; anything if None.

    Example:
        >>> is_temporary(".config.yaml.abcd1234.yaml"), is_temporary(".config.yaml"), is_temporary(".a.b.abcd1234.c")
        (True, False, False)
    """
    found = _TEMPORARY.fullmatch(name)
    if found is None or Path(found["name"]).suffix != (found["ending"] or ""):
        return False
    return of is None or found["name"] == of


def _abandoned(path: Path) -> bool:
    """Whether no process writes the file any more; False where that cannot be told."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return _lock(handle) is True or sys.platform == "win32"
    finally:
        os.close(handle)


def _lock(handle: int) -> bool | None:
    """Lock an open file for this process: True if it is, False if another holds it, None where there are no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain JSON, whole or not at all; NaN becomes null, which every reader of JSON understands."""
    write_text(path, json_text(content) + "\n")


def json_text(content: Mapping[str, Any]) -> str:
    """Plain JSON, with null for NaN.

    Example:
        >>> print(json_text({"mae": float("nan")}))
        {
         "mae": null
        }
    """
    return json.dumps(_without_nan(content), indent=1, ensure_ascii=False, allow_nan=False)


def _without_nan(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(value) for value in content]
    if isinstance(content, float) and content != content:
        return None
    return content


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: the file is missing, is not what :func:`parse_json` takes, or is not an object.
    """
    try:
        content = parse_json(_text(path, _LARGEST_JSON))
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.name} in {path.parent}; is it a finished run folder?") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}); restore the file or run again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds a JSON {type(content).__name__}; expected an object")
    return content


def parse_json(text: str) -> Any:
    """The content of JSON, without what its readers disagree about.

    Raises:
        ValueError: it is no JSON, or has a key twice, NaN or infinity, an integer of more than 20 digits, or nesting
            more than 40 deep.

    Example:
        >>> parse_json('{"mae": 1, "mae": 2}')
        Traceback (most recent call last):
        ...
        ValueError: the key 'mae' stands there twice
    """
    try:
        content = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_number, parse_int=_integer, parse_float=_finite
        )
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    _check_depth(content)
    return content


_LARGEST_JSON, _LARGEST_YAML = 512 * 2**20, 2**18  # bytes; YAML is of options alone, and slow to read
_DEEPEST = 40
_TOO_DEEP = f"it is nested more than {_DEEPEST} deep"


def _text(path: Path, largest: int) -> str:
    """The text of a regular file, without a byte order mark."""
    check_regular(path)
    size = path.stat().st_size
    if size > largest:
        raise ValueError(f"it has {size:,} bytes; expected {largest:,} at most")
    return path.read_text(encoding="utf-8-sig")


def check_regular(path: Path) -> None:
    """Refuse a pipe, a socket or a device, which may never end, and a folder.

    Raises:
        OSError: the path leads to one of these.
    """
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a pipe, a socket or a device"
        raise OSError(f"it is {what} and no regular file")


def _once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return content


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _integer(text: str) -> int:
    if len(text) > 20:
        raise ValueError(f"an integer has {len(text)} digits; expected 20 at most")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is beyond the largest number")
    return number


def _check_depth(content: Any) -> None:
    """Level by level: what follows may use recursion."""
    level = [content]
    for _ in range(_DEEPEST):
        parts = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, (dict, list)))
        level = [item for part in parts for item in part if isinstance(item, (dict, list))]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping of what JSON can say, too.

    Raises:
        InputError: the file is missing, is not YAML, is not a mapping, refers to parts of itself, or is anything that
            :func:`parse_json` would refuse.
    """
    import yaml

    try:
        content = _parse_yaml(_text(path, _LARGEST_YAML))
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.name} in {path.parent}; is it a run folder?") from error
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read as YAML ({reason}); restore the file or delete the folder") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path} holds {'nothing' if content is None else type(content).__name__}; expected the options of a run: "
            "restore the file or delete the folder"
        )
    return content


def _parse_yaml(text: str) -> Any:
    import yaml

    class Plain(yaml.SafeLoader):
        """Neither references, which can stand for more than memory holds, nor a key twice."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("it refers to another part of itself")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            return _once(
                [(self.construct_object(key, True), self.construct_object(value, True)) for key, value in node.value]
            )

    try:
        content = yaml.load(text, Loader=Plain)  # noqa: S506 (a SafeLoader)
        return parse_json(json.dumps(content, allow_nan=False))
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors as safetensors, whole or not at all."""
    from safetensors.torch import save

    ready = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}  # may share memory
    content = save(ready, {"format": "pt", **(metadata or {})})  # its save_file has a temporary file of its own
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        InputError: the file is missing or is not a safetensors file.
    """
    from safetensors.torch import load_file

    with _readable(path):
        return load_file(path)


def read_metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of its tensors.

    Raises:
        InputError: the file is missing or is not a safetensors file.
    """
    from safetensors import safe_open

    with _readable(path), safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        check_regular(path)
        yield
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.name} in {path.parent}; is it a finished run folder?") from error
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a safetensors file ({error}); restore the file or run again") from error
