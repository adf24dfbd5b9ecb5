"""Single sensors of finished runs: their errors, and forecasts beside what was measured."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from stlora.data import SensorSeries
from stlora.report.content import ForecastExample, NodeErrors
from stlora.training.forecasts import forecasts
from stlora.training.prepare import Prepared

_EXAMPLE_DAYS = 2


def node_errors(alone: dict[str, Any], adapted: dict[str, Any], series: SensorSeries) -> NodeErrors:
    """The MAE of each sensor from two ``metrics.json``; a sensor without one has NaN."""
    mae = [
        np.array(
            [np.nan if run["nodes"][node]["mae"] is None else run["nodes"][node]["mae"] for node in series.node_ids]
        )
        for run in (alone, adapted)
    ]
    return NodeErrors(series.node_ids, mae[0], mae[1], series.coordinates)


def pick_examples(
    alone: nn.Module, adapted: nn.Module, data: Prepared, nodes: NodeErrors, median: bool = False
) -> tuple[ForecastExample, ...]:
    """Two days of the test period at the sensor that the adapter helped most and the one it helped least.

    Forecasts are of the last step of the horizon, the hardest one.

    Args:
        alone: the backbone.
        adapted: with an adapter.
        data: that both were trained on.
        nodes: the errors of the sensors.
        median: whether the sensor with the median change stands between them, where there are three or more.
    """
    known = np.flatnonzero(np.isfinite(nodes.change))
    if not len(known):
        return ()
    order = known[np.argsort(nodes.change[known], kind="stable")]
    ranks = [0, (len(order) - 1) // 2, -1] if median and len(order) > 2 else [0, -1]
    chosen = order[ranks] if len(order) > 1 else order
    return tuple(_example(alone, adapted, data, nodes, int(node)) for node in chosen)


def _example(alone: nn.Module, adapted: nn.Module, data: Prepared, nodes: NodeErrors, node: int) -> ForecastExample:
    windows, series = data.windows, data.series
    starts = _best_observed(data, node)
    ahead = windows.history + windows.horizon - 1  # from a window's start to its last target
    at = slice(starts.start + ahead, starts.stop + ahead)
    lines = [
        np.concatenate(
            [
                windows.scaler.inverse(scaled)[:, -1, node, 0].cpu().numpy()
                for _, scaled in forecasts(model, windows, starts)
            ]
        )
        for model in (alone.to(windows.device), adapted.to(windows.device))
    ]
    return ForecastExample(
        node_id=series.node_ids[node],
        time=series.time[at],
        truth=series.values[at, node].astype(np.float64),
        alone=lines[0],
        adapted=lines[1],
        step=windows.horizon,
        change=float(nodes.change[node]),
    )


def _best_observed(data: Prepared, node: int) -> range:
    """Test windows whose last targets cover some days, from midnight where possible, with the fewest gaps."""
    test, series = data.split.test, data.series
    ahead = data.windows.history + data.windows.horizon - 1
    length = min(len(test), round(_EXAMPLE_DAYS * 86400 / series.interval.total_seconds()))
    begins = np.arange(test.start, test.stop - length + 1)
    time = series.time[begins + ahead]
    midnights = begins[time == time.normalize()]
    candidates = midnights if len(midnights) else begins
    observed = np.concatenate([[0], np.cumsum(series.observed[:, node])])
    seen = observed[candidates + ahead + length] - observed[candidates + ahead]
    start = int(candidates[seen.argmax()])
    return range(start, start + length)
