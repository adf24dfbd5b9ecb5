"""The sceptic's control: a trained backbone alone, trained on for as long as an adapter was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import lightning
import torch

from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.evaluation.rows import TRAINED_ON
from stlora.training import together
from stlora.training.comparing.pace import seconds_an_epoch
from stlora.training.config import TrainingOptions
from stlora.training.forecasts import choose_device, measure
from stlora.training.loop import train
from stlora.training.prepare import open_run
from stlora.training.resources import PeakMemory
from stlora.training.results import Trained, run_metrics, timed_measure
from stlora.training.run import CONFIG, Run
from stlora.training.surroundings import undisturbed
from stlora.training.task import ForecastTask

_AS_BEFORE = ("batch_size", "optimizer", "weight_decay", "epsilon", "clip", "train_fraction", "precision", "compile")


@dataclass(kw_only=True)
class TrainOnConfig(TrainingOptions):
    """Train a trained backbone on.

    Attributes:
        run: the run folder whose backbone is trained on.
        out: the run folder to write.
        module: package.module:factory, if the run's backbone is of your own; runs that code.
    """

    run: str
    out: str
    module: str | None = None
    patience: int = 0
    schedule: Literal["none", "step", "milestones", "plateau", "cosine"] = "cosine"

    @classmethod
    def of(cls, run: Run, out: str, epochs: int, module: str | None, device: str) -> TrainOnConfig:
        """As the run was trained, at a tenth of its learning rate, on a cosine to zero.

        Args:
            run: the finished run.
            out: the run folder to write.
            epochs: how many.
            module: package.module:factory, if the run's backbone is of your own.
            device: auto, cpu or cuda.
        """
        before = run.record().fit
        kept = {name: before[name] for name in _AS_BEFORE if name in before}
        return cls(
            run=str(run.folder),
            out=out,
            module=module,
            epochs=epochs,
            seed=before["seed"],
            learning_rate=before["learning_rate"] / 10,
            device=device,  # type: ignore[arg-type]
            **kept,
        )


def epochs_for(adapted: Sequence[Run], an_epoch: float) -> int:
    """Epochs of the backbone that the longest adaptation had time for.

    Args:
        adapted: the finished adapters on it while it was frozen.
        an_epoch: seconds that one takes.

    Returns:
        Rounded up, at least 1.

    Raises:
        InputError: no adapter is there.
    """
    if not adapted:
        raise InputError("no adapter on the frozen backbone has a result that says for how long to train on")
    longest = max(float(run.metrics["seconds"]["adapt"]) for run in adapted)
    return max(1, math.ceil(longest / an_epoch))


def begun_epochs(folder: Path) -> int | None:
    """Of a training on that was interrupted in this folder: it goes on for as long as it was begun with."""
    return int(Run(folder).options["epochs"]) if (folder / CONFIG).exists() else None


def pace_of(config: TrainOnConfig, series: SensorSeries | None = None) -> float:
    """Seconds that an epoch of the backbone takes, trained on as the options say, on this machine as it is now.

    Raises:
        InputError: the run, the data or an option cannot be used.
    """
    source = Run(config.run)
    data = open_run(source.record(), series)
    return seconds_an_epoch(source.load_backbone(config.module), data, config, choose_device(config.device))


def train_on(config: TrainOnConfig, series: SensorSeries | None = None, show: bool = False) -> Run:
    """Train a backbone on; its weights stay as they were if no epoch is better on validation.

    Args:
        config: all options.
        series: the measurements that the backbone was trained on; read again if None.
        show: progress on the terminal.

    Returns:
        The finished run.

    Raises:
        InputError: the run, the data or an option cannot be used.
    """
    with together.claim(config.out), undisturbed():
        return _train_on(config, series, show)


def _train_on(config: TrainOnConfig, series: SensorSeries | None, show: bool) -> Run:
    memory = PeakMemory()
    source = Run(config.run)
    record = source.record()
    data = open_run(record, series)
    lightning.seed_everything(config.seed, verbose=False)
    backbone = source.load_backbone(config.module)
    start = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}

    run = Run(config.out)
    run.begin(config)
    task = ForecastTask(backbone, data.windows, data.split, config)
    device = choose_device(config.device)
    before = measure(backbone.to(device), data.windows.to(device), data.split.val, config.batch_size)["pooled"]["mae"]
    trained = train(task, config, run.folder, show)
    if not trained.val_mae < float(torch.tensor(before)):  # in the precision of the training log
        backbone.load_state_dict(start)
        trained = Trained(trained.seconds, trained.epochs, before)
    measured = timed_measure(backbone, data, config.batch_size, config.device)
    run.save_backbone(backbone, record, data.series.adjacency, data.windows.filling)
    run.finish(
        run_metrics(
            data,
            measured,
            backbone,
            backbone=record.name,
            adapter=TRAINED_ON,
            seed=config.seed,
            mode="fit",
            seconds={"fit": source.metrics["seconds"]["fit"], "adapt": trained.seconds},
            memory=memory,
            trained=trained,
        ),
        measured.windows,
    )
    return run
