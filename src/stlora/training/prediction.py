"""Forecast the steps after the last observed one, in physical units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from stlora.adapters import STLoRA
from stlora.data import SensorSeries, load_series
from stlora.data.check.text import some
from stlora.data.load import Data, as_series
from stlora.data.reading import on_clock, read_as
from stlora.data.windows import Windows
from stlora.errors import InputError, UnneededOptionError
from stlora.files import write_atomically
from stlora.training.config import DataOptions
from stlora.training.forecasts import check_finite, choose_device, network_forecast
from stlora.training.run import BackboneRecord, Run
from stlora.training.surroundings import undisturbed


def load_later(
    record: BackboneRecord,
    data: str | Path,
    graph: str | Path | None = None,
    zero_is_missing: bool | None = None,
    timezone: str | None = None,
    **options: str | bool | None,
) -> SensorSeries:
    """Read a later file of a run's network, as the run's own data were read.

    Args:
        record: of the run's backbone.
        data: a catalogue name, a file or a folder.
        graph: a graph file that does not lie with the data.
        zero_is_missing: what a zero means in this file, if not what it means in the run's data.
        timezone: of time stamps without zone, if it is not that of the run's data; or the clock of the run's data, if
            the run does not know it and this file has a zone.
        **options: ``channel``, ``columns``, ``decimal`` and ``day_first`` of :func:`stlora.data.load_series`; those of
            the run where they are None and the file takes them.

    Raises:
        InputError: the file cannot be read, or not on the run's clock.
    """
    zero = record.zero_is_missing if zero_is_missing is None else zero_is_missing
    zone = timezone or record.timezone
    own = {name: record.fit.get(name) for name in ("channel", "columns", "decimal")}
    own["day_first"] = record.day_first
    given = {name: option for name, option in options.items() if option is not None}
    reading: dict[str, Any] = {**{name: option for name, option in own.items() if option is not None}, **given}
    while True:
        try:
            series = load_series(data, graph=graph, zero_is_missing=zero, timezone=zone, **reading)
            break
        except UnneededOptionError as error:
            if error.option in given or error.option not in reading:
                raise
            del reading[error.option]  # this file is of another layout than the run's data
    return on_clock(series, zone) if record.timezone is None and zone is not None else series


@dataclass(frozen=True)
class Prediction:
    """A forecast and what was done to make it.

    Attributes:
        table: columns ``time``, ``node``, ``step`` (from 1) and ``forecast`` (physical units), a row each.
        notes: what was done about gaps and dead sensors, a sentence each.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]


@undisturbed()
def predict(
    run: Run | str | Path,
    series: Data,
    module: nn.Module | str | None = None,
    device: str = "auto",
) -> Prediction:
    """Forecast from the last observed window of ``series``.

    Args:
        run: a finished run, or its folder.
        series: measurements of the sensors that the run was fitted to, in any order, or where they are; more are
            ignored. They are put on the clock of the run's data, and zeros mean what they mean there.
        module: the backbone of your own, or ``package.module:factory`` to run that code, if the run has one.
        device: auto, cpu or cuda.

    Raises:
        InputError: a sensor is missing, the interval is another, there is no whole window, or a forecast is NaN or
            infinite.
    """
    run = Run(run)
    record = run.record()
    series = load_later(record, series) if isinstance(series, (str, Path)) else as_series(series)
    series, notes = _window(record, series)
    interval = pd.Timedelta(seconds=record.interval_seconds)
    where = choose_device(device)
    windows = Windows(series, record.scaler, record.history, horizon=0, filling=run.filling()).to(where)
    model = run.load(module).to(where)
    with torch.inference_mode():
        x = windows.inputs(torch.tensor([0], device=where))
        scaled = network_forecast(model, x)
        notes += _dead(model, x, series.node_ids)
    physical = record.scaler.inverse(scaled)
    check_finite(physical)
    forecast = physical[0, :, :, 0].cpu().numpy()  # [H, N]
    steps = np.arange(1, record.horizon + 1)
    time = series.time[-1] + steps * interval
    nodes = series.num_nodes
    table = pd.DataFrame(
        {
            "time": np.repeat(pd.DatetimeIndex(time), nodes),
            "node": np.tile(np.asarray(series.node_ids, dtype=object), record.horizon),
            "step": np.repeat(steps, nodes),
            "forecast": forecast.reshape(-1),
        }
    )
    return Prediction(table, notes)


def _dead(model: nn.Module, x: Tensor, node_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The sensors of a history ``[1, T, N, C]`` that the adapter takes for dead, in a sentence; none without them."""
    dead = [node_ids[i] for i in model.dead(x)[0].nonzero()[:, 0].tolist()] if isinstance(model, STLoRA) else []
    note = f"one value throughout, as never in training: {some(dead)}; the adapter leaves them to the backbone"
    return (note,) if dead else ()


_FILLED = {
    "last": "replaced by the sensor's last value before them, or the training mean where the window has none",
    "linear": "replaced by a line between the sensor's values around them, or the training mean without any",
    "profile": "replaced by the sensor's mean at that time of day in the training period",
}


def _window(record: BackboneRecord, series: SensorSeries) -> tuple[SensorSeries, tuple[str, ...]]:
    """The last window with an observation at its end, its sensors in the order of the run, and what was done."""
    series = read_as(series, record.timezone, record.zero_is_missing, record.unit)
    notes = list(series.notes)
    if series.interval.total_seconds() != record.interval_seconds:
        raise InputError(
            f"{series.name} has a step of {series.interval} and the run was fitted to steps of "
            f"{pd.Timedelta(seconds=record.interval_seconds)}; resample the data to that step"
        )
    surplus = series.num_nodes - len(set(record.node_ids) & set(series.node_ids))
    if surplus:
        notes.append(f"{surplus} sensors of the file are unknown to the run and were ignored")
    series = series.select(nodes=record.node_ids)
    seen = np.flatnonzero(series.observed.any(axis=1))
    if len(seen) == 0:
        raise InputError(f"{series.name} holds no observed value; give a file with measurements")
    last = int(seen[-1])
    if last + 1 < record.history:
        raise InputError(
            f"{series.name} has {last + 1} steps up to the last observed one and a forecast needs "
            f"{record.history}; give a longer file"
        )
    if last + 1 < series.num_steps:
        notes.append(
            f"the last {series.num_steps - last - 1} steps hold no observation; the forecast starts after "
            f"{series.time[last]}"
        )
    series = series.select(start=series.time[last - record.history + 1], end=series.time[last])
    missing = ~series.observed
    if missing.any():
        silent = int(missing.all(axis=0).sum())
        notes.append(
            f"{int(missing.sum())} of {missing.size} values of the last {record.history} steps are missing and were "
            f"{_FILLED[record.fit.get('fill', DataOptions.fill)]}; {silent} sensors have none in this window"
        )
    else:
        notes.append(f"the last {record.history} steps are complete")
    return series, tuple(notes)


def write_prediction(table: pd.DataFrame, path: Path) -> None:
    """Write a forecast as Parquet or CSV, by the name's ending, whole or not at all."""
    write = table.to_csv if path.suffix == ".csv" else table.to_parquet
    write_atomically(path, lambda temporary: write(temporary, index=False))
