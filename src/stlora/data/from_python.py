"""What a series is made of, from what a Python program holds: data frames and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stlora.data.readers import agencies, cells, tables
from stlora.data.readers.table import lost_steps
from stlora.data.readers.undated import time_axis
from stlora.data.time.axis import regular
from stlora.data.time.stamps import to_interval, to_start
from stlora.errors import InputError


def of_dataframe(
    frame: pd.DataFrame,
    channel: str | None = None,
    columns: str | Mapping[str, str] | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
    adjacency: ArrayLike | None = None,
    coordinates: ArrayLike | None = None,
    unit: str = "",
    name: str = "series",
) -> dict[str, Any]:
    """The arguments of :meth:`stlora.data.series.SensorSeries.from_dataframe`'s series."""
    table = agencies.table_of_frame(frame, channel) if columns is None else None
    if table is None:
        table = tables.to_table(cells.of_frame(frame), channel, tables.parse_columns(columns), decimal, day_first)
    axis = regular(table.time, table.values)
    return {
        "values": axis.values,
        "time": axis.time,
        "timezone": axis.timezone,
        "day_first": table.day_first,
        "node_ids": table.node_ids,
        "adjacency": None if adjacency is None else np.asarray(adjacency, dtype=np.float32),
        "coordinates": table.coordinates if coordinates is None else np.asarray(coordinates, dtype=np.float64),
        "unit": unit or table.unit,
        "name": name,
        "notes": table.notes + axis.notes,
    }


def of_numpy(
    values: ArrayLike,
    start: str | pd.Timestamp,
    interval: str | pd.Timedelta,
    node_ids: Sequence[str] | None = None,
    adjacency: ArrayLike | None = None,
    coordinates: ArrayLike | None = None,
    unit: str = "",
    name: str = "series",
) -> dict[str, Any]:
    """The arguments of :meth:`stlora.data.series.SensorSeries.from_numpy`'s series."""
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise InputError(f"values are {array.dtype} of shape {array.shape}; expected numbers [T, N]")
    steps = max(len(array), 1)
    time, _ = time_axis(steps, start=to_start(start), interval=to_interval(interval))
    with np.errstate(over="ignore"):  # the series refuses infinities
        single = np.asarray(array, dtype=np.float32)
    names = tuple(node_ids) if node_ids is not None else tuple(str(i) for i in range(array.shape[1]))
    fits = 0 not in array.shape and len(names) == array.shape[1]  # or the series is refused
    return {
        "values": single,
        "time": time[: len(array)],
        "node_ids": names,
        "notes": lost_steps(single, names, lambda column: array[:, column]) if fits else (),
        "adjacency": None if adjacency is None else np.asarray(adjacency, dtype=np.float32),
        "coordinates": None if coordinates is None else np.asarray(coordinates, dtype=np.float64),
        "unit": unit,
        "name": name,
    }
