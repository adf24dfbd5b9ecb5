"""What every reader of a series returns: the rows as they stand in the file."""

from __future__ import annotations

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
    return Table(single, time, node_ids, notes)
