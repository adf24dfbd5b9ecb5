"""Lists of names, as options give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stlora.errors import InputError


def names(given: str | int | Sequence[Any]) -> list[str]:
    """A list of names from a list, or from text with commas.

    Raises:
        InputError: there is none, or one twice.

    Example:
        >>> names("lstm, stgcn")
        ['lstm', 'stgcn']
    """
    parts = str(given).split(",") if isinstance(given, (str, int)) else [str(item) for item in given]
    found = [part.strip() for part in parts if part.strip()]
    if not found or len(set(found)) != len(found):
        raise InputError(f"got {given!r}; expected one or more different names, separated by commas")
    return found
