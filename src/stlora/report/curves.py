"""Lines of several columns, a panel for each backbone: the form of most figures of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from stlora.report.clipping import robust_range, write_clipped
from stlora.report.content import signed
from stlora.report.looks import Look
from stlora.report.style import GRID, MUTED, legend, new_figure, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 5.6  # inches: two figures side by side on a screen, one on a phone
_WHOLE = 11.6  # of a figure that takes the place of two
_COLUMNS = 3


@dataclass(frozen=True, eq=False)
class Curve:
    """A line.

    Attributes:
        name: in the legend; lines of one name look alike in all panels.
        x: ``[P]``.
        y: ``[P]``, NaN where there is nothing.
        std: ``[P]`` half the width of a band around it; None without one.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    std: NDArray[np.float64] | None = None


def curves_figure(
    panels: Mapping[str, Sequence[Curve]],
    looks: Mapping[str, Look],
    x_label: str,
    y_label: str,
    marked: bool = False,
    from_zero: bool = False,
    robust: bool = False,
) -> Figure:
    """Lines in a panel, or in several with one scale.

    Args:
        panels: the lines of each by its title; a single panel has none.
        looks: of each name.
        x_label: below.
        y_label: at the left.
        marked: whether each point has a dot.
        from_zero: whether the scale begins there, and not where the lines do.
        robust: whether a few extreme values are cut off and written beside the ends of their lines, which rise.
    """
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    size = (WIDTH, 3.3) if columns == 1 else (_WHOLE, 2.2 * rows + 0.6)
    figure, axes = new_figure(*size, rows, columns)
    handles = {}
    for axis, (name, curves) in zip(axes, panels.items(), strict=False):
        for number, curve in enumerate(curves):
            look = looks[curve.name]
            (handles[curve.name],) = axis.plot(
                curve.x,
                curve.y,
                linestyle=look.dash,
                color=look.colour,
                lw=1.8 if columns == 1 else 1.4,
                marker=look.marker if marked else None,
                ms=3 if columns == 1 else 2.2,
                zorder=3 - number / 100,  # the first ones on top
            )
            if curve.std is not None and not np.isnan(curve.std).all():
                low, high = curve.y - curve.std, curve.y + curve.std
                axis.fill_between(curve.x, low, high, color=look.colour, alpha=0.15, lw=0)
        axis.grid(axis="y", color=GRID, lw=0.7)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.margins(x=0.03)
        if len(panels) > 1:
            title(axis, name)
    _one_scale(axes[: len(panels)], from_zero)
    if robust:
        _cut(axes[: len(panels)], list(panels.values()), looks)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for number, axis in enumerate(axes[: len(panels)]):
        if number + columns >= len(panels):
            axis.set_xlabel(x_label)
        if number % columns == 0:
            axis.set_ylabel(y_label, parse_math=False)
    legend(figure, list(handles.values()), list(handles))
    return figure


def _one_scale(axes: Sequence[Axes], from_zero: bool) -> None:
    """The same limits in all panels, and a line where nothing changed if that is among them."""
    limits = [axis.get_ylim() for axis in axes]
    low = 0.0 if from_zero else min(lower for lower, _ in limits)
    for axis in axes:
        axis.set_ylim(low, max(upper for _, upper in limits))
        if low < 0:
            axis.axhline(0, color=MUTED, lw=0.8, zorder=1)


def _cut(axes: Sequence[Axes], panels: Sequence[Sequence[Curve]], looks: Mapping[str, Look]) -> None:
    """A scale without what would flatten the lines; where one leaves it stand a mark and its last value."""
    ranges = [robust_range(curve.y) for curves in panels for curve in curves]
    low, high = min(lower for lower, _ in ranges), max(upper for _, upper in ranges)
    room = 0.04 * (high - low)
    for axis, curves in zip(axes, panels, strict=True):
        above = sorted((curve for curve in curves if curve.y[-1] > high), key=lambda curve: -curve.y[-1])
        below = sorted((curve for curve in curves if curve.y[0] < low), key=lambda curve: curve.y[0])
        if low < high:
            axis.set_ylim(low - room, high + room)
        for cut, end, edge, mark in ((above, -1, high + room, "^"), (below, 0, low - room, "v")):
            colours = [looks[curve.name].colour for curve in cut]
            for curve, colour in zip(cut, colours, strict=True):
                axis.plot(curve.x[end], edge, mark, color=colour, ms=4, clip_on=False)
            write_clipped(axis, [f"{signed(curve.y[end])} %" for curve in cut], colours, above=mark == "^")
