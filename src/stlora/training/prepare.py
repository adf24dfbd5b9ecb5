"""From options to data that is ready to train on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from stlora.data import SensorSeries
from stlora.data.catalogue.entries import find
from stlora.data.filling import Filling
from stlora.data.graph_choice import make_graph, names_graph
from stlora.data.load import Data, as_series
from stlora.data.mapped import row_chunks
from stlora.data.scaling import Scaler
from stlora.data.series import observed_enough
from stlora.data.split import Split, sample_split
from stlora.data.time.clock import clock, daily_profile, slots_of_a_day
from stlora.data.windows import Windows
from stlora.errors import InputError
from stlora.training.config import DataOptions, reading_options

if TYPE_CHECKING:
    from stlora.training.run import BackboneRecord


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

    def training_part(self) -> tuple[Tensor, Tensor]:
        """The training histories in scaled units ``[T, N]``, NaN = missing, and their clock ``[T, 2]``."""
        rows = _training_rows(self.split, self.windows.history)
        values = torch.from_numpy(np.array(self.series.values[rows]))
        return self.scaler.transform(values), torch.from_numpy(clock(self.series.time[rows]))


def open_series(options: DataOptions, series: Data | None = None) -> SensorSeries:
    """Read the data, take the part that the options name, and make the graph if they say how.

    ``max_missing`` and a graph made of correlations see the training part alone: the steps of the training histories.

    Args:
        options: which data.
        series: the measurements, if they are at hand, or where they are in place of ``options.data``. What the options
            say of clock, zeros, period and ``max_missing`` holds for them too.

    Raises:
        InputError: the data cannot be read, nothing is left, the graph cannot be made, or the fingerprint, which
            covers the graph, is another than the stated one.
    """
    made = names_graph(options.graph)
    reading = reading_options(options)
    reading["graph"] = "none" if made else options.graph
    series = as_series(options.data if series is None else series, **reading)
    if options.start is not None or options.end is not None:
        series = series.select(start=options.start, end=options.end)
    if options.max_missing is not None:
        series = _well_observed(series, options, options.max_missing)
    if made:
        split = _split(series, asdict(options))
        series = make_graph(series, str(options.graph), _training_rows(split, options.history))
    check_fingerprint(series, options.data_fingerprint)
    return series


def _well_observed(series: SensorSeries, options: DataOptions, max_missing: float) -> SensorSeries:
    """The sensors that miss at most a share of the training part."""
    part = series.values[_training_rows(_split(series, asdict(options)), options.history)]
    kept = observed_enough(part, max_missing)
    if not kept.any():
        raise InputError(
            f"nothing is left of {series.name}: each of its {series.num_nodes} sensors misses more than "
            f"{max_missing:g} of the {len(part)} steps of the training part; give a larger max_missing"
        )
    if kept.all():
        return series
    chosen = series.select(nodes=[node for node, keep in zip(series.node_ids, kept, strict=True) if keep])
    note = (
        f"{int((~kept).sum())} of {series.num_nodes} sensors were left out: they miss more than {max_missing:g} of the "
        f"training part (first: {series.node_ids[int(np.argmin(kept))]!r})."
    )
    return replace(chosen, notes=(*chosen.notes, note))


def _training_rows(split: Split, history: int) -> slice:
    """The steps of the training histories."""
    return slice(split.train.start, split.train.stop + history - 1)


def _split(series: SensorSeries, fit: dict[str, Any]) -> Split:
    purge = fit.get("purge", DataOptions.purge)
    split = sample_split(series.num_steps, fit["history"], fit["horizon"], tuple(fit["split"]), purge)
    return split.train_on_latest(fit.get("train_latest", DataOptions.train_latest))


def check_fingerprint(series: SensorSeries, expected: str | None) -> None:
    """Refuse data that is not what a run was made with."""
    if expected is not None and series.fingerprint() != expected:
        raise InputError(
            f"{series.name} has changed: its fingerprint is {series.fingerprint()[:12]}… and the run was made with "
            f"{expected[:12]}…; restore the data, or train a new run on it, without data_fingerprint"
        )


def prepare(series: SensorSeries, fit: dict[str, Any], scaler: Scaler | None = None) -> Prepared:
    """Split, scale and cut a series as the options of a fit say.

    Args:
        series: the measurements.
        fit: the options ``history``, ``horizon``, ``split``, ``purge``, ``train_latest`` and ``fill``.
        scaler: of the trained backbone; fitted anew if None.

    Raises:
        InputError: the series is too short, or a part of it holds no observed value.
    """
    history, horizon = fit["history"], fit["horizon"]
    split = _split(series, fit)
    for name in ("train", "val", "test"):
        starts: range = getattr(split, name)
        targets = series.values[starts.start + history : starts.stop + history + horizon - 1]
        if all(np.isnan(targets[rows]).all() for rows in row_chunks(targets)):
            raise InputError(
                f"the {name} part of {series.name} ({len(starts)} windows) holds no observed value; "
                "choose another period or split"
            )
    training = _training_rows(split, history)
    if scaler is None:
        scaler = Scaler.fit(series.values[training])
    filling = _filling(fit.get("fill", DataOptions.fill), series, training)
    return Prepared(series, split, scaler, Windows(series, scaler, history, horizon, filling))


def _filling(fill: Any, series: SensorSeries, training: slice) -> Filling:
    if fill != "profile":
        return Filling(fill)
    time_of_day = clock(series.time[training])[:, 0]
    return Filling(fill, daily_profile(series.values[training], time_of_day, slots_of_a_day(series.interval)))


def open_run(
    record: BackboneRecord,
    series: Data | None = None,
    moved_to: str | None = None,
) -> Prepared:
    """The data that a backbone was trained on, split and scaled as it was then.

    Args:
        record: of the backbone.
        series: the measurements, if they are at hand, or where they are.
        moved_to: where the data lies now, if not where it lay then.

    Raises:
        InputError: the data is not there, or not what the run was made with.
    """
    fit = record.fit
    names = {field.name for field in fields(DataOptions)}
    options: dict[str, Any] = {name: value for name, value in fit.items() if name in names}
    if moved_to is not None:
        options["data"] = moved_to
    elif series is None and not Path(options["data"]).exists() and find(options["data"]) is None:
        raise InputError(
            f"the data of this run, {options['data']}, are not there; name their file with --data (data=), or give the "
            "measurements in Python (series=) if they were given there"
        )
    return prepare(open_series(DataOptions(**options), series), fit, record.scaler)
