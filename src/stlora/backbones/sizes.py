"""The check that every backbone makes of its sizes."""

from __future__ import annotations

from stlora.errors import InputError


def check_sizes(backbone: str, **sizes: int) -> None:
    """Refuse a size below 1, which would give an empty forecast instead of an error.

    Raises:
        InputError: a size is below 1.

    Example:
        >>> check_sizes("lstm", horizon=0)
        Traceback (most recent call last):
        ...
        stlora.errors.InputError: lstm got horizon=0; expected 1 or more
    """
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"{backbone} got {name}={size}; expected 1 or more")
