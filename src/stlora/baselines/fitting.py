"""Fit a baseline to the training part of a series."""

from __future__ import annotations

from typing import Any

from stlora.baselines.base import Baseline
from stlora.baselines.registry import create, takes
from stlora.data import SensorSeries
from stlora.data.filling import Filling
from stlora.data.scaling import Scaler
from stlora.data.split import Split
from stlora.data.time.clock import slots_of_a_day


def fit_baseline(
    name: str,
    series: SensorSeries,
    split: Split,
    scaler: Scaler,
    history: int = 12,
    horizon: int = 12,
    filling: Filling | None = None,
    **options: Any,
) -> Baseline:
    """Fit a baseline to the histories of the training windows, the values that the scaler is fitted to as well.

    No value that a validation or test window is compared with is seen.

    Args:
        name: one of :func:`stlora.baselines.names`.
        series: the measurements, of which the training part is used.
        split: which windows are for what.
        scaler: fitted on the training part.
        history: T, the number of past steps.
        horizon: H, the number of future steps.
        filling: what stands in histories where nothing was observed; as in the windows to be forecast.
        options: of this baseline; see its class.

    Returns:
        A module in evaluation mode that maps ``[B, T, N, C]`` to ``[B, H, N, 1]``, both in scaled units.

    Raises:
        InputError: the name or an option is unknown, the training part does not suffice, or a package is missing.

    Example:
        >>> from stlora.data import simulate
        >>> from stlora.data.split import sample_split
        >>> series = simulate(num_nodes=6, days=14).series
        >>> split = sample_split(series.num_steps)
        >>> scaler = Scaler.fit(series.values[: split.train.stop + 11])
        >>> fit_baseline("ha", series, split, scaler).table.shape  # 7 days of quarter hours
        torch.Size([672, 6])
    """
    if takes(name, "steps_per_day"):
        options = {"steps_per_day": slots_of_a_day(series.interval), **options}
    baseline = create(name, series.num_nodes, history, horizon, **options)
    first, last = split.train.start, split.train.stop + history - 2
    training = series.select(start=series.time[first], end=series.time[last])
    baseline.fit(training, scaler, filling)
    return baseline.eval()
