"""What a series holds and where it is doubtful: the content of ``stlora data check``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.check_text import format_description
from stlora.data.series import SensorSeries
from stlora.data.split import sample_split
from stlora.errors import InputError

__all__ = ["describe", "format_description"]

STUCK_HOURS, STUCK_STEPS = 2, 24  # a value repeated this long, whichever is more steps
OUTLIER_DEVIATIONS = 10  # robust standard deviations (1.4826 × median absolute deviation) from the sensor's median


def describe(series: SensorSeries) -> dict[str, Any]:
    """Facts about a series in plain JSON types; shares are fractions, durations text.

    Example:
        >>> series = SensorSeries(
        ...     values=np.array([[1.0, 0.0], [2.0, np.nan]]),
        ...     time=pd.date_range("2024-01-01", periods=2, freq="1h"),
        ...     node_ids=("a", "b"),
        ... )
        >>> facts = describe(series)
        >>> facts["missing"]["share"], facts["gaps"]["longest"]["node"]
        (0.25, 'b')
    """
    return {
        "name": series.name,
        "nodes": series.num_nodes,
        "steps": series.num_steps,
        "interval": _duration(series, 1),
        "start": str(series.time[0]),
        "end": str(series.time[-1]),
        "unit": series.unit,
        "missing": _missing(series),
        "gaps": _gaps(series),
        "network_gaps": _network_gaps(series),
        "zero_share": _share((series.values == 0).sum(), series.observed.sum()),
        "unobserved": _ids(series, ~_seen(series)),
        "constant": _ids(series, _constant(series)),
        "stuck": _stuck(series),
        "outliers": _outliers(series),
        "duplicates": _duplicates(series),
        "graph": _graph(series),
        "coordinates": series.coordinates is not None,
        "windows": _windows(series),
        "notes": list(series.notes),
    }


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0


def _seen(series: SensorSeries) -> NDArray[np.bool_]:
    return np.asarray(series.observed.any(axis=0))


def _ids(series: SensorSeries, chosen: NDArray[np.bool_]) -> list[str]:
    return [series.node_ids[i] for i in np.flatnonzero(chosen)]


def _missing(series: SensorSeries) -> dict[str, Any]:
    by_node = 1.0 - series.observed.mean(axis=0)
    worst = np.argsort(-by_node, kind="stable")[:5]
    return {
        "share": float(1.0 - series.observed.mean()),
        "worst": [{"node": series.node_ids[i], "share": float(by_node[i])} for i in worst if by_node[i] > 0],
    }


def _runs(flags: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Runs of True down the columns of ``[T, N]``: column, first row and length of each."""
    padded = np.zeros((flags.shape[0] + 2, flags.shape[1]), dtype=np.int8)
    padded[1:-1] = flags
    change = np.diff(padded, axis=0).T  # [N, T + 1]
    column, start = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    return column, start, end - start


def _duration(series: SensorSeries, steps: int) -> str:
    return str(steps * series.interval).removeprefix("0 days ") if series.num_steps > 1 else "unknown"


def _gaps(series: SensorSeries) -> dict[str, Any]:
    column, start, length = _runs(~series.observed)
    if not len(length):
        return {"count": 0, "longest": None}
    i = int(length.argmax())
    longest = {
        "node": series.node_ids[column[i]],
        "start": str(series.time[start[i]]),
        "steps": int(length[i]),
        "duration": _duration(series, int(length[i])),
    }
    return {"count": len(length), "longest": longest}


def _network_gaps(series: SensorSeries) -> dict[str, Any]:
    _, start, length = _runs(np.asarray(~series.observed.any(axis=1, keepdims=True)))
    if not len(length):
        return {"count": 0, "steps": 0, "longest": None}
    i = int(length.argmax())
    longest = {
        "start": str(series.time[start[i]]),
        "steps": int(length[i]),
        "duration": _duration(series, int(length[i])),
    }
    return {"count": len(length), "steps": int(length.sum()), "longest": longest}


def _constant(series: SensorSeries) -> NDArray[np.bool_]:
    low = np.where(series.observed, series.values, np.inf).min(axis=0)
    high = np.where(series.observed, series.values, -np.inf).max(axis=0)
    return np.asarray((low == high) & (series.observed.sum(axis=0) > 1))


def _stuck(series: SensorSeries) -> dict[str, Any]:
    """Runs of one non-zero value without a gap."""
    minimum = STUCK_STEPS
    if series.num_steps > 1:
        minimum = max(STUCK_STEPS, int(np.ceil(pd.Timedelta(hours=STUCK_HOURS) / series.interval)))
    repeats = (np.diff(series.values, axis=0) == 0) & (series.values[1:] != 0)
    column, start, length = _runs(repeats)
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


def _outliers(series: SensorSeries) -> dict[str, Any]:
    seen = _seen(series)
    count, worst, values = 0, None, series.values[:, seen]
    if seen.any():
        deviation = np.abs(values - np.nanmedian(values, axis=0))
        scale = 1.4826 * np.nanmedian(deviation, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):  # a sensor that mostly repeats one value has no scale
            score = np.where((scale > 0) & ~np.isnan(deviation), deviation / scale, 0.0)
        count = int((score > OUTLIER_DEVIATIONS).sum())
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        worst = {
            "node": _ids(series, seen)[column],
            "time": str(series.time[int(row)]),
            "value": float(values[row, column]),
        }
    return {"count": count, "worst": worst if count else None}


def _duplicates(series: SensorSeries) -> list[list[str]]:
    """Groups of sensors whose values agree at every step, constant ones aside."""
    groups: dict[bytes, list[str]] = {}
    for i in np.flatnonzero(_seen(series) & ~_constant(series)):
        column = np.where(series.observed[:, i], series.values[:, i], np.float32(np.nan)) + np.float32(0)
        groups.setdefault(column.tobytes(), []).append(series.node_ids[i])
    return [group for group in groups.values() if len(group) > 1]


def _graph(series: SensorSeries) -> dict[str, Any] | None:
    if series.adjacency is None:
        return None
    from scipy.sparse.csgraph import connected_components

    edges = (series.adjacency > 0) & ~np.eye(series.num_nodes, dtype=bool)
    connected = np.asarray(edges.any(axis=0) | edges.any(axis=1))
    one_way = int((edges & ~edges.T).sum())
    components, _ = connected_components(edges, directed=True, connection="weak")
    return {
        "edges": int(edges.sum()),
        "self_loops": int((series.adjacency.diagonal() > 0).sum()),
        "mean_degree": float(edges.sum() / series.num_nodes),
        "components": int(components),
        "isolated": _ids(series, ~connected),
        "one_way_edges": one_way,
        "symmetric": bool(np.array_equal(series.adjacency, series.adjacency.T)),
    }


def _windows(series: SensorSeries) -> dict[str, int] | None:
    try:
        split = sample_split(series.num_steps)
    except InputError:
        return None
    return {"train": len(split.train), "val": len(split.val), "test": len(split.test)}
