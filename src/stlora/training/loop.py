"""One training run with Lightning: early stopping, best and last checkpoint, resume."""

from __future__ import annotations

import logging
import math
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar

from stlora.errors import InputError
from stlora.files import write_text
from stlora.training import together
from stlora.training.callbacks import BestCheckpoint, Patience, SafeCheckpoints, TrainingLog, read_checkpoint
from stlora.training.compiling import compiled
from stlora.training.config import TrainingOptions
from stlora.training.forecasts import choose_device, mean_error, measure
from stlora.training.results import Trained
from stlora.training.shares import settle_shares
from stlora.training.task import ForecastTask

_log = logging.getLogger(__name__)
_FEW_STEPS = 100  # of the optimizer


def train(task: ForecastTask, options: TrainingOptions, folder: Path, show: bool = False) -> Trained:
    """Train the task's network to its best validation MAE; take up an interrupted run of ``folder``.

    Where several processes train together, the first one writes and ends with the best network; the others are done.

    Args:
        task: its network has the best weights afterwards.
        options: how to train; 0 epochs leave the network as it is.
        folder: gets ``log.csv``, and ``checkpoints/`` which the caller removes when the run is complete.
        show: progress on the terminal.

    Raises:
        InputError: there is nothing to train, no such device, more processes than validation windows, the network
            cannot be compiled, or the loss is not finite from the start.
    """
    if options.epochs == 0:
        return _measured_only(task, options, folder)
    if not any(parameter.requires_grad for parameter in task.model.parameters()):
        raise InputError("there is nothing to train: no parameter of the network requires a gradient")
    if len(task.split.val) < together.processes():
        raise InputError(
            f"{together.processes()} processes are to share {len(task.split.val)} validation windows; start fewer"
        )
    checkpoints = folder / "checkpoints"
    log = TrainingLog(folder / "log.csv", show)
    best = BestCheckpoint(checkpoints, "best", monitor="val_mae", enable_version_counter=False)
    every = ModelCheckpoint(checkpoints, "last", enable_version_counter=False)  # after best: it holds its state
    callbacks: list[Callback] = [log, best, every]
    if options.patience:
        callbacks.append(Patience("val_mae", patience=options.patience))
    bar = show and sys.stderr.isatty()
    if bar:
        callbacks.append(TQDMProgressBar(leave=False))
    trainer = lightning.Trainer(
        accelerator="gpu" if choose_device(options.device).type == "cuda" else "cpu",
        max_epochs=options.epochs,
        accumulate_grad_batches=options.accumulate,
        gradient_clip_val=options.clip or None,
        callbacks=callbacks,
        plugins=[SafeCheckpoints()],
        logger=False,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        enable_progress_bar=bar,
        enable_model_summary=False,
        default_root_dir=folder,
        **together.trainer_options(),
    )
    last = checkpoints / "last.ckpt"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        try:
            with compiled(task.model, options.compile):
                trainer.fit(task, ckpt_path=last if last.exists() else None)
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stopped
        except Exception as error:
            if log.began or isinstance(error, InputError) or not last.exists():
                raise
            reason = " ".join(str(error).split())[:300]
            raise InputError(
                f"{last} is not of this run ({reason}); delete {checkpoints} to start the run again"
            ) from error
    if not log.rows or not math.isfinite(val_mae := min(row[2] for row in log.rows)):
        raise InputError(
            f"training did not reach a finite validation MAE at learning rate {options.learning_rate:g}; "
            "lower --learning_rate, or check the data with: stlora data check"
        )
    if not together.is_first():
        return Trained(log.seconds, len(log.rows), val_mae)
    task.to(task.windows.device)  # Lightning has taken the network to the processor
    task.load_state_dict(read_checkpoint(checkpoints / "best.ckpt")["state_dict"])
    started = time.perf_counter()
    mixed = settle_shares(task)
    seconds = log.seconds + time.perf_counter() - started
    val_mae = val_mae if mixed is None else mixed
    doubts = tuple(_doubts(log, trainer.global_step, val_mae, mean_error(task.windows, task.split)))
    for doubt in doubts:
        _log.warning("%s", doubt)
    return Trained(seconds, len(log.rows), val_mae, doubts)


def _doubts(log: TrainingLog, steps: int, val_mae: float, of_means: float) -> Iterator[str]:
    """Why the result of a training may be worth little."""
    if log.broken is not None:
        best = int(min((row for row in log.rows if math.isfinite(row[2])), key=lambda row: row[2])[0]) + 1
        yield (
            f"the loss or the validation MAE of epoch {log.broken} was not finite; training ended there, and the "
            f"weights of epoch {best} were kept; lower --learning_rate"
        )
    if steps < _FEW_STEPS:
        yield f"the weights were updated only {steps} times; give more --epochs, or a larger --train_fraction"
    if val_mae > of_means:
        yield (
            f"the validation MAE {val_mae:.4g} is worse than that of forecasting each sensor's training mean, "
            f"{of_means:.4g}; train longer, or lower --learning_rate"
        )


def _measured_only(task: ForecastTask, options: TrainingOptions, folder: Path) -> Trained:
    """No training: the validation MAE of the network as it is."""
    device = choose_device(options.device)
    windows = task.windows.to(device)
    errors = measure(task.model.to(device), windows, task.split.val, options.batch_size)
    if together.is_first():
        write_text(folder / "log.csv", ",".join(TrainingLog.COLUMNS) + "\n")
    return Trained(seconds=0.0, epochs=0, val_mae=errors["pooled"]["mae"])
