"""The tables of a comparison: what stands in which column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stlora.evaluation.changes import STEPS, Change
from stlora.evaluation.rows import NOTHING, Row, Spread


@dataclass(frozen=True)
class Table:
    """Cells of text.

    Attributes:
        header: of each column.
        body: the lines.
        words: how many columns, from the left, hold words and not numbers.
    """

    header: list[str]
    body: list[list[str]]
    words: int = 2


def overview(rows: Sequence[Row]) -> Table:
    """Errors and costs in one table, for a few rows."""
    errors = error_table(rows)
    costs = [[f"{row.parameters['backbone']:,}", _added(row), row.seconds.text(0)] for row in rows]
    body = [[*line, *cost] for line, cost in zip(errors.body, costs, strict=True)]
    return Table([*errors.header, "parameters", "added", "fit s"], body)


def error_table(rows: Sequence[Row]) -> Table:
    """Errors at steps 3, 6, 12 where the horizon has them and on average, and their change."""
    steps = [step for step in STEPS[:-1] if rows and (step, "mae") in rows[0].errors]
    header = ["backbone", "column", "seeds", *(f"MAE step {step}" for step in steps)]
    header += ["MAE average", "RMSE average", "MAPE average %", "Δ MAE %"]
    body = [
        [
            row.backbone,
            row.column,
            str(len(row.seeds)),
            *(row.errors[step, "mae"].text() for step in steps),
            row.errors["average", "mae"].text(),
            row.errors["average", "rmse"].text(),
            row.errors["average", "mape"].text(2),
            _text(row.change, 1, "+"),
        ]
        for row in rows
    ]
    return Table(header, body)


def cost_table(rows: Sequence[Row]) -> Table:
    """Parameters, what was measured beside them, time and memory."""
    gpu = any(row.costs["gpu_mb"] for row in rows)
    header = ["backbone", "column", "parameters", "added", "added %", "measured", "epochs", "fit s", "adapt s"]
    header += ["adapt / fit", "ms a window", "memory MB", *(["GPU MB"] if gpu else [])]
    body = []
    for row in rows:
        window, adapt, measured = row.costs["per_window"], row.costs["adapt"], row.costs["measured"]
        backbone, added = row.parameters["backbone"], row.parameters["adapter"]
        line = [
            row.backbone,
            row.column,
            f"{backbone:,}",
            _added(row),
            f"{100 * added / backbone:.1f}" if added and backbone else "",
            _mean(measured) if measured and measured.mean else "",
            row.epochs.text(0),
            _text(row.costs["fit"], 0),
            _text(adapt, 0) if adapt and adapt.mean else "",
            _share(adapt, row.costs["fit"]),
            "" if window is None else f"{1000 * window.mean:.3g}",
            _mean(row.costs["resident_mb"]),
        ]
        body.append([*line, _mean(row.costs["gpu_mb"])] if gpu else line)
    return Table(header, body)


def change_table(changes: Sequence[Change]) -> Table:
    """What each column changed, and how sure that is."""
    steps = [step for step in STEPS[:-1] if changes and step in changes[0].percent]
    header = ["backbone", "column", "seeds", "Δ MAE %", "95 % interval", "p", "p Holm", "ν"]
    header += [*(f"Δ step {step} %" for step in steps), "Δ validation %"]
    header += ["sensors improved", "worst sensor"]
    body = []
    for change in changes:
        test = change.tests.get("average")
        body.append(
            [
                change.backbone,
                change.column,
                str(len(change.seeds)),
                *how_sure(change),
                "" if test is None else f"{test.freedom:.0f}",
                *(_signed(change.percent[step]) for step in steps),
                "" if change.val_percent is None else _signed(change.val_percent),
                f"{change.improved} of {change.sensors}",
                "" if change.worst is None else f"{change.worst[0]} {change.worst[1]:+.1f} %",
            ]
        )
    return Table(header, body)


def how_sure(change: Change) -> list[str]:
    """Δ of the average MAE in percent, its interval, p, and p corrected for the number of rows."""
    test = change.tests.get("average")
    low, high = change.interval or (None, None)
    return [
        _signed(change.percent["average"]),
        "" if low is None else f"{low:+.1f} to {high:+.1f}",
        "" if test is None else _p(test.p),
        "" if test is None else _p(change.holm["average"]),
    ]


def _signed(percent: float) -> str:
    return NOTHING if math.isnan(percent) else f"{percent:+.1f}"


def _added(row: Row) -> str:
    return f"{row.parameters['adapter']:,}" if row.parameters["adapter"] else ""


def _text(spread: Spread | None, digits: int, sign: str = "") -> str:
    return "" if spread is None else spread.text(digits, sign)


def _mean(spread: Spread | None) -> str:
    return "" if spread is None else f"{spread.mean:,.0f}"


def _share(adapt: Spread | None, fit: Spread | None) -> str:
    """One mean over the other as 1/12, or 1/2.5 where it is near; as a number where adapting took longer."""
    if not adapt or not fit or not adapt.mean or not fit.mean:
        return ""
    times = fit.mean / adapt.mean
    if times < 1:
        return f"{1 / times:.1f}"
    return f"1/{times:.0f}" if times >= 10 else f"1/{times:.1f}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
