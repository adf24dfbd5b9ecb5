"""Single sensors of finished runs: their errors, and forecasts beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.report.content import ForecastExample, NodeErrors
from stlora.training.forecasts import forecasts
from stlora.training.prepare import Prepared

_EXAMPLE_DAYS = 2
_NAMED = 20  # sensors in a message, at most


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
    alone: nn.Module,
    adapted: nn.Module,
    data: Prepared,
    nodes: NodeErrors,
    median: bool = False,
    sensors: Sequence[str] = (),
) -> tuple[ForecastExample, ...]:
    """Two days of the test period at the sensor that the adapter helped most and the one it helped least.

    Forecasts are of the last step of the horizon, the hardest one.

    Args:
        alone: the backbone.
        adapted: with an adapter.
        data: that both were trained on.
        nodes: the errors of the sensors.
        median: whether the sensor with the median change stands between them, where there are three or more.
        sensors: drawn instead of these, by their ids, in this order.

    Raises:
        InputError: there is no such sensor.
    """
    if sensors:
        chosen = positions(sensors, data.series)
        return tuple(_example(alone, adapted, data, nodes, node) for node in chosen)
    known = np.flatnonzero(np.isfinite(nodes.change))
    if not len(known):
        return ()
    order = known[np.argsort(nodes.change[known], kind="stable")]
    ranks = {"Helped most": 0, "The median": (len(order) - 1) // 2, "Helped least": -1}
    if not median or len(order) < 3:
        del ranks["The median"]
    if len(order) == 1:
        ranks = {"": 0}
    return tuple(_example(alone, adapted, data, nodes, int(order[rank]), why) for why, rank in ranks.items())


def positions(sensors: Sequence[str], series: SensorSeries) -> list[int]:
    """Where sensors stand among all.

    Args:
        sensors: by their ids.
        series: that has them.

    Raises:
        InputError: one is not there.
    """
    places = {node: place for place, node in enumerate(series.node_ids)}
    unknown = [sensor for sensor in sensors if sensor not in places]
    if unknown:
        named = ", ".join(series.node_ids[:_NAMED])
        left = f" and {series.num_nodes - _NAMED} more" if series.num_nodes > _NAMED else ""
        raise InputError(f"{series.name} has no sensor {', '.join(unknown)}; it has {named}{left}")
    return [places[sensor] for sensor in sensors]


def _example(
    alone: nn.Module, adapted: nn.Module, data: Prepared, nodes: NodeErrors, node: int, why: str = ""
) -> ForecastExample:
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
        why=why,
    )


def _best_observed(data: Prepared, node: int) -> range:
    """Test windows whose last targets cover some days, from midnight where possible, with the fewest gaps."""
    test, series = data.split.test, data.series
    ahead = data.windows.history + data.windows.horizon - 1
    length = min(len(test), max(1, round(_EXAMPLE_DAYS * 86400 / series.interval.total_seconds())))
    begins = np.arange(test.start, test.stop - length + 1)
    time = series.time[begins + ahead]
    midnights = begins[time == time.normalize()]
    candidates = midnights if len(midnights) else begins
    observed = np.concatenate([[0], np.cumsum(series.observed[:, node])])
    seen = observed[candidates + ahead + length] - observed[candidates + ahead]
    start = int(candidates[seen.argmax()])
    return range(start, start + length)
