"""Small JSON files that describe data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stlora.errors import InputError

_MAX_SIZE = 16 << 20


def read(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: the file is missing, too large to be a description, no JSON, or no object.
    """
    try:
        if path.stat().st_size > _MAX_SIZE:
            raise InputError(f"{path.name} is larger than 16 MB; expected a short description of the data")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path.name} cannot be read as JSON ({reason}); get it again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path.name} holds a JSON {type(content).__name__}; expected an object")
    return content


def peek(path: Path) -> dict[str, Any]:
    """The JSON object of a file, or an empty one if there is none, so that it can be asked of any file."""
    try:
        return read(path)
    except InputError:
        return {}
