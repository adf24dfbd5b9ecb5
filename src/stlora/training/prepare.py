"""From options to data that is ready to train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stlora.data import SensorSeries, load_series
from stlora.data.scaling import Scaler
from stlora.data.split import Split, sample_split
from stlora.data.windows import Windows
from stlora.errors import InputError
from stlora.training.config import DataOptions


@dataclass(frozen=True)
class Prepared:
    """A series with its split, its scaler and its windows.

    Attributes:
        series: the measurements.
        split: which windows are for what.
        scaler: fitted to the observed values of the training histories.
        windows: over the series.
    """

    series: SensorSeries
    split: Split
    scaler: Scaler
    windows: Windows


def open_series(options: DataOptions) -> SensorSeries:
    """Read the data and take the part that the options name.

    Raises:
        InputError: the data cannot be read, nothing is left, or its fingerprint is another than the stated one.
    """
    series = load_series(options.data, graph=options.graph, zero_is_missing=options.zero_is_missing)
    series = series.select(start=options.start, end=options.end, max_missing=options.max_missing)
    check_fingerprint(series, options.data_fingerprint)
    return series


def check_fingerprint(series: SensorSeries, expected: str | None) -> None:
    """Refuse data that is not what a run was made with."""
    if expected is not None and series.fingerprint() != expected:
        raise InputError(
            f"{series.name} has changed: its fingerprint is {series.fingerprint()[:12]}… and the run was made with "
            f"{expected[:12]}…; restore the data, or leave data_fingerprint out to go on with other data"
        )


def prepare(series: SensorSeries, fit: dict[str, Any], scaler: Scaler | None = None) -> Prepared:
    """Split, scale and cut a series as the options of a fit say.

    Args:
        series: the measurements.
        fit: the options ``history``, ``horizon`` and ``split``.
        scaler: of the trained backbone; fitted anew if None.

    Raises:
        InputError: the series is too short, or a part of it holds no observed value.
    """
    history, horizon = fit["history"], fit["horizon"]
    split = sample_split(series.num_steps, history, horizon, tuple(fit["split"]))
    for name in ("train", "val", "test"):
        starts: range = getattr(split, name)
        targets = series.observed[starts.start + history : starts.stop + history + horizon - 1]
        if not targets.any():
            raise InputError(
                f"the {name} part of {series.name} ({len(starts)} windows) holds no observed value; "
                "choose another period or split"
            )
    if scaler is None:
        scaler = Scaler.fit(np.asarray(series.values[: split.train.stop + history - 1]))
    return Prepared(series, split, scaler, Windows(series, scaler, history, horizon))
