"""Files written whole or not at all, and read without running anything that is in them."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stlora.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then put it in place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
    _check_regular(path)
    size = path.stat().st_size
    if size > largest:
        raise ValueError(f"it has {size:,} bytes; expected {largest:,} at most")
    return path.read_text(encoding="utf-8-sig")


def _check_regular(path: Path) -> None:
    """Refuse a pipe or a device, which may never end."""
    if path.exists() and not path.is_file():
        raise OSError("it is no regular file")


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
    from safetensors.torch import save_file

    ready = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}  # may share memory
    write_atomically(path, lambda temporary: save_file(ready, temporary, {"format": "pt", **(metadata or {})}))


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
        _check_regular(path)
        yield
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.name} in {path.parent}; is it a finished run folder?") from error
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a safetensors file ({error}); restore the file or run again") from error
