"""What BasicTS's descriptions tell beside the numbers: the null value, the interval and where the clock lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.errors import InputError

_CLOCK = ("time of day", "day of week")


def clock_positions(description: Any, count: int, fallback: tuple[int, ...]) -> tuple[int, ...]:
    """Where time of day and day of week lie among ``count`` channels that are described by name.

    Example:
        >>> clock_positions(["traffic flow", "time of day", "day of week"], 3, ())
        (1, 2)
    """
    if not isinstance(description, Sequence) or isinstance(description, str) or len(description) != count:
        return tuple(i for i in fallback if i < count)
    names = [str(name).strip().lower().replace("_", " ") for name in description]
    if _CLOCK[0] not in names:
        return ()
    return tuple(names.index(name) for name in _CLOCK if name in names)


def interval(description: dict[str, Any]) -> pd.Timedelta | None:
    """The entry ``frequency (minutes)``, where it is a number that makes an interval."""
    minutes = description.get("frequency (minutes)")
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes < 10**7:
        return None
    return pd.Timedelta(round(minutes * 60 * 10**9))


def mask_null(values: NDArray[np.float32], description: dict[str, Any]) -> tuple[bool, tuple[str, ...]]:
    """Make the declared null value NaN, in place; zero is left to the caller.

    Returns:
        Whether zero is the null value, and notes.

    Raises:
        InputError: the null value is no number.
    """
    settings = description.get("regular_settings")
    settings = settings if isinstance(settings, dict) else {}
    null = settings.get("NULL_VAL", settings.get("null_val"))
    if null is None:
        return False, ()
    if isinstance(null, bool) or not isinstance(null, int | float):
        raise InputError(f"declares the null value {null!r}; expected a number, or NaN for none")
    if not math.isfinite(null) or abs(null) > 3e38:
        return False, ()
    if null == 0:
        return True, ()
    equal = values == np.float32(null)
    values[equal] = np.nan
    return False, (f"{int(equal.sum())} values of {null:g}, which the description declares as null, are missing.",)
