"""What every reader of a series returns: the rows as they stand in the file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.errors import InputError


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of measurements in file order; the time axis is not yet regular.

    Attributes:
        values: ``[T, N]`` float32 in physical units, NaN where a cell is empty.
        time: the T time stamps without time zone, in any order.
        node_ids: the N column names.
        metr_la_layout: the file is laid out as METR-LA and PEMS-BAY are published: speeds in mph, zero means
            missing, the graph lies beside the file.
        notes: what was assumed while reading, a sentence each.
    """

    values: NDArray[np.float32]
    time: pd.DatetimeIndex
    node_ids: tuple[str, ...]
    metr_la_layout: bool
    notes: tuple[str, ...]


def make_table(
    values: NDArray[np.float64],
    time: pd.DatetimeIndex,
    node_ids: tuple[str, ...],
    notes: tuple[str, ...] = (),
    metr_la_layout: bool = False,
) -> Table:
    """A :class:`Table` of these attributes, checked.

    Raises:
        InputError: no rows, no sensors, a repeated name, or a value that is infinite or beyond float32.
    """
    if 0 in values.shape:
        raise InputError(f"holds {values.shape[0]} rows of {values.shape[1]} sensors; expected at least one of each")
    twice = [node for node, count in Counter(node_ids).items() if count > 1]
    if twice:
        raise InputError(f"column {twice[0]!r} appears more than once; give every sensor its own name")
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    unusable = np.argwhere(np.isinf(single))
    if len(unusable):
        row, column = unusable[0]
        raise InputError(
            f"column {node_ids[column]!r}, row {row + 1} holds {values[row, column]}; "
            "expected a finite number below 3.4e38, or an empty cell where nothing was measured"
        )
    return Table(single, time, node_ids, metr_la_layout, notes)
