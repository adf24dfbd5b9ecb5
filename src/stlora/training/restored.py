"""Whether what a checkpoint left in its place is a training of this network, up to this epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import lightning
import torch
from torch import Tensor


def check_restored(
    trainer: lightning.Trainer, task: lightning.LightningModule, rows: Sequence[Sequence[float]]
) -> None:
    """Look through a trainer that is about to go on.

    A checkpoint is a file that may come from elsewhere: what does not fit would fail, or train on from nonsense, in the
    middle of an epoch.

    Args:
        trainer: with its optimizer, schedule and counters as they were restored.
        task: that it trains.
        rows: of the log, one for each finished epoch.

    Raises:
        ValueError: something does not fit.
    """
    done = trainer.current_epoch
    numbers = all(len(row) == 5 and all(isinstance(cell, (int, float)) for cell in row) for row in rows)
    if len(rows) != done or not numbers or any(row[0] != epoch for epoch, row in enumerate(rows)):
        raise ValueError(f"its log has {len(rows)} rows and {done} epochs are done")
    if rows and not all(math.isfinite(cell) for cell in rows[-1]):
        return  # the training broke in that epoch and is not to go on
    for name, tensor in task.named_parameters():
        if not tensor.isfinite().all():
            raise ValueError(f"{name} has NaN or infinite values")
    fresh: Any = task.configure_optimizers()
    (optimizer,) = trainer.optimizers
    found, expected = (each.state_dict()["param_groups"] for each in (optimizer, fresh["optimizer"]))
    _check_alike("the optimizer", found, expected)
    if not optimizer.state:
        raise ValueError("nothing of the optimizer is there")
    for parameter, state in optimizer.state.items():
        if state.keys() != {"step", "exp_avg", "exp_avg_sq"}:
            raise ValueError(f"the optimizer has {', '.join(map(str, state))[:100] or 'nothing'} for a parameter")
        for name, value in state.items():
            shape: Any = parameter.shape if name != "step" else torch.Size([])
            if not isinstance(value, Tensor) or value.shape != shape or not value.isfinite().all():
                raise ValueError(f"{name} of the optimizer does not fit a parameter of {list(parameter.shape)}")
            if name == "exp_avg_sq" and (value < 0).any():
                raise ValueError("exp_avg_sq of the optimizer has values below 0")
    for config in trainer.lr_scheduler_configs:
        schedule = fresh["lr_scheduler"]
        made = schedule["scheduler"] if isinstance(schedule, Mapping) else schedule
        _check_alike("the schedule", config.scheduler.state_dict(), made.state_dict())


def _check_alike(place: str, found: Any, expected: Any) -> None:
    """The same types at the same places; numbers are finite where they are made so."""
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping) or found.keys() != expected.keys():
            raise ValueError(f"{place} has other entries")
        for name, value in expected.items():
            _check_alike(f"{name} of {place}", found[name], value)
    elif isinstance(expected, (list, tuple)) and expected and isinstance(found, (list, tuple)):
        if len(found) != len(expected):
            raise ValueError(f"{place} has {len(found)} entries; expected {len(expected)}")
        for one, other in zip(found, expected, strict=True):
            _check_alike(place, one, other)
    elif isinstance(expected, (int, float)) and not isinstance(expected, bool):
        number = isinstance(found, (int, float, Tensor)) and not isinstance(found, bool)
        if not number or (math.isfinite(expected) and not math.isfinite(float(found))):
            raise ValueError(f"{place} is {str(found)[:60]!r}; expected a number")
    elif expected is not None and type(found) is not type(expected):
        raise ValueError(f"{place} is {str(found)[:60]!r}; expected {type(expected).__name__}")
