"""What an epoch of a network takes here and now."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from itertools import islice

import torch
from torch import Tensor, nn

from stlora.training.batches import IndexBatches
from stlora.training.compiling import compiled
from stlora.training.config import TrainingOptions
from stlora.training.prepare import Prepared
from stlora.training.schedules import make_optimizer
from stlora.training.task import ForecastTask

TIMED = 10  # batches
FIRST = 2  # batches that do not count, because much is made ready in them


def seconds_an_epoch(network: nn.Module, data: Prepared, options: TrainingOptions, device: torch.device) -> float:
    """What an epoch of training takes with its validation, from a few batches of a copy that is thrown away.

    The times of a finished run are no measure of it: they may be of another day, of another machine, or of a
    machine that had other work beside it.

    Args:
        network: maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units; it is left as it is.
        data: the windows.
        options: how it would be trained.
        device: where.
    """
    network = copy.deepcopy(network)
    task = ForecastTask(network, data.windows, data.split, options).to(device)
    task.on_fit_start()
    task.on_train_epoch_start()  # sums of errors and losses lie where the network does
    optimizer = make_optimizer(network.parameters(), options)

    def step(start: Tensor) -> None:
        optimizer.zero_grad()
        task.training_step(start, 0).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    @torch.no_grad()
    def check(start: Tensor) -> None:
        task.validation_step(start, 0)

    training = IndexBatches(data.split.train, options.batch_size, options.seed, options.train_fraction)
    validation = task.val_dataloader()
    network.train()
    with compiled(network, options.compile):
        seconds = len(training) * _seconds_each(step, training, device)
    network.eval()
    return seconds + len(validation) * _seconds_each(check, validation, device)


def _seconds_each(step: Callable[[Tensor], None], batches: IndexBatches, device: torch.device) -> float:
    """Of a batch, after a few that do not count; all of them count if there are no more."""
    some = [batch.to(device) for batch in islice(batches, FIRST + TIMED)]
    first = min(FIRST, len(some) - 1)
    for batch in some[:first]:
        step(batch)
    started = _now(device)
    for batch in some[first:]:
        step(batch)
    return (_now(device) - started) / len(some[first:])


def _now(device: torch.device) -> float:
    if device.type == "cuda":  # a GPU works on after the call has returned
        torch.cuda.synchronize(device)
    return time.perf_counter()
