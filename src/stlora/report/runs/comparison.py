"""The page of a comparison, gathered from the files in its folder: nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stlora.backbones.own import is_factory
from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.evaluation.between import between
from stlora.evaluation.changes import Change, changes
from stlora.evaluation.rows import Row, by_column, summarise
from stlora.evaluation.time_of_day import mae_by_time_of_day
from stlora.report.comparison_content import ComparisonContent, Key, key_of
from stlora.report.content import NodeErrors, span
from stlora.report.runs.against_alone import hour_changes, step_changes
from stlora.report.runs.examples import node_errors, pick_examples, positions
from stlora.report.runs.node_factors import factors_and_days
from stlora.report.runs.protocol import protocol_lines
from stlora.training.comparing.columns import column_behind
from stlora.training.comparing.lists import names
from stlora.training.comparing.protocol_text import ABOUT_COSTS, about_changes, about_errors, about_others
from stlora.training.prepare import Prepared, open_run
from stlora.training.run import Run
from stlora.training.schemas import read_results

Metrics = dict[str, Any]
RunKey = tuple[str, str, str, int]  # backbone, adapter, mode and seed


def comparison_report(
    folder: Path, moved_to: str | None = None, modules: Sequence[str] = (), sensors: Sequence[str] = ()
) -> ComparisonContent:
    """Gather what the page shows.

    Args:
        folder: of the comparison.
        moved_to: where the data lies now, if not where it lay then.
        modules: ``package.module:factory`` of backbones of your own, whose code may be run.
        sensors: ids of those whose forecasts are drawn; the one helped most, the median and the one helped least if
            not given.

    Raises:
        InputError: nothing is finished, a file is missing or damaged, the data is not there or has changed, there is no
            such sensor, or sensors are asked for and nothing was adapted.
    """
    results = read_results(folder)
    metrics, protocol = results["runs"], results["protocol"]
    if not metrics:
        raise InputError(f"{folder} holds no finished run yet; give the command of the comparison again")
    runs = _find_runs(folder, metrics)
    data = open_run(next(iter(runs.values())).record(), moved_to=moved_to)
    positions(sensors, data.series)  # before anything that takes time
    errors = {key: run.errors() for key, run in runs.items()}
    rows = summarise(metrics)
    found, others = (compared(metrics, lambda run: errors[_key(run)]) for compared in (changes, between))
    hours = {}
    for row in rows:
        known = [kept for seed in row.seeds if (kept := errors[(*key_of(row), seed)]) is not None]
        if len(known) == len(row.seeds):
            hours[key_of(row)] = mae_by_time_of_day(known, _target_times(data))
    nodes = {key_of(change): _node_errors(change, metrics, data.series) for change in found}
    shown = _choose(found, protocol)
    if sensors and shown is None:
        raise InputError(f"nothing in {folder} was adapted, so no forecasts are drawn; leave the sensors out")
    content = ComparisonContent(
        title=f"{data.series.name}: a comparison",
        summary=_summary(rows, data),
        rows=rows,
        changes=found,
        others=others,
        notes={
            "errors": about_errors(protocol, rows, results.get("failed", {})),
            "changes": about_changes(found),
            **({"others": about_others(others)} if others else {}),
            "costs": ABOUT_COSTS,
        },
        unit=data.series.unit,
        interval=data.series.interval,
        hours=hours,
        without_hours=_without_hours(rows, hours),
        step_changes=step_changes(found, metrics),
        hour_changes=hour_changes(found, errors, _target_times(data)),
        nodes=nodes,
        failed=results.get("failed", {}),
        protocol=tuple(protocol_lines(protocol, data)),
    )
    return content if shown is None else _with_networks(content, shown, runs, data, modules, sensors)


def _find_runs(folder: Path, metrics: Sequence[Metrics]) -> dict[RunKey, Run]:
    """The folders of the runs in the tables.

    Raises:
        InputError: one is not there.
    """
    places = [path.parent for path in sorted((folder / "runs").glob("*/*/metrics.json"))]
    there = {_key(run.metrics): run for run in map(Run, places)}
    missing = [content for content in metrics if _key(content) not in there]
    if missing:
        backbone, adapter, mode, seed = _key(missing[0])
        raise InputError(
            f"{folder / 'results.json'} has {backbone}, {adapter} ({mode}), seed {seed}, and no folder under "
            f"{folder / 'runs'} does; give the command of the comparison again"
        )
    return {_key(content): there[_key(content)] for content in metrics}


def _key(metrics: Metrics) -> RunKey:
    return metrics["backbone"], metrics["adapter"], metrics["mode"], metrics["seed"]


def _target_times(data: Prepared) -> pd.DatetimeIndex:
    """Of the test windows, from the first step ahead of the first to the last of the last."""
    test, windows = data.split.test, data.windows
    return data.series.time[test.start + windows.history : test.stop + windows.history + windows.horizon - 1]


def _without_hours(rows: Sequence[Row], hours: Mapping[Key, object]) -> str:
    """Said of rows whose runs did not keep the errors of their windows."""
    without = [f"{row.backbone} {row.column}" for row in rows if key_of(row) not in hours]
    if not without:
        return ""
    names = "any row" if len(without) == len(rows) else ", ".join(without)
    return (
        f"There is no error by time of day of {names}: the runs were made by an earlier version, which did not keep "
        "the errors of every window."
    )


def _node_errors(change: Change, metrics: Sequence[Metrics], series: SensorSeries) -> NodeErrors:
    """Of each sensor, mean over the seeds."""
    groups = by_column(metrics)
    alone, adapted = groups[change.backbone, "none", "fit"], groups[key_of(change)]
    each = [node_errors(alone[seed], adapted[seed], series) for seed in change.seeds]
    means = [np.mean([getattr(errors, side) for errors in each], axis=0) for side in ("alone", "adapted")]
    return NodeErrors(series.node_ids, means[0], means[1], series.coordinates)


def _choose(found: Sequence[Change], protocol: dict[str, Any]) -> Change | None:
    """The change whose sensors are shown: the first with factors of the sensors' own, or else the first.

    The first by the order in which backbones and adapters were named, by the latest command.
    """
    forms, options = protocol.get("adapters", {}), protocol.get("options", {})
    backbones, adapters = (names(options[part]) if part in options else [] for part in ("backbones", "adapters"))
    columns = {key_of(change): column_behind(change.adapter, change.mode).name for change in found}
    found = sorted(found, key=lambda one: (_index(backbones, one.backbone), _index(adapters, columns[key_of(one)])))
    own = [change for change in found if forms.get(change.adapter, {}).get("node_factor", "none") != "none"]
    return next(iter([*own, *found]), None)


def _index(given: Sequence[str], name: str) -> int:
    return given.index(name) if name in given else len(given)


def _with_networks(
    content: ComparisonContent,
    shown: Change,
    runs: Mapping[RunKey, Run],
    data: Prepared,
    modules: Sequence[str],
    sensors: Sequence[str],
) -> ComparisonContent:
    """With what the trained networks of one change and its first seed say."""
    seed = shown.seeds[0]
    module = shown.backbone if is_factory(shown.backbone) and shown.backbone in modules else None
    alone, adapted = (runs[key].load(module) for key in ((shown.backbone, "none", "fit", seed), (*key_of(shown), seed)))
    return replace(
        content,
        shown=shown,
        seed=seed,
        examples=pick_examples(alone, adapted, data, content.nodes[key_of(shown)], median=True, sensors=sensors),
        factors=factors_and_days(adapted, data),
    )


def _summary(rows: Sequence[Row], data: Prepared) -> str:
    series = data.series
    names = list(dict.fromkeys(row.backbone for row in rows))
    columns = list(dict.fromkeys(row.column for row in rows if row.adapter != "none"))
    seeds = sorted({seed for row in rows for seed in row.seeds})
    text = (
        f"Forecasts of {series.num_nodes} sensors up to {span(data.windows.horizon * series.interval)} ahead by "
        f"{', '.join(names)}, with {len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
    )
    then = f"; also, where the tables have a row for it, as {', '.join(columns)}" if columns else ""
    return f"{text}{then}. All were measured on the same test windows, once, when their training was over."
