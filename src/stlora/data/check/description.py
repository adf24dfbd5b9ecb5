"""What a series holds and where it is doubtful: the content of ``stlora data check``."""

from __future__ import annotations

from typing import Any

import numpy as np

from stlora.data.check.daylight import daylight
from stlora.data.check.doubts import Sentinel, cumulative, sentinels
from stlora.data.check.text import format_description
from stlora.data.check.treatment import treatment
from stlora.data.check.values import constant, duplicates, ids_of, outliers, runs, seen, silent, stuck
from stlora.data.graph_choice import make_graph
from stlora.data.series import SensorSeries
from stlora.data.split import sample_split
from stlora.errors import InputError

HISTORY = 12  # steps of a window, as is the default
_TRIED = 100

__all__ = ["describe", "format_description"]


def describe(series: SensorSeries) -> dict[str, Any]:
    """Facts about a series in plain JSON types, and what the library does about each; shares are fractions.

    Everything is looked at in memory, with a few copies of the values on top.

    Example:
        >>> import pandas as pd
        >>> series = SensorSeries(
        ...     values=np.array([[1.0, 0.0], [2.0, np.nan]]),
        ...     time=pd.date_range("2024-01-01", periods=2, freq="1h"),
        ...     node_ids=("a", "b"),
        ... )
        >>> facts = describe(series)
        >>> facts["missing"]["share"], facts["gaps"]["longest"]["node"]
        (0.25, 'b')
    """
    found = sentinels(series)
    facts = {
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
        "clock_changes": daylight(series),
        "zero_share": float((series.values == 0).sum() / max(1, series.observed.sum())),
        "negative_share": float((series.values < 0).sum() / max(1, series.observed.sum())),
        "sentinels": [_sentinel(series, sentinel) for sentinel in found],
        "cumulative": ids_of(series, cumulative(series)),
        "unobserved": ids_of(series, ~seen(series)),
        "constant": ids_of(series, constant(series)),
        "stuck": stuck(series),
        "silent": silent(series),
        "outliers": outliers(series, found),
        "duplicates": duplicates(series),
        "graph": _graph(series),
        "graphs_to_make": graphs_to_make(series) if series.adjacency is None else [],
        "coordinates": series.coordinates is not None,
        "windows": _windows(series),
        "notes": list(series.notes),
    }
    return facts | {"treatment": treatment(facts)}


def _missing(series: SensorSeries) -> dict[str, Any]:
    by_node = 1.0 - series.observed.mean(axis=0)
    worst = np.argsort(-by_node, kind="stable")[:5]
    return {
        "share": float(1.0 - series.observed.mean()),
        "worst": [{"node": series.node_ids[i], "share": float(by_node[i])} for i in worst if by_node[i] > 0],
        "by_node": dict(zip(series.node_ids, map(float, by_node), strict=True)),
    }


def _sentinel(series: SensorSeries, found: Sentinel) -> dict[str, Any]:
    by_node = {series.node_ids[i]: count for i, count in zip(found.columns, found.counts, strict=True)}
    return {"value": found.value, "count": sum(found.counts), "by_node": by_node}


def _duration(series: SensorSeries, steps: int) -> str:
    return str(steps * series.interval).removeprefix("0 days ") if series.num_steps > 1 else "unknown"


def _gaps(series: SensorSeries) -> dict[str, Any]:
    column, start, length = runs(~series.observed)
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
    _, start, length = runs(np.asarray(~series.observed.any(axis=1, keepdims=True)))
    if not len(length):
        return {"count": 0, "steps": 0, "longest": None}
    i = int(length.argmax())
    longest = {
        "start": str(series.time[start[i]]),
        "steps": int(length[i]),
        "duration": _duration(series, int(length[i])),
    }
    return {"count": len(length), "steps": int(length.sum()), "longest": longest}


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
        "isolated": ids_of(series, ~connected),
        "one_way_edges": one_way,
        "symmetric": bool(np.array_equal(series.adjacency, series.adjacency.T)),
    }


def graphs_to_make(series: SensorSeries) -> list[str]:
    """Those of knn and correlation that join any sensors when a model is trained; up to 100 sensors are tried."""
    try:
        split = sample_split(series.num_steps)
    except InputError:
        return []
    rows = slice(split.train.start, split.train.stop + HISTORY - 1)
    part = series.values[rows]
    varied = np.flatnonzero(np.fmax.reduce(part, axis=0) > np.fmin.reduce(part, axis=0))
    made = []
    for kind in ("knn", "correlation"):
        columns = varied if kind == "correlation" else np.arange(series.num_nodes)
        tried = columns[:: -(-len(columns) // _TRIED)] if len(columns) else columns
        if len(tried) < 2 or (kind == "knn" and series.coordinates is None):
            continue
        some = series.select(nodes=[series.node_ids[i] for i in tried])
        try:
            graph = make_graph(some, kind, rows).adjacency
        except InputError:
            continue
        if graph is not None and (graph[~np.eye(len(graph), dtype=bool)] > 0).any():
            made.append(kind)
    return made


def _windows(series: SensorSeries) -> dict[str, int] | None:
    try:
        split = sample_split(series.num_steps)
    except InputError:
        return None
    return {"train": len(split.train), "val": len(split.val), "test": len(split.test)}
