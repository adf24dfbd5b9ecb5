"""A network at a glance: what is missing, what a day looks like, where the sensors are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stlora.data.series import SensorSeries
from stlora.data.time.clock import clock, daily_profile, slots_of_a_day
from stlora.report.style import ADAPTED, ALONE, GRID, INK, MUTED, PAPER, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS, _ROWS = 600, 200  # of the picture of what is missing
_NAMES = 24  # at most so many sensors are named
_MISSING = LinearSegmentedColormap.from_list("missing", [PAPER, ALONE])
_LEVEL = LinearSegmentedColormap.from_list("level", ["#c9dcee", "#0f3a63"])


def network_figure(series: SensorSeries) -> Figure:
    """Missingness over time and sensors, each sensor's share of it, the mean day of each sensor, and a map.

    Args:
        series: the measurements; without coordinates there is no map.
    """
    figure = Figure(figsize=(11, 8.2), layout="constrained", facecolor=PAPER)
    top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.25, 1])[:, 0]
    gaps, shares = top.subplots(1, 2, sharey=True, width_ratios=[6, 1])
    places: NDArray[np.bool_] = np.zeros(series.num_nodes, dtype=bool)
    if series.coordinates is not None:
        places = np.asarray(np.isfinite(series.coordinates).all(axis=1))
    profile, *maps = bottom.subplots(1, 2 if places.any() else 1, squeeze=False)[0]
    for axis in (gaps, shares, profile, *maps):
        _dress(axis)
    _draw_gaps(gaps, series)
    _draw_shares(shares, series)
    _draw_profile(profile, series)
    for axis in maps:
        _draw_map(axis, series, places)
    figure.suptitle(
        f"{series.name}: {series.num_nodes:,} sensors, {series.num_steps:,} steps",
        x=0.01,
        ha="left",
        color=INK,
        parse_math=False,
    )
    return figure


def missing_share(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float64]:
    """Share of missing values in a grid of sensors by time, coarse enough to draw.

    Args:
        values: ``[T, N]``.
        rows: at most so many, along the sensors.
        columns: at most so many, along time.

    Returns:
        ``[min(rows, N), min(columns, T)]``.

    Example:
        >>> missing_share(np.array([[1, np.nan], [1, np.nan], [1, 1]]), rows=2, columns=3).tolist()
        [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    steps, nodes = values.shape
    first_step = np.arange(min(columns, steps)) * steps // min(columns, steps)
    first_node = np.arange(min(rows, nodes)) * nodes // min(rows, nodes)
    missing = np.add.reduceat(np.isnan(values), first_step, axis=0, dtype=np.int64)
    missing = np.add.reduceat(missing, first_node, axis=1)
    size = np.outer(np.diff([*first_step, steps]), np.diff([*first_node, nodes]))
    share: NDArray[np.float64] = (missing / size).T
    return share


def _dress(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(GRID)
    axis.tick_params(colors=MUTED, length=0)
    axis.xaxis.label.set_color(MUTED)
    axis.yaxis.label.set_color(MUTED)
    axis.set_axisbelow(True)


def _draw_gaps(axis: Axes, series: SensorSeries) -> None:
    wall = series.time.tz_localize(None)
    start, end = date2num([wall[0], wall[-1] + (wall[-1] - wall[0]) / max(1, len(wall) - 1)])  # type: ignore[no-untyped-call]
    share = missing_share(series.values, _ROWS, _COLUMNS)
    extent = (start, max(end, start + 1e-6), series.num_nodes - 0.5, -0.5)
    axis.imshow(share, cmap=_MISSING, vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=extent)
    axis.xaxis_date()
    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    named = np.arange(0, series.num_nodes, -(-series.num_nodes // _NAMES))
    axis.set_yticks(named, [series.node_ids[i] for i in named], fontsize=7)
    for label in axis.get_yticklabels():
        label.set_parse_math(False)
    title(axis, f"Missing values ({100 * np.isnan(series.values).mean():.1f} % of all)")


def _draw_shares(axis: Axes, series: SensorSeries) -> None:
    share = 100 * np.isnan(series.values).mean(axis=0)
    axis.barh(np.arange(series.num_nodes), share, height=1.0 if series.num_nodes > 100 else 0.8, color=ALONE, lw=0)
    axis.set_xlim(0, max(1.0, 1.05 * share.max()))
    axis.grid(axis="x", color=GRID, lw=0.7)
    axis.tick_params(labelleft=False)
    axis.set_xlabel("missing, %")
    title(axis, "by sensor")


def _draw_profile(axis: Axes, series: SensorSeries) -> None:
    interval = series.interval if series.num_steps > 1 else pd.Timedelta(days=1)
    slots = slots_of_a_day(interval)
    profile = daily_profile(series.values, clock(series.time)[:, 0], slots)  # [slots, N]
    seen = ~np.isnan(profile).any(axis=0)
    hours = np.arange(slots) * 24 / slots
    strength = float(np.clip(12 / max(1, series.num_nodes), 0.04, 0.5))
    marker = "o" if slots == 1 else None
    axis.plot(hours, profile[:, seen], color=ADAPTED, alpha=strength, lw=0.9, marker=marker)
    if seen.any():
        axis.plot(hours, np.median(profile[:, seen], axis=1), color=INK, lw=2, marker=marker)
    axis.set_xlim(0, 24)
    axis.set_xticks(range(0, 25, 3))
    axis.grid(axis="y", color=GRID, lw=0.7)
    axis.set_xlabel("hour of day")
    axis.set_ylabel(series.unit or "value", parse_math=False)
    title(axis, "Mean day of each sensor, and their median")


def _draw_map(axis: Axes, series: SensorSeries, places: NDArray[np.bool_]) -> None:
    assert series.coordinates is not None
    latitude, longitude = series.coordinates[places].T
    mean = np.ma.masked_invalid(np.ma.masked_invalid(series.values[:, places]).mean(axis=0))
    size = float(np.clip(3000 / len(latitude), 4, 60))
    dots = axis.scatter(longitude, latitude, c=mean, cmap=_LEVEL, s=size, lw=0, plotnonfinite=True)
    axis.set_aspect(1 / max(0.1, np.cos(np.radians(latitude.mean()))), adjustable="datalim")
    axis.grid(color=GRID, lw=0.7)
    axis.ticklabel_format(useOffset=False)
    axis.locator_params(nbins=5)
    axis.set_xlabel("longitude")
    axis.set_ylabel("latitude")
    assert axis.figure is not None
    bar = axis.figure.colorbar(dots, ax=axis, shrink=0.8, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=MUTED, length=0)
    bar.set_label(series.unit or "value", color=MUTED, parse_math=False)
    title(axis, "Where the sensors are, by their mean")
