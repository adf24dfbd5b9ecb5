"""What every reader of a series returns: the rows as they stand in the file."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers.graph import Graph
from stlora.errors import InputError

_FIRST, _LOST = 512, 0.01  # rows that tell how large steps are; a share of a step that may be lost


@dataclass(frozen=True, eq=False)
class GraphFile:
    """The graph that belongs to a series by its layout.

    Attributes:
        path: the file it lies in.
        read: reads it, when it is wanted.
    """

    path: Path
    read: Callable[[], Graph]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of measurements in file order; the time axis is not yet regular.

    Attributes:
        values: ``[T, N]`` float32 in physical units, NaN where a cell is empty.
        time: the T time stamps without time zone, in any order.
        node_ids: the N column names.
        notes: what was assumed while reading, a sentence each.
        unit: of the values, where the layout tells.
        zero_is_missing: whether a zero stands for a missing value in this layout.
        looks_beside: whether ``adj*.pkl`` and ``*location*.csv`` that lie beside the file belong to it.
        graph: the graph that belongs to it by another rule of its layout.
        day_first: whether days stand before months in its time stamps, where months may stand before days.
        coordinates: ``[N, 2]`` latitude and longitude in degrees, where the layout holds them.
    """

    values: NDArray[np.float32]
    time: pd.DatetimeIndex
    node_ids: tuple[str, ...]
    notes: tuple[str, ...] = ()
    unit: str = ""
    zero_is_missing: bool = False
    looks_beside: bool = False
    graph: GraphFile | None = None
    coordinates: NDArray[np.float64] | None = None
    day_first: bool | None = None


def make_table(
    values: NDArray[np.floating[Any]],
    time: pd.DatetimeIndex,
    node_ids: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> Table:
    """A :class:`Table` of these attributes, checked; what else the layout tells is added with ``replace``.

    Raises:
        InputError: no rows, no sensors, a repeated name, or a value that is infinite or beyond float32.
    """
    if 0 in values.shape:
        raise InputError(f"holds {values.shape[0]} rows of {values.shape[1]} sensors; expected at least one of each")
    twice = [node for node, count in Counter(node_ids).items() if count > 1]
    if twice:
        raise InputError(f"column {twice[0]!r} appears more than once; give every sensor its own name")
    with np.errstate(over="ignore"):
        single = values.astype(np.float32, copy=False)
    infinite = np.isinf(single)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise InputError(
            f"column {node_ids[column]!r}, row {row + 1} holds {values[row, column]}; "
            "expected a finite number below 3.4e38, or an empty cell where nothing was measured"
        )
    if values.dtype.itemsize > single.dtype.itemsize:
        notes += lost_steps(single, node_ids, lambda column: values[:, column])
    return Table(single, time, node_ids, notes)


def lost_steps(
    single: NDArray[np.float32], node_ids: tuple[str, ...], exact: Callable[[int], NDArray[Any]]
) -> tuple[str, ...]:
    """A note on sensors whose steps float32 does not hold: it has 24 bits, and readings of meters may take more.

    Args:
        single: ``[T, N]`` as they are kept.
        node_ids: of the columns.
        exact: the values of a column as they were given.

    Example:
        >>> given = 2.0**24 + np.arange(4)[:, None]
        >>> lost_steps(given.astype(np.float32), ("a",), lambda column: given[:, column])[0].partition(";")[0]
        "Sensor 'a' changes by 1 from row to row, and float32 holds it to 1"
    """
    found = []
    with warnings.catch_warnings(), np.errstate(invalid="ignore", over="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without a step has no median
        top = np.fmax.reduce(np.abs(single), axis=0)
        steps = np.abs(np.diff(single[:_FIRST], axis=0))
        usual = np.nanmedian(np.where(steps > 0, steps, np.nan), axis=0)
        suspect = ~(np.spacing(top) / 2 < _LOST * usual) & (top > 0)
        for column in np.flatnonzero(suspect):
            given = np.asarray(exact(int(column)), dtype=np.float64)
            error = np.nanmax(np.abs(given - single[:, column]))
            changes = np.abs(np.diff(given[~np.isnan(given)]))
            step = float(np.median(changes[changes > 0])) if (changes > 0).any() else np.inf
            if error > _LOST * step:
                found.append((node_ids[column], step, float(error)))
    if not found:
        return ()
    node, step, error = found[0]
    return (
        f"Sensor {node!r} changes by {step:.3g} from row to row, and float32 holds it to {error:.3g}"
        + (f" (and {len(found) - 1} others likewise)" if len(found) > 1 else "")
        + "; give the differences of a meter's readings, or subtract a constant.",
    )
