"""Scales that a few extreme values do not flatten, and what is written where those are cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stlora.report.style import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_REACH = 3  # interquartile ranges beyond the quartiles
_RIM = 0.05  # of the values at either side may be cut off, at most
_WORTH = 1.5  # times the range: values that need less than this are not cut off
_LINES = 6  # of text in a corner, at most


def robust_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """From the least to the greatest value, or less where a few of them would flatten all others; always with zero.

    Values are cut off if they lie more than three interquartile ranges beyond the quartiles, are at most 5 % at their
    side, and the others would have less than two thirds of the scale.

    Args:
        values: of any shape; NaN is left out.

    Example:
        >>> robust_range(np.array([-4.0, -3.0, -2.0, -1.0]))
        (-4.0, 0.0)
        >>> robust_range(np.append(np.linspace(-10, -2, 60), 187.0))[1] < 15
        True
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 0.0
    least, low, first, third, high, most = np.quantile(known, [0, _RIM, 0.25, 0.75, 1 - _RIM, 1]).tolist()
    reach = _REACH * (third - first)
    low = min(0.0, low, max(least, first - reach))
    high = max(0.0, high, min(most, third + reach))
    least, most = min(0.0, least), max(0.0, most)
    if high == low or most - least <= _WORTH * (high - low):
        return least, most
    return low, high


def write_clipped(axis: Axes, texts: Sequence[str], colours: Sequence[str] = (), above: bool = True) -> None:
    """Write values that lie beyond the scale into the corner where sorted lines leave it, taken literally.

    Args:
        axis: with lines that rise from left to right.
        texts: a line each, the most extreme one first; of many the first ones and how many more there are.
        colours: of the texts; muted if not given.
        above: beyond the upper end, at the right, or beyond the lower end, at the left.
    """
    lines = list(zip(texts, colours or [MUTED] * len(texts), strict=True))
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], (f"and {len(lines) - _LINES + 1} more", MUTED)]
    for number, (text, colour) in enumerate(lines):
        axis.annotate(
            text,
            (0.955, 1.0) if above else (0.045, 0.0),
            xycoords="axes fraction",
            xytext=(0, (-1 if above else 1) * (2 + 8.5 * number)),
            textcoords="offset points",
            ha="right" if above else "left",
            va="top" if above else "bottom",
            fontsize=7.5,
            color=colour,
            parse_math=False,
        )
