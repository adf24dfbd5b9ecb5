"""Values that are doubtful by themselves: constant, stuck, silent, far out, or the same at two sensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.check.doubts import Sentinel
from stlora.data.series import SensorSeries

STUCK_HOURS, SILENT_HOURS = 2, 24  # a value repeated this long, a zero this long …
LEAST_STEPS = 24  # … and for at least so many steps
OUTLIER_TIMES = 3  # as far from the sensor's median as its 1st (below) or 99th percentile (above)


def runs(flags: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Runs of True down the columns of ``[T, N]``: column, first row and length of each."""
    padded = np.zeros((flags.shape[0] + 2, flags.shape[1]), dtype=np.int8)
    padded[1:-1] = flags
    change = np.diff(padded, axis=0).T  # [N, T + 1]
    column, start = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    return column, start, end - start


def seen(series: SensorSeries) -> NDArray[np.bool_]:
    """Which sensors were observed at all, ``[N]``."""
    return np.asarray(series.observed.any(axis=0))


def ids_of(series: SensorSeries, chosen: NDArray[np.bool_]) -> list[str]:
    """The names of the sensors chosen in ``[N]``."""
    return [series.node_ids[i] for i in np.flatnonzero(chosen)]


def constant(series: SensorSeries) -> NDArray[np.bool_]:
    """Which sensors have one value whenever they are observed, ``[N]``."""
    low = np.where(series.observed, series.values, np.inf).min(axis=0)
    high = np.where(series.observed, series.values, -np.inf).max(axis=0)
    return np.asarray((low == high) & (series.observed.sum(axis=0) > 1))


def stuck(series: SensorSeries) -> dict[str, Any]:
    """Runs of one non-zero value without a gap."""
    return _held(series, STUCK_HOURS, zero=False)


def silent(series: SensorSeries) -> dict[str, Any]:
    """Runs of zeros without a gap, of sensors that count at other times."""
    return _held(series, SILENT_HOURS, zero=True)


def _held(series: SensorSeries, hours: int, zero: bool) -> dict[str, Any]:
    minimum = LEAST_STEPS
    if series.num_steps > 1:
        minimum = max(LEAST_STEPS, int(np.ceil(pd.Timedelta(hours=hours) / series.interval)))
    wanted = (series.values[1:] == 0) & ~constant(series) if zero else series.values[1:] != 0
    column, start, length = runs((series.values[1:] == series.values[:-1]) & wanted)
    long = length + 1 >= minimum
    column, start, length = column[long], start[long], length[long] + 1
    if not len(length):
        return {"minimum_steps": minimum, "count": 0, "nodes": 0, "longest": None}
    i = int(length.argmax())
    longest = {
        "node": series.node_ids[column[i]],
        "start": str(series.time[start[i]]),
        "steps": int(length[i]),
        "value": float(series.values[start[i], column[i]]),
    }
    return {"minimum_steps": minimum, "count": len(length), "nodes": len(np.unique(column)), "longest": longest}


def outliers(series: SensorSeries, no_measurements: list[Sentinel]) -> dict[str, Any]:
    """Values far from their sensor's median, by the measure of its own spread on that side; and the farthest.

    Sentinels are among them, and are left out of the measure.
    """
    chosen = seen(series)
    count, worst, values = 0, None, series.values[:, chosen]
    marked = np.zeros(series.values.shape, dtype=bool)
    for sentinel in no_measurements:
        columns = list(sentinel.columns)
        marked[:, columns] |= series.values[:, columns] == np.float32(sentinel.value)
    marked = marked[:, chosen]
    measured = np.where(marked, np.float32(np.nan), values)
    alone = np.isnan(measured).all(axis=0)
    measured[:, alone] = values[:, alone]
    if chosen.any():
        low, median, high = np.nanpercentile(measured, [1, 50, 99], axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):  # a sensor that mostly repeats one value has no spread
            times = np.where(values > median, (values - median) / (high - median), (median - values) / (median - low))
        times[~np.isfinite(times)] = 0.0
        times[marked] = np.maximum(times[marked], 2 * OUTLIER_TIMES)
        count = int((times > OUTLIER_TIMES).sum())
        row, column = np.unravel_index(int(times.argmax()), times.shape)
        worst = {
            "node": ids_of(series, chosen)[column],
            "time": str(series.time[int(row)]),
            "value": float(values[row, column]),
        }
    return {"count": count, "worst": worst if count else None}


def duplicates(series: SensorSeries) -> list[list[str]]:
    """Groups of sensors whose values agree at every step, constant ones aside."""
    groups: dict[bytes, list[str]] = {}
    for i in np.flatnonzero(seen(series) & ~constant(series)):
        column = np.where(series.observed[:, i], series.values[:, i], np.float32(np.nan)) + np.float32(0)
        groups.setdefault(column.tobytes(), []).append(series.node_ids[i])
    return [group for group in groups.values() if len(group) > 1]
