"""Measure a finished run again, from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from stlora.data.load import Data
from stlora.errors import InputError
from stlora.training.prepare import open_run
from stlora.training.resources import PeakMemory
from stlora.training.results import run_metrics, timed_measure
from stlora.training.run import Run
from stlora.training.surroundings import undisturbed


@undisturbed()
def evaluate(
    run: Run | str | Path,
    split: str = "test",
    data: str | None = None,
    series: Data | None = None,
    module: nn.Module | str | None = None,
    device: str = "auto",
) -> dict[str, Any]:
    """The metrics of a run, recomputed from its files; nothing is written.

    Args:
        run: a finished run, or its folder.
        split: train, val or test.
        data: the data's new place, if it was moved.
        series: the measurements, if they are at hand, or where they are.
        module: the backbone of your own, or ``package.module:factory`` to run that code, if the run has one.
        device: auto, cpu or cuda.

    Raises:
        InputError: the split is unknown, or a file or the data cannot be used.
    """
    if not isinstance(split, str):
        raise InputError(
            f"the split is a {type(split).__name__}; expected train, val or test, and measurements as series="
        )
    if split not in ("train", "val", "test"):
        raise InputError(f"split is {split!r}; choose train, val or test")
    run = Run(run)
    memory = PeakMemory()
    stored = run.metrics
    record = run.record()
    prepared = open_run(record, series, data)
    model = run.load(module)
    measured = timed_measure(model, prepared, record.fit["batch_size"], device, split)
    return run_metrics(
        prepared,
        measured,
        model,
        backbone=record.name,
        adapter=stored["adapter"],
        seed=stored["seed"],
        mode=stored["mode"],
        seconds={"fit": 0.0, "adapt": 0.0},
        memory=memory,
        split=split,
    )
