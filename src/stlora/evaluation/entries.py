"""The changes of a comparison, read again from its ``results.json``."""

from __future__ import annotations

import math
from typing import Any

from stlora.evaluation.changes import Change
from stlora.evaluation.significance import MeanTest


def change_of(entry: dict[str, Any]) -> Change:
    """What :meth:`stlora.evaluation.changes.Change.entry` wrote.

    The means of the tests are not kept there and NaN here.

    Args:
        entry: one of ``comparisons`` or ``between``.
    """
    steps = {**entry["steps"], "average": entry}
    tested = {step: part for step, part in steps.items() if part.get("p") is not None}
    interval, worst = entry["interval_percent"], entry["worst_sensor"]
    return Change(
        backbone=entry["backbone"],
        adapter=entry["adapter"],
        mode=entry["mode"],
        seeds=tuple(entry["seeds"]),
        percent={step: _number(part["change_percent"]) for step, part in steps.items()},
        tests={step: _test(part, entry["windows"]) for step, part in tested.items()},
        holm={step: part["p_holm"] for step, part in tested.items()},
        against=entry.get("against", "alone"),
        interval=None if interval is None else (_number(interval[0]), _number(interval[1])),
        blocks=entry["blocks"],
        block_days=entry["block_days"],
        val_percent=entry["val_change_percent"],
        sensors=entry["sensors"],
        improved=round((entry["share_improved"] or 0) * entry["sensors"]),
        worst=None if worst is None else (worst["id"], worst["change_percent"]),
        missing=entry["missing"] or "",
    )


def _number(value: float | None) -> float:
    """NaN is null in a file."""
    return math.nan if value is None else value


def _test(part: dict[str, Any], windows: int) -> MeanTest:
    return MeanTest(math.nan, part["statistic"], part["p"], part["freedom"], windows)
