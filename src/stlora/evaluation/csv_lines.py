"""A comparison as CSV: every number at full precision, a line each, for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from stlora.evaluation.changes import STEPS, Change
from stlora.evaluation.failed import FAILED, FailedRow
from stlora.evaluation.rows import Row

HEADER = ("backbone", "adapter", "mode", "step", "measure", "mean", "std", "seeds", "sensor")
_COSTS = {"fit": "fit_seconds", "adapt": "adapt_seconds", "per_window": "seconds_per_window"}
_CHANGES = {"mae": "change_percent", "rmse": "rmse_change_percent", "mape": "mape_change_percent"}


def to_csv(rows: Sequence[Row], changes: Sequence[Change] = (), failed: Sequence[FailedRow] = ()) -> str:
    """Every number at full precision.

    Args:
        rows: of the tables.
        changes: of the rows against their backbones alone.
        failed: rows without a result, or with fewer seeds for it; ``seeds`` says how many of them failed.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        writer.writerows([row.backbone, row.adapter, row.mode, *line, ""] for line in _of_row(row))
    for change in changes:
        name, seeds = (change.backbone, change.adapter, change.mode), len(change.seeds)
        for step, measure, value, sensor in _of_change(change):
            writer.writerow([*name, step, measure, value, "", seeds, sensor])
    for lost in failed:
        writer.writerow([lost.backbone, lost.adapter, lost.mode, "", FAILED, "", "", len(lost.seeds), ""])
    return out.getvalue()


def _of_row(row: Row) -> Iterator[tuple[str, str, float, float | str, int]]:
    for (step, measure), spread in row.errors.items():
        yield step, measure, spread.mean, spread.std, spread.n
    for (step, measure), spread in row.changes.items():
        if step in STEPS:
            yield step, _CHANGES[measure], spread.mean, spread.std, spread.n
    for cost, known in row.costs.items():
        if known is not None:
            yield "", _COSTS.get(cost, cost), known.mean, known.std, known.n
    for part, count in row.parameters.items():
        yield "", f"parameters_{part}", count, "", len(row.seeds)


def _of_change(change: Change) -> Iterator[tuple[str, str, Any, str]]:
    for step, test in change.tests.items():
        yield step, "statistic", test.statistic, ""
        yield step, "p", test.p, ""
        yield step, "p_holm", change.holm[step], ""
        yield step, "freedom", test.freedom, ""
    if change.interval is not None:
        yield "average", "interval_low_percent", change.interval[0], ""
        yield "average", "interval_high_percent", change.interval[1], ""
    if change.val_percent is not None:
        yield "average", "val_change_percent", change.val_percent, ""
    if change.sensors:
        yield "average", "share_improved", change.improved / change.sensors, ""
    if change.worst is not None:
        yield "average", "worst_sensor_change_percent", change.worst[1], change.worst[0]
