"""Groups of sensors: what they measure through the day or week, and how alike an adapter found them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stlora.report.content import SensorGroups
from stlora.report.style import ADAPTED, ALONE, GRID, INK, MUTED, new_figure, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAYS = "MTWTFSS"
_LINES = 40  # at most so many sensors of a kind are drawn
_SHADES = 16


def profile_figure(groups: SensorGroups) -> Figure:
    """What every sensor measures, relative to itself, and the mean in bold, a panel for each kind."""
    kinds = sorted(set(groups.kinds))
    columns = min(2, len(kinds))
    rows = -(-len(kinds) // columns)
    figure, axes = new_figure(5.6, 1.35 * rows + 0.3, rows, columns)
    steps = groups.profiles.shape[1]
    days = (np.arange(steps) + 0.5) * groups.days / steps
    low, high = min(0, groups.profiles.min()), groups.profiles.max()
    for axis, kind in zip(axes, kinds, strict=False):
        members = groups.profiles[np.array(groups.kinds) == kind]
        axis.plot(days, members[:: -(-len(members) // _LINES)].T, color=MUTED, lw=0.6, alpha=0.45)
        axis.plot(days, members.mean(axis=0), color=INK, lw=1.3)
        title(axis, kind)
        axis.set(xlim=(0, groups.days), ylim=(1.05 * low, 1.05 * high))
        _mark_days(axis, groups.days)
        axis.set_yticks([])
        axis.grid(False)
    for axis in axes[len(kinds) :]:
        axis.set_visible(False)
    return figure


def _mark_days(axis: Axes, days: int) -> None:
    """The days of a week by their letters, or the hours of a single day."""
    if days == 7:
        axis.set_xticks(np.arange(7) + 0.5, _DAYS)
    else:
        axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "6", "12", "18", "24 h"])
    for mark in range(1, 7) if days == 7 else (0.25, 0.5, 0.75):
        axis.axvline(mark, color=GRID, lw=0.7, zorder=0)


def similarity_figure(kinds: Sequence[str], similarity: NDArray[np.float64]) -> Figure:
    """How alike sensors are, ``[N, N]`` between −1 and 1, sorted by kind: blue alike, orange opposite."""
    order = np.argsort(np.array(kinds), kind="stable")
    names, counts = np.unique(kinds, return_counts=True)
    ends = np.cumsum(counts)
    figure, (axis,) = new_figure(5.6, 4.6)
    axis.imshow(_tint(similarity[np.ix_(order, order)]), interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks(ends - counts / 2 - 0.5, names)
    axis.spines[:].set_visible(False)
    for end in ends[:-1]:
        axis.axhline(end - 0.5, color=MUTED, lw=0.6)
        axis.axvline(end - 0.5, color=MUTED, lw=0.6)
    return figure


def similarity_by_kind(groups: SensorGroups) -> tuple[float, float]:
    """Mean similarity of two sensors of one kind, and of two kinds; NaN where there is no such pair."""
    kinds = np.array(groups.kinds)
    same = kinds[:, None] == kinds
    pairs = ~np.eye(len(kinds), dtype=bool)
    within, between = groups.similarity[same & pairs], groups.similarity[~same]
    return tuple(float(part.mean()) if len(part) else float("nan") for part in (within, between))  # type: ignore[return-value]


def _tint(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours ``[N, N, 4]``, the more opaque the further from 0, so that 0 is the paper, light or dark.

    A few shades, so that the picture of many sensors stays small.
    """
    tint = np.empty((*similarity.shape, 4))
    tint[..., :3] = np.where(similarity[..., None] >= 0, to_rgb(ADAPTED), to_rgb(ALONE))
    tint[..., 3] = np.round(np.abs(similarity).clip(0, 1) * _SHADES) / _SHADES
    return tint
