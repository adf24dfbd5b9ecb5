"""Fit a baseline into a run folder like any other, without epochs."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import asdict

from stlora.baselines import fit_baseline, takes
from stlora.baselines.registry import check_options
from stlora.errors import InputError
from stlora.training.config import FitPlan
from stlora.training.prepare import Prepared
from stlora.training.resources import PeakMemory
from stlora.training.results import Trained, run_metrics, timed_measure
from stlora.training.run import BackboneRecord, Run


def fit_baseline_run(config: FitPlan, data: Prepared, memory: PeakMemory) -> Run:
    """Fit the baseline ``config.backbone`` to the training part, and measure it.

    Options of the training do not matter to it, but for the seed where it draws rows; ``memory`` counts from the run's
    beginning.

    Raises:
        InputError: an adapter or weights are given, or the options or the data do not suit the baseline.
    """
    name = config.backbone
    if config.adapter != "none":
        raise InputError(
            f"{name} is calculated, so no adapter is trained jointly with it; fit it with --adapter none, "
            f"then adapt it: stlora adapt RUN --adapter {config.adapter}"
        )
    if config.backbone_weights is not None:
        raise InputError(f"{name} is calculated and takes no weights; leave --backbone_weights out")
    check_options(name, config.backbone_options)
    if takes(name, "seed"):
        config = dataclasses.replace(config, backbone_options={"seed": config.seed, **config.backbone_options})
    started = time.perf_counter()
    model = fit_baseline(
        name,
        data.series,
        data.split,
        data.scaler,
        config.history,
        config.horizon,
        data.windows.filling,
        **config.backbone_options,
    )
    fitting = time.perf_counter() - started
    run = Run(config.out)
    run.begin(config)
    validation = timed_measure(model, data, config.batch_size, config.device, "val")
    measured = timed_measure(model, data, config.batch_size, config.device)
    record = BackboneRecord.of(data.series, data.scaler, model, asdict(config))
    run.save_backbone(model, record, data.series.adjacency, data.windows.filling)
    run.finish(
        run_metrics(
            data,
            measured,
            model,
            backbone=name,
            adapter="none",
            seed=config.seed,
            mode="fit",
            seconds={"fit": fitting, "adapt": 0.0},
            memory=memory,
            trained=Trained(fitting, 0, validation.errors["pooled"]["mae"]),
        ),
        measured.windows,
    )
    return run
