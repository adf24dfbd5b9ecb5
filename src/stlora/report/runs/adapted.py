"""A report of finished runs: what their files say, gathered for the page."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from stlora._version import __version__
from stlora.data import SensorSeries, SimulatedNetwork
from stlora.errors import InputError
from stlora.evaluation.changes import too_short
from stlora.evaluation.rows import summarise
from stlora.report.content import ReportContent, SensorGroups, change_text, row_name, span
from stlora.report.runs.examples import node_errors, pick_examples
from stlora.report.runs.node_factors import node_similarity
from stlora.training.prepare import Prepared, check_fingerprint, open_run
from stlora.training.run import Run


def report_of(
    runs: Sequence[Run],
    series: SensorSeries,
    network: SimulatedNetwork | None = None,
    module: str | None = None,
    sensors: Sequence[str] = (),
) -> ReportContent:
    """Gather what a report of runs on one data set shows.

    Args:
        runs: the backbone alone first; the last one is adapted and compared with it sensor by sensor.
        series: the measurements that they were trained on.
        network: the truth behind the series, if it is simulated.
        module: ``package.module:factory``, if the backbone is of your own; runs that code.
        sensors: ids of those whose forecasts are drawn; the ones helped most and least if not given.

    Raises:
        InputError: a run is not finished, or was made with other data or on other windows; the last one has no
            adapter; or the series has no such sensor.
    """
    metrics = [run.metrics for run in runs]
    alone, adapted = metrics[0], metrics[-1]
    records = [run.record() for run in runs]
    for record in records:
        check_fingerprint(series, record.fit["data_fingerprint"])
    data = open_run(records[0], series)
    for run, record in zip(runs, records, strict=True):
        other = open_run(record, series)
        if (other.split, record.history, record.horizon) != (data.split, records[0].history, records[0].horizon):
            raise InputError(
                f"{run.folder} was measured on other windows than {runs[0].folder}; give runs with the same history, "
                "horizon and split"
            )
    if alone["adapter"] != "none" or adapted["adapter"] == "none":
        raise InputError(
            f"the first run has adapter {alone['adapter']} and the last one {adapted['adapter']}; "
            "give the backbone alone first and an adapted run last"
        )
    models = [run.load(module) for run in (runs[0], runs[-1])]
    nodes = node_errors(alone, adapted, series)
    return ReportContent(
        title=f"{_label(adapted)} on {series.name}",
        summary=_summary(alone, adapted, data),
        rows=summarise(metrics),
        alone=_label(alone),
        adapted=_label(adapted),
        unit=series.unit,
        interval=series.interval,
        nodes=nodes,
        examples=pick_examples(models[0], models[1], data, nodes, sensors=sensors),
        protocol=tuple(_protocol(metrics, runs, data)),
        truth=_truth(models[1], network),
    )


def _label(metrics: dict[str, Any]) -> str:
    return row_name(metrics["backbone"], metrics["adapter"])


def _summary(alone: dict[str, Any], adapted: dict[str, Any], data: Prepared) -> str:
    series, before, after = data.series, alone["average"]["mae"], adapted["average"]["mae"]
    unit = f" {series.unit}" if series.unit else ""
    how = (
        "its weights were then frozen and a node-adaptive adapter was fitted to its forecasts"
        if adapted["mode"] == "frozen"
        else "a node-adaptive adapter was trained together with it"
    )
    return (
        f"The backbone {alone['backbone']} was trained to forecast {series.num_nodes} sensors up to "
        f"{span(data.windows.horizon * series.interval)} ahead, with the same weights for all of them; {how}. "
        f"On days that neither had seen, the mean absolute error went from {before:.4g} to {after:.4g}{unit} "
        f"({change_text(before, after)}).{_chance(data)}"
    )


def _chance(data: Prepared) -> str:
    """Said where the test windows are too few to tell anything of other days."""
    reason = too_short(len(data.split.test), data.windows.horizon, data.series.interval)
    return f" Whether that is more than chance cannot be said: {reason}." if reason else ""


def _protocol(metrics: Sequence[dict[str, Any]], runs: Sequence[Run], data: Prepared) -> Iterator[tuple[str, str]]:
    series, split, windows = data.series, data.split, data.windows
    yield "Data", f"{series.name}; fingerprint {series.fingerprint()[:16]}…"
    yield "Period", f"{series.time[0]} to {series.time[-1]}, {series.num_steps:,} steps of {span(series.interval)}"
    yield "Sensors", f"{series.num_nodes:,}; {100 * series.observed.mean():.1f} % of their values were observed"
    yield "Task", f"{windows.history} past steps in, {windows.horizon} future steps out"
    first = series.time[split.test.start + windows.history]
    yield (
        "Split",
        f"{len(split.train):,} windows to train, {len(split.val):,} to validate, {len(split.test):,} to test, "
        f"in order of time; the first test target is {first}; neighbouring parts have "
        f"{split.shared_targets(windows.horizon)} target steps in common",
    )
    yield "Seeds", ", ".join(str(seed) for seed in sorted({run["seed"] for run in metrics}))
    for run, content in zip(runs, metrics, strict=True):
        yield _label(content), _how_trained(run, content)
    yield (
        "Versions",
        f"stlora {__version__}, torch {torch.__version__}, Python {platform.python_version()}; "
        f"device {metrics[-1]['device']}",
    )


def _how_trained(run: Run, metrics: dict[str, Any]) -> str:
    options = run.options
    frozen = metrics["mode"] == "frozen"
    parameters = metrics["parameters"]["adapter" if frozen else "backbone"]
    seconds = metrics["seconds"]["adapt" if frozen else "fit"]
    share = f", {100 * options['train_fraction']:.4g} % of the windows each" if options["train_fraction"] != 1 else ""
    text = (
        f"{metrics['mode']}; {parameters:,} parameters; {metrics['epochs']} epochs{share} in {seconds:.0f} s; "
        f"{options['optimizer']}, learning rate {options['learning_rate']:g}, schedule {options['schedule']}, "
        f"batches of {options['batch_size']}; the best epoch by validation MAE"
    )
    changed = {**options.get("backbone_options", {}), **options["adapter_options"]}
    return text + "".join(f"; {name}={value}" for name, value in changed.items())


def _truth(model: nn.Module, network: SimulatedNetwork | None) -> SensorGroups | None:
    similarity = node_similarity(model)
    if network is None or similarity is None:
        return None
    relative = network.profiles / network.profiles.mean(axis=1, keepdims=True)
    return SensorGroups(network.kinds, relative, similarity)
