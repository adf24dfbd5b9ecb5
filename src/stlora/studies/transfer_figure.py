"""The figure of the study of transfer: what every form changes here, against what it changes there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from stlora.report.content import signed
from stlora.report.style import ADAPTED, ALONE, GRID, MUTED, legend, new_figure, title
from stlora.studies.field_figure import tick
from stlora.studies.outcome import Outcome
from stlora.studies.sources import Group
from stlora.studies.transfers import Transfer, shared_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3


def transfer_figure(outcome: Outcome, found: Sequence[Transfer]) -> Figure:
    """Changes of the validation MAE, by which forms are chosen, on two data sets or backbones: a panel for each pair.

    Args:
        outcome: of the study.
        found: its transfers, both ways of each pair.
    """
    ways = {(one.source, one.target): one for one in found}
    pairs = [pair for pair in combinations(outcome.alone, 2) if pair in ways]
    columns = min(_COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    figure, axes = new_figure(max(5.2, 4.0 * columns), 4.2 * rows + 0.5, rows, columns)
    for axis, (here, there) in zip(axes, pairs, strict=False):
        _draw(axis, outcome, ways[here, there], ways[there, here])
    for axis in axes[len(pairs) :]:
        axis.set_visible(False)
    marks = {"a form of the adapter": (MUTED, MUTED, 5), "chosen by validation below": (ADAPTED, "none", 11)}
    marks["chosen by validation at the left"] = (ALONE, "none", 15)
    handles = [Line2D([], [], marker="o", lw=0, mec=edge, mfc=face, ms=size) for edge, face, size in marks.values()]
    legend(figure, handles, list(marks))
    return figure


def _draw(axis: Axes, outcome: Outcome, way: Transfer, back: Transfer) -> None:
    for here, there in shared_points(outcome, way.source, way.target):
        x, y, name = here.val_mean, there.val_mean, here.design.name
        axis.plot(x, y, "o", color=MUTED, ms=5, zorder=3)
        for chosen, colour, size in ((way.chosen, ADAPTED, 11), (back.chosen, ALONE, 15)):
            if name == chosen:
                axis.plot(x, y, "o", mfc="none", mec=colour, ms=size, mew=1.5, zorder=4)
    rank = "" if math.isnan(way.val_rank) else f"rank correlation {signed(way.val_rank, 2)}, "
    title(axis, f"{rank}regret {way.val_regret:.2f} points")
    axis.grid(color=GRID, lw=0.7)
    axis.margins(0.12)
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(FuncFormatter(lambda change, _: tick(change)))
    axis.set_xlabel(_label(way.source, way.chosen), parse_math=False)
    axis.set_ylabel(_label(way.target, back.chosen), parse_math=False)


def _label(group: Group, chosen: str) -> str:
    return f"{', '.join(group)}: change of validation MAE, %\nchosen by it: {chosen}"
