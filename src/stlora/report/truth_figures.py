"""What is true of a simulated network, beside what the adapter learned of it."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stlora.report.content import KnownTruth
from stlora.report.style import ADAPTED, ALONE, GRID, INK, MUTED, new_figure, title

_DAYS = "MTWTFSS"


def profile_figure(truth: KnownTruth) -> Figure:
    """The week of every sensor, relative to its own mean, a panel for each kind of place."""
    kinds = sorted(set(truth.kinds))
    columns = min(2, len(kinds))
    rows = -(-len(kinds) // columns)
    figure, axes = new_figure(5.6, 1.35 * rows + 0.3, rows, columns)
    steps = truth.profiles.shape[1]
    days = np.arange(steps) * 7 / steps
    relative = truth.profiles / truth.profiles.mean(axis=1, keepdims=True)
    for axis, kind in zip(axes, kinds, strict=False):
        members = np.array(truth.kinds) == kind
        axis.plot(days, relative[members].T, color=MUTED, lw=0.6, alpha=0.45)
        axis.plot(days, relative[members].mean(axis=0), color=INK, lw=1.3)
        title(axis, kind)
        axis.set(xlim=(0, 7), ylim=(0, 1.05 * relative.max()))
        axis.set_xticks(np.arange(7) + 0.5, _DAYS)
        axis.set_yticks([])
        axis.grid(False)
        for day in range(1, 7):
            axis.axvline(day, color=GRID, lw=0.7, zorder=0)
    for axis in axes[len(kinds) :]:
        axis.set_visible(False)
    return figure


def similarity_figure(truth: KnownTruth) -> Figure:
    """Cosine similarity of the sensors' own weights, sorted by kind: blue alike, orange opposite."""
    order = np.argsort(np.array(truth.kinds), kind="stable")
    kinds, counts = np.unique(truth.kinds, return_counts=True)
    ends = np.cumsum(counts)
    figure, (axis,) = new_figure(5.6, 4.6)
    axis.imshow(_tint(truth.similarity[np.ix_(order, order)]), interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks(ends - counts / 2 - 0.5, kinds)
    axis.spines[:].set_visible(False)
    for end in ends[:-1]:
        axis.axhline(end - 0.5, color=MUTED, lw=0.6)
        axis.axvline(end - 0.5, color=MUTED, lw=0.6)
    return figure


def similarity_by_kind(truth: KnownTruth) -> tuple[float, float]:
    """Mean similarity of two sensors of one kind, and of two kinds; NaN where there is no such pair."""
    kinds = np.array(truth.kinds)
    same = kinds[:, None] == kinds
    pairs = ~np.eye(len(kinds), dtype=bool)
    within, between = truth.similarity[same & pairs], truth.similarity[~same]
    return tuple(float(part.mean()) if len(part) else float("nan") for part in (within, between))  # type: ignore[return-value]


def _tint(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours ``[N, N, 4]``, the more opaque the further from 0, so that 0 is the paper, light or dark."""
    tint = np.empty((*similarity.shape, 4))
    tint[..., :3] = np.where(similarity[..., None] >= 0, to_rgb(ADAPTED), to_rgb(ALONE))
    tint[..., 3] = np.abs(similarity).clip(0, 1)
    return tint
