"""Train a backbone, alone or jointly with an adapter."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import nn

from stlora.adapters import WrappedBackbone
from stlora.backbones import own
from stlora.data import SensorSeries
from stlora.data.load import Data
from stlora.data.time.clock import slots_of_a_day
from stlora.errors import InputError
from stlora.training import models, together
from stlora.training.baseline import fit_baseline_run
from stlora.training.config import FitConfig, FitPlan, expect_config
from stlora.training.forecasts import network_forecast
from stlora.training.loop import train
from stlora.training.prepare import Prepared, open_series, prepare
from stlora.training.resources import PeakMemory
from stlora.training.results import adapter_entries, run_metrics, timed_measure
from stlora.training.run import BackboneRecord, Run
from stlora.training.surroundings import undisturbed
from stlora.training.task import ForecastTask
from stlora.training.weights import load_weights
from stlora.training.wrapping import check_from_scratch, wrap


def fit(
    config: FitConfig,
    series: Data | None = None,
    module: nn.Module | None = None,
    show: bool = False,
) -> Run:
    """Train a backbone, alone or jointly with an adapter, to its best validation MAE.

    Args:
        config: all options, those of the training where they differ from the recipe; 0 epochs take weights that are
            there as they are.
        series: the measurements, if they are at hand, or where they are; otherwise they are read from ``config.data``.
        module: a backbone of your own, ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units, in place of a name;
            its weights are trained from where they stand.
        show: progress on the terminal.

    Returns:
        The finished run; where ``torchrun`` started several processes, they train it together and the first writes it.

    Raises:
        InputError: the data, an option or the backbone cannot be used.

    Example:
        >>> import tempfile
        >>> from stlora.data import simulate
        >>> config = FitConfig(data="simulated", backbone="lstm", epochs=1, train_fraction=0.1,
        ...                    out=tempfile.mkdtemp() + "/run")
        >>> run = fit(config, series=simulate(num_nodes=6, days=7).series)
        >>> sorted(run.metrics["average"])
        ['mae', 'mape', 'rmse']
    """
    expect_config(config, FitConfig)
    with together.claim(config.out), undisturbed():
        return _fit(config, series, module, show)


def _fit(config: FitConfig, series: Data | None, module: nn.Module | None, show: bool) -> Run:
    memory = PeakMemory()
    together.join()
    series = open_series(config, series)
    config = dataclasses.replace(config, data_fingerprint=series.fingerprint())
    if module is not None:
        config = dataclasses.replace(config, backbone="custom")
    elif (own if own.is_factory(config.backbone) else models).takes(config.backbone, "steps_per_day"):
        day = slots_of_a_day(series.interval)
        config = dataclasses.replace(config, backbone_options={"steps_per_day": day, **config.backbone_options})
    plan = config.settled()
    run = Run(plan.out)
    if run.completed(plan):
        return run
    run.check_free(plan)
    options = asdict(plan)
    data = prepare(series, options)
    if models.is_baseline(plan.backbone):
        together.refuse(f"fitting {plan.backbone}")
        return fit_baseline_run(plan, data, memory)
    lightning.seed_everything(plan.seed, verbose=False)
    backbone = module if module is not None else _create(plan, series)
    if plan.backbone_weights is not None:
        load_weights(backbone, Path(plan.backbone_weights))
    model: nn.Module = backbone
    if plan.adapter != "none":
        check_from_scratch(plan.adapter)
        model = wrap(backbone, plan.adapter, plan.adapter_options, data, freeze=False)
    check_shape(model, data)

    task = ForecastTask(model, data.windows, data.split, plan)
    if together.is_first():
        run.begin(plan)
    trained = train(task, plan, run.folder, show)
    if not together.is_first():
        together.wait()
        return run
    measured = timed_measure(model, data, plan.batch_size, plan.device)
    record = BackboneRecord.of(series, data.scaler, backbone, options)
    run.save_backbone(backbone, record, series.adjacency, data.windows.filling)
    if isinstance(model, WrappedBackbone):
        model.save_pretrained(run.folder / "adapter", adapter_entries(series, data.scaler))
    run.finish(
        run_metrics(
            data,
            measured,
            model,
            backbone=plan.backbone,
            adapter=plan.adapter,
            seed=plan.seed,
            mode="fit" if plan.adapter == "none" else "joint",
            seconds={"fit": trained.seconds, "adapt": 0.0},
            memory=memory,
            trained=trained,
        ),
        measured.windows,
    )
    together.wait()
    return run


def _create(plan: FitPlan, series: SensorSeries) -> nn.Module:
    for name in ("history", "horizon", "num_nodes", "adjacency"):
        if name in plan.backbone_options:
            raise InputError(
                f"backbone_options has {name!r}, which follows from the data, --history, --horizon and --graph; "
                "leave it out there"
            )
    settings: dict[str, Any] = {"history": plan.history, "horizon": plan.horizon, **plan.backbone_options}
    if own.is_factory(plan.backbone):
        return own.build(plan.backbone, series.num_nodes, series.adjacency, **settings)
    if plan.epochs == 0 and plan.backbone_weights is None:
        raise InputError(
            f"epochs is 0 and {plan.backbone} has no weights yet; name trained ones with --backbone_weights, "
            "or train it for 1 epoch or more"
        )
    return models.create(plan.backbone, series.num_nodes, series.adjacency, **settings)


@torch.no_grad()
def check_shape(model: nn.Module, data: Prepared) -> None:
    """Try one window before a long training.

    Raises:
        InputError: the network fails on it, answers with another shape than ``[1, H, N, 1]``, or cannot be saved.
    """
    if not all(isinstance(value, torch.Tensor) for value in model.state_dict().values()):
        raise InputError("the backbone's state dict holds more than tensors, so it cannot be saved; remove the rest")
    x = data.windows.inputs(torch.tensor([0]))
    seen = [*x.shape[:3], int(getattr(model, "in_channels", 3))]
    training = model.training
    try:
        shape = tuple(network_forecast(model.eval(), x).shape)
    except InputError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"the backbone fails on a history of shape {seen} ([B, T, N, C]): {reason}; "
            "check its sizes and the layout it expects"
        ) from error
    finally:
        model.train(training)
    expected = (1, data.windows.horizon, data.windows.num_nodes, 1)
    if shape != expected:
        raise InputError(
            f"the backbone answers with shape {list(shape)}; expected {list(expected)} ([B, H, N, 1]); "
            "wrap it so that it does"
        )
