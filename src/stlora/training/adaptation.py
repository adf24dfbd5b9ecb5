"""Fit an adapter on the trained backbone of a run."""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from pathlib import Path

import lightning
from torch import nn

from stlora.adapters import WrappedBackbone
from stlora.data.load import Data
from stlora.errors import InputError
from stlora.training import together
from stlora.training.config import AdaptConfig, expect_config
from stlora.training.forecasts import choose_device
from stlora.training.kept import keep_forecasts
from stlora.training.loop import train
from stlora.training.prepare import Prepared, open_run
from stlora.training.resources import PeakMemory
from stlora.training.results import adapter_entries, run_metrics, timed_measure
from stlora.training.run import Run
from stlora.training.surroundings import undisturbed
from stlora.training.task import AdaptTask, ForecastTask
from stlora.training.wrapping import wrap

KEPT = "kept"  # the folder of a run for its backbone's forecasts


def adapt(
    config: AdaptConfig,
    series: Data | None = None,
    module: nn.Module | None = None,
    show: bool = False,
) -> Run:
    """Fit an adapter on the trained backbone of ``config.run``.

    A frozen backbone does not change, so its forecasts are computed once and kept, and the adapter alone is fitted:
    those of the validation windows, and of the training windows for an adapter that needs them.
    ``config.freeze_backbone=False`` trains both on, jointly. A rival that changes what is before or in the backbone
    runs it at every step.

    Args:
        config: all options.
        series: the measurements that the backbone was trained on; read again if None.
        module: the backbone of your own, if the run has one; see :func:`stlora.training.fit`. ``config.module``
            names a factory that makes it.
        show: progress on the terminal.

    Returns:
        The finished run, which holds a copy of the backbone too; several processes as in :func:`stlora.training.fit`.

    Raises:
        InputError: the run, the data or an option cannot be used.
    """
    expect_config(config, AdaptConfig)
    with together.claim(config.out), undisturbed():
        return _adapt(config, series, module, show)


def _adapt(config: AdaptConfig, series: Data | None, module: nn.Module | None, show: bool) -> Run:
    memory = PeakMemory()
    together.join()
    source = Run(config.run)
    record = source.record()
    source_seconds = source.metrics["seconds"]["fit"]
    if source.folder.resolve() == Run(config.out).folder.resolve():
        raise InputError(f"--out is the run to adapt, {config.out}; choose another folder")
    run = Run(config.out)
    if run.completed(config):
        return run
    run.check_free(config)
    data = open_run(record, series, config.data)
    lightning.seed_everything(config.seed, verbose=False)
    backbone = source.load_backbone(config.module if module is None else module)
    model = wrap(backbone, config.adapter, config.adapter_options, data, config.freeze_backbone)

    if together.is_first():
        run.begin(config)
    options = dataclasses.replace(config, learning_rate=config.learning_rate * model.rate)
    folder = (source if os.access(source.folder, os.W_OK) else run).folder / KEPT
    task, preparation = _task(model, data, options, folder, record.fit["batch_size"])
    trained = train(task, options, run.folder, show)
    if not together.is_first():
        together.wait()
        return run
    measured = timed_measure(model, data, record.fit["batch_size"], config.device)
    run.save_backbone(backbone, record, data.series.adjacency, data.windows.filling)
    model.save_pretrained(run.folder / "adapter", adapter_entries(data.series, data.scaler))
    run.finish(
        run_metrics(
            data,
            measured,
            model,
            backbone=record.name,
            adapter=config.adapter,
            seed=config.seed,
            mode="frozen" if model.freeze_backbone else "joint",
            seconds={"fit": source_seconds, "adapt": preparation + trained.seconds},
            memory=memory,
            trained=trained,
        ),
        measured.windows,
    )
    together.wait()
    return run


def _task(
    model: WrappedBackbone, data: Prepared, config: AdaptConfig, folder: Path, batch_size: int
) -> tuple[ForecastTask, float]:
    """The task, and the seconds that its preparation takes where nothing is kept yet.

    The backbone runs in batches of the size that it was trained with at most: an adapter's own may be too many for it.
    """
    if not (model.freeze_backbone and model.corrects_only):
        return ForecastTask(model, data.windows, data.split, config), 0.0
    device = choose_device(config.device)
    data.windows.to(device)
    with together.first_then_others():
        keep = partial(keep_forecasts, model.backbone.to(device), data, folder=folder, batch_size=batch_size)
        val = keep(data.split.val)
        train = None if model.learns_alone else keep(data.split.train)
    task = AdaptTask(model, data.windows, data.split, config, val.forecasts, None if train is None else train.forecasts)
    return task, val.seconds + (0.0 if train is None else train.seconds)
