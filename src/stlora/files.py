"""Files written whole or not at all, and read without running anything that is in them."""

from __future__ import annotations

import json
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
        InputError: the file is missing, is not JSON, or is not an object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.name} in {path.parent}; is it a finished run folder?") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}); restore the file or run again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds a JSON {type(content).__name__}; expected an object")
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        InputError: the file is missing, is not YAML, or is not a mapping.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.name} in {path.parent}; is it a run folder?") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read as YAML ({reason}); restore the file or delete the folder") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path} holds {'nothing' if content is None else type(content).__name__}; expected the options of a run: "
            "restore the file or delete the folder"
        )
    return content


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
        yield
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.name} in {path.parent}; is it a finished run folder?") from error
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a safetensors file ({error}); restore the file or run again") from error
