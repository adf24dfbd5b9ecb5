"""What a run reports: its errors with the circumstances, in the stable form of ``metrics.json``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from torch import nn

from stlora.adapters import WrappedBackbone
from stlora.data import SensorSeries
from stlora.data.scaling import Scaler
from stlora.evaluation.errors import WindowErrors, WindowSums
from stlora.training.forecasts import choose_device, measure
from stlora.training.prepare import Prepared
from stlora.training.resources import ForwardClock, PeakMemory
from stlora.training.versions import versions_now

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Trained:
    """What a training run came to.

    Attributes:
        seconds: training time, validation included, interrupted parts included.
        epochs: epochs trained.
        val_mae: the best validation MAE, in the data's unit; the network has its weights.
        warnings: why the result may be worth little, a sentence each.
    """

    seconds: float
    epochs: int
    val_mae: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """How a network did over a split.

    Attributes:
        errors: see :class:`stlora.evaluation.metrics.ForecastErrors`.
        windows: the errors of each window.
        seconds: that it took.
        per_window: seconds of the network alone for a window, in batches of the size that was asked for.
    """

    errors: dict[str, Any]
    windows: WindowErrors
    seconds: float
    per_window: float


def timed_measure(model: nn.Module, data: Prepared, batch_size: int, device: str, split: str = "test") -> Measured:
    """The errors of a network over a split, in one pass, and the time that took."""
    where = choose_device(device)
    data.windows.to(where)
    model.to(where)
    starts: range = getattr(data.split, split)
    sums = WindowSums()
    started = time.perf_counter()
    with ForwardClock(model) as clock:
        errors = measure(model, data.windows, starts, batch_size, sums)
    seconds = time.perf_counter() - started
    first_target = data.series.time[starts.start + data.windows.history]
    kept = sums.finish(first_target, data.series.interval)
    return Measured(errors, kept, seconds, clock.seconds_per_window)


def adapter_entries(series: SensorSeries, scaler: Scaler) -> dict[str, Any]:
    """What an adapter's configuration file says of the data that it was fitted to."""
    return {
        "dataset": series.name,
        "unit": series.unit,
        "scaler_mean": scaler.mean,
        "scaler_std": scaler.std,
        "node_ids": list(series.node_ids),
    }


def run_metrics(
    data: Prepared,
    measured: Measured,
    model: nn.Module,
    *,
    backbone: str,
    adapter: str,
    seed: int,
    mode: str,
    seconds: dict[str, float],
    memory: PeakMemory,
    trained: Trained | None = None,
    split: str = "test",
) -> dict[str, Any]:
    """The content of ``metrics.json``.

    Args:
        data: that the network was trained on.
        measured: its errors over ``split``.
        model: the network.
        backbone: its name.
        adapter: its name, or none.
        seed: of the run.
        mode: fit, joint or frozen.
        seconds: ``fit`` of the backbone and ``adapt`` of what came after it.
        memory: counted since the run began.
        trained: how the training ended; None if a finished run is measured again.
        split: that was measured.
    """
    errors = measured.errors
    report = model.parameter_report() if isinstance(model, WrappedBackbone) else None
    count = sum(parameter.numel() for parameter in model.parameters())
    return {
        "format_version": FORMAT_VERSION,
        "dataset": data.series.name,
        "split": split,
        "backbone": backbone,
        "adapter": adapter,
        "seed": seed,
        "mode": mode,
        "parameters": {
            "backbone": report.backbone if report else count,
            "adapter": report.adapter if report else 0,
        },
        "measured": report.measured if report else 0,
        "horizons": errors["horizons"],
        "average": errors["average"],
        "pooled": errors["pooled"],
        "nodes": dict(zip(data.series.node_ids, errors["nodes"], strict=True)),
        "seconds": {**seconds, "evaluate": measured.seconds, "per_window": measured.per_window},
        "memory": memory.report(),
        "epochs": trained.epochs if trained else 0,
        "val_mae": trained.val_mae if trained else None,
        "warnings": list(trained.warnings) if trained else [],
        "device": data.windows.device.type,
        "versions": versions_now(adapter, data.windows.device),
    }
