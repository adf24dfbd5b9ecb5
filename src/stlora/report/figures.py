"""The figures of a comparison: error by step, forecast beside truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from stlora.evaluation.rows import Row
from stlora.report.content import ForecastExample, row_name, signed, span
from stlora.report.curves import WIDTH, Curve, curves_figure
from stlora.report.looks import looks_of
from stlora.report.style import ADAPTED, ALONE, GRID, INK, legend, new_figure, title


def horizon_figure(rows: Sequence[Row], alone: str, adapted: str, unit: str, interval: pd.Timedelta) -> Figure:
    """MAE by step ahead, a line for each row, with a band of one standard deviation over seeds.

    Args:
        rows: of the table.
        alone: name of the row that is the backbone alone.
        adapted: name of the row that is adapted.
        unit: of the data.
        interval: between two steps.
    """
    curves = [row_curve(row, _with_mode(row)) for row in rows]
    first = [
        _with_mode(row) for name in (alone, adapted) for row in rows if row_name(row.backbone, row.adapter) == name
    ]
    looks = looks_of([*first, *map(_with_mode, rows)])
    return curves_figure({"": curves}, looks, steps_label(interval), label("MAE", unit), marked=True, from_zero=True)


def row_curve(row: Row, name: str) -> Curve:
    """The MAE of a row by step ahead, with a band over its seeds."""
    steps = sorted(int(step) for step, measure in row.errors if measure == "mae" and step != "average")
    spreads = [row.errors[str(step), "mae"] for step in steps]
    mean, std = (np.array([getattr(spread, part) for spread in spreads]) for part in ("mean", "std"))
    return Curve(name, np.array(steps, dtype=np.float64), mean, std)


def steps_label(interval: pd.Timedelta) -> str:
    """Below an axis of steps."""
    return f"steps ahead, {span(interval)} each"


def _with_mode(row: Row) -> str:
    name = row_name(row.backbone, row.adapter)
    return name if row.mode != "joint" else f"{name}, joint"


def forecast_figure(
    examples: Sequence[ForecastExample], unit: str, interval: pd.Timedelta, titles: bool = True
) -> Figure:
    """Forecasts beside truth, a panel for each sensor, always the same number of steps ahead.

    Args:
        examples: a panel each, from top to bottom.
        unit: of the data.
        interval: between two steps.
        titles: whether a panel says whose it is and how much the adapter changed.
    """
    width = WIDTH if len(examples) == 1 else 9.0
    figure, axes = new_figure(width, 2.9 * len(examples) + 0.2, rows=len(examples))
    for axis, example in zip(axes, examples, strict=True):
        (truth,) = axis.plot(example.time, example.truth, color=INK, lw=1.0, alpha=0.75)
        (alone,) = axis.plot(example.time, example.alone, color=ALONE, lw=1.6)
        (adapted,) = axis.plot(example.time, example.adapted, color=ADAPTED, lw=1.6)
        if titles:
            title(
                axis,
                f"{example.node_id}, {span(example.step * interval)} ahead: "
                f"MAE {signed(example.change, 0)} % by the adapter",
            )
        locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
        axis.grid(axis="y", color=GRID, lw=0.7)
        axis.margins(x=0.01)
        axis.set_ylabel(unit, parse_math=False)
    names = ("measured", "backbone alone", "adapted")
    legend(figure, (truth, alone, adapted), names)
    return figure


def label(name: str, unit: str) -> str:
    """What is drawn, and in which unit."""
    return f"{name}, {unit}" if unit else name
