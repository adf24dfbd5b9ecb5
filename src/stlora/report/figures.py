"""The figures of a comparison: error by step, change by sensor, a map, forecast beside truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stlora.evaluation.rows import Row
from stlora.report.content import ForecastExample, NodeErrors, row_name, signed, span
from stlora.report.curves import WIDTH, Curve, colours_of, curves_figure
from stlora.report.style import ADAPTED, ALONE, GRID, INK, MUTED, legend, new_figure, title


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
    colours = colours_of([row_name(row.backbone, row.adapter) for row in rows], alone, adapted)
    by_curve = {_with_mode(row): colours[row_name(row.backbone, row.adapter)] for row in rows}
    return curves_figure({"": curves}, by_curve, steps_label(interval), label("MAE", unit), marked=True, from_zero=True)


def row_curve(row: Row, name: str) -> Curve:
    """The MAE of a row by step ahead, with a band over its seeds; broken where both were trained together."""
    steps = sorted(int(step) for step, measure in row.errors if measure == "mae" and step != "average")
    spreads = [row.errors[str(step), "mae"] for step in steps]
    mean, std = (np.array([getattr(spread, part) for spread in spreads]) for part in ("mean", "std"))
    return Curve(name, np.array(steps, dtype=np.float64), mean, std, dashed=row.mode == "joint")


def steps_label(interval: pd.Timedelta) -> str:
    """Below an axis of steps."""
    return f"steps ahead, {span(interval)} each"


def _with_mode(row: Row) -> str:
    name = row_name(row.backbone, row.adapter)
    return name if row.mode != "joint" else f"{name}, joint"


def node_figure(nodes: NodeErrors) -> Figure:
    """Change of each sensor's MAE by the adapter, from the one helped most to the one helped least."""
    figure, (axis,) = new_figure(WIDTH, 3.3)
    change = np.sort(nodes.change[np.isfinite(nodes.change)])
    edges = np.arange(len(change) + 1) + 0.5
    axis.stairs(np.minimum(change, 0), edges, fill=True, color=ADAPTED, lw=0)
    axis.stairs(np.maximum(change, 0), edges, fill=True, color=ALONE, lw=0)
    axis.axhline(0, color=MUTED, lw=0.8)
    axis.grid(axis="y", color=GRID, lw=0.7)
    axis.set_xlim(0.5, max(1, len(change)) + 0.5)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("sensors, the one helped most first")
    axis.set_ylabel("change of MAE, %")
    return figure


def map_figure(nodes: NodeErrors) -> Figure:
    """Where the adapter helped: a disc for each sensor, its area the size of the change.

    Raises:
        ValueError: no sensor has coordinates.
    """
    if nodes.coordinates is None:
        raise ValueError("a map needs coordinates")
    place = np.isfinite(nodes.coordinates).all(axis=1)
    latitude, longitude = nodes.coordinates[place].T
    change = nodes.change[place]
    largest = np.nanmax(np.abs(change), initial=1.0)
    figure, (axis,) = new_figure(WIDTH, 3.9)
    unknown = np.isnan(change)
    axis.scatter(longitude[unknown], latitude[unknown], s=12, facecolors="none", edgecolors=MUTED, lw=0.8)
    for colour, chosen in ((ADAPTED, change < 0), (ALONE, change >= 0)):
        area = 8 + 220 * np.abs(change[chosen]) / largest
        axis.scatter(longitude[chosen], latitude[chosen], s=area, color=colour, alpha=0.55, lw=0)
    axis.set_aspect(1 / max(0.1, np.cos(np.radians(latitude.mean()))), adjustable="datalim")
    axis.margins(0.08)
    axis.grid(color=GRID, lw=0.7)
    axis.ticklabel_format(useOffset=False)
    axis.locator_params(nbins=5)
    axis.set_xlabel("longitude")
    axis.set_ylabel("latitude")
    return figure


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
