"""The column names of a data frame that pandas wrote to HDF5: text, numbers, categories, several levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from stlora.data.readers import hdf_objects
from stlora.errors import InputError

Key = tuple[str, ...]  # the name of a column in each level
_WAY_OUT = "write them as text, columns.astype(str)"


def read_keys(group: h5py.Group, name: str) -> list[Key]:
    """The names of the columns in the array or arrays called ``name``, in each level.

    Raises:
        InputError: the names are dates, objects or missing, or the file is damaged.
    """
    if text_of(group.attrs.get(f"{name}_variety", "regular")) != "multi":
        return [(label,) for label in _labels(group, name)]
    levels = []
    for level in range(int(group.attrs[f"{name}_nlevels"])):
        labels = _labels(group, f"{name}_level{level}")
        levels.append(_pick(labels, hdf_objects.array(group, f"{name}_label{level}")[()]))
    return list(zip(*levels, strict=True))


def choose_columns(keys: Sequence[Key], channel: str | None) -> tuple[list[Key], tuple[str, ...], tuple[str, ...]]:
    """The columns of one measurement, a name for each, and notes.

    Args:
        keys: the names of all columns.
        channel: a name in one of their levels; that level is left out.

    Raises:
        InputError: no level or several levels tell the sensors apart, or none has the name ``channel``.

    Example:
        >>> choose_columns([("7", "flow"), ("7", "speed"), ("8", "flow"), ("8", "speed")], "flow")[1]
        ('7', '8')
    """
    levels = [list(dict.fromkeys(names)) for names in zip(*keys, strict=True)]
    notes: tuple[str, ...] = ()
    if channel is not None:
        holding = [i for i, names in enumerate(levels) if channel in names]
        if len(levels) < 2 or len(holding) != 1:
            raise InputError(f"has no channel {channel!r} in one level of its columns; leave out channel")
        keys = [key for key in keys if key[holding[0]] == channel]
        others = [name for name in levels[holding[0]] if name != channel]
        notes = (f"The columns {channel} were read; the file also holds {', '.join(others[:5]) or 'no others'}.",)
        levels = [list(dict.fromkeys(names)) for names in zip(*keys, strict=True)]
    telling = [i for i, names in enumerate(levels) if len(names) > 1] or [0]
    if len(telling) > 1:
        fewest = min(telling, key=lambda i: len(levels[i]))
        names = ", ".join(map(repr, levels[fewest][:5]))
        raise InputError(
            f"has columns of {len(levels)} levels, such as {keys[0]}; expected one level, of sensors: choose a channel "
            f"({names}), or write one level alone"
        )
    if channel is None and len(levels) > 1:
        same = ", ".join(names[0] for i, names in enumerate(levels) if i != telling[0])
        notes = (f"The columns have {len(levels)} levels; all agree in {same}, which was left out.",)
    return list(keys), tuple(key[telling[0]] for key in keys), notes


def _labels(group: h5py.Group, name: str) -> list[str]:
    axis = hdf_objects.array(group, name)
    kind = text_of(axis.attrs.get("kind", ""))
    names: NDArray[Any] = axis[()]
    if names.ndim != 1:
        raise InputError(f"column names have shape {names.shape}; the file is damaged, get it again")
    if kind == "category":
        return _pick(_labels(group, f"{name}_categories"), names)
    if kind.startswith("date") or "time" in kind:
        raise InputError("the columns are dates; expected sensors, with time running down: transpose the frame")
    if names.dtype.kind == "S":
        return [label.decode("utf-8") for label in names]
    if names.dtype.kind in "iu":
        return [str(label) for label in names]
    if names.dtype.kind == "f" and np.isfinite(names).all():
        return [str(int(label)) if label.is_integer() else str(label) for label in names.tolist()]
    raise InputError(
        f"sensor names are of kind {(kind or str(names.dtype))[:40]!r}; expected text or integers, {_WAY_OUT}"
    )


def _pick(labels: list[str], codes: NDArray[Any]) -> list[str]:
    if codes.dtype.kind not in "iu" or codes.ndim != 1 or not ((codes >= 0) & (codes < len(labels))).all():
        raise InputError(f"some columns have no name; {_WAY_OUT}")
    return [labels[code] for code in codes]


def text_of(attribute: object) -> str:
    """What a text attribute says."""
    return attribute.decode("utf-8") if isinstance(attribute, bytes) else str(attribute)
