"""The figure of the study of a field: what each value changes, and what it costs in parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from stlora.report.style import ADAPTED, ALONE, GRID, INK, MUTED, OTHERS, legend, new_figure
from stlora.studies.designs import Design, value_text
from stlora.studies.outcome import Outcome, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (ADAPTED, ALONE, *OTHERS)
_MARKERS = "os^Dvp*X"


def field_figure(field: str, designs: Sequence[Design], outcome: Outcome) -> Figure:
    """Change of the test MAE against the value, a line for each data set and backbone, and below the parameters.

    Args:
        field: that was studied.
        designs: the adapter with each value, in order.
        outcome: of the study.
    """
    figure, (above, below) = new_figure(6.4, 4.6, rows=2)
    grid = above.get_gridspec()
    assert grid is not None, "both are made by it"
    grid.set_height_ratios([3.4, 1])
    places = {design.name: place for place, design in enumerate(designs)}
    numbers = all(not isinstance(design.changes[field], (str, bool)) for design in designs)
    groups = [group for group in outcome.alone if outcome.of(group)]
    shifts = _shifts(len(groups), 0.12 if numbers else 0.3)
    handles, names = [], []
    for number, group in enumerate(groups):
        colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]
        x = {name: place + shifts[number] for name, place in places.items()}
        style: dict[str, Any] = {"color": colour, "marker": marker, "ls": "-" if numbers else ""}
        _draw(above, below, outcome.of(group), x, style)
        chosen = outcome.chosen(group)
        if chosen is not None:
            above.plot(x[chosen.design.name], chosen.change.mean, "o", ms=12, mfc="none", mec=colour, mew=1.4, zorder=4)
        handles.append(Line2D([], [], ms=4.5, lw=1.6, **style))
        seeds = len(outcome.alone[group].seeds)
        names.append(f"{', '.join(group)} ({seeds} seed{'s' if seeds > 1 else ''})")
    handles.append(Line2D([], [], ls="", marker="o", ms=10, mfc="none", mec=MUTED, mew=1.4))
    names.append("chosen by validation")
    _scale_changes(above)
    _scale_parameters(below, [point.added for point in outcome.points if point.added])
    _name_values(above, below, field, designs)
    legend(figure, handles, names)
    return figure


def _shifts(count: int, width: float) -> list[float]:
    """To the left and right of a value, so that bars at one value can be told apart."""
    return [width * (number - (count - 1) / 2) / max(1, count - 1) for number in range(count)]


def _draw(
    above: Axes, below: Axes, points: Sequence[Point], places: Mapping[str, float], style: dict[str, Any]
) -> None:
    x = [places[point.design.name] for point in points]
    mean = [point.change.mean for point in points]
    std = [0.0 if math.isnan(point.change.std) else point.change.std for point in points]
    above.errorbar(x, mean, std, ms=4.5, lw=1.6, elinewidth=1, zorder=3, **style)
    below.plot(x, [point.added for point in points], ms=3.2, lw=1.1, **style)


def _scale_changes(axis: Axes) -> None:
    """With a line at zero, where the backbone alone is, unless all changes are far from it."""
    low, high = axis.get_ylim()
    if low < 0 < high + 0.25 * (high - low):
        axis.set_ylim(top=max(high, 0.05 * (high - low)))
        axis.axhline(0, color=MUTED, lw=0.8, zorder=1)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda change, _: tick(change)))
    axis.set_ylabel("change of test MAE, %")


def tick(change: float) -> str:
    """A change on an axis.

    Example:
        >>> tick(-2.0), tick(0.5), tick(0.0)
        ('−2', '+0.5', '0')
    """
    return f"{change:+g}".replace("-", "−") if change else "0"


def _scale_parameters(axis: Axes, counts: Sequence[int]) -> None:
    if counts and max(counts) > 8 * min(counts):
        axis.set_yscale("log")
        axis.yaxis.set_minor_formatter(NullFormatter())
    else:
        axis.set_ylim(0, 1.2 * max(counts, default=1))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    axis.set_ylabel("added\nparameters")


def _name_values(above: Axes, below: Axes, field: str, designs: Sequence[Design]) -> None:
    values = [value_text(design.changes[field]) for design in designs]
    for axis in (above, below):
        axis.set_xticks(range(len(values)), values if axis is below else [""] * len(values))
        axis.set_xlim(-0.5, len(values) - 0.5)
        axis.grid(axis="y", color=GRID, lw=0.7)
    below.set_xlabel(field, color=INK, parse_math=False)
