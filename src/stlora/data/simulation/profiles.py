"""What a week looks like at a simulated sensor: kinds of places and their profiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WEEK_HOURS = 168.0


@dataclass(frozen=True)
class _Peak:
    """A bell in the day: its hour, its width (standard deviation, hours) and its height on Monday … Sunday."""

    hour: float
    width: float
    heights: tuple[float, float, float, float, float, float, float]


@dataclass(frozen=True)
class _Kind:
    """A kind of place: traffic at rest, peaks, and how far the peaks of single sensors shift (hours)."""

    rest: float
    shift: float
    peaks: tuple[_Peak, ...]


def _days(weekday: float, saturday: float, sunday: float) -> tuple[float, float, float, float, float, float, float]:
    return (weekday, weekday, weekday, weekday, weekday, saturday, sunday)


_KINDS = {
    "commuter-in": _Kind(
        0.10,
        0.8,
        (
            _Peak(7.5, 1.0, _days(1.0, 0.10, 0.05)),
            _Peak(13.0, 3.5, _days(0.20, 0.35, 0.25)),
            _Peak(17.5, 1.5, _days(0.30, 0.10, 0.10)),
        ),
    ),
    "commuter-out": _Kind(
        0.10,
        0.8,
        (
            _Peak(7.5, 1.2, _days(0.25, 0.05, 0.05)),
            _Peak(12.5, 3.5, _days(0.20, 0.35, 0.25)),
            _Peak(17.25, 1.3, _days(1.0, 0.15, 0.10)),
        ),
    ),
    "night": _Kind(
        0.12,
        1.0,
        (
            _Peak(22.5, 2.0, (0.50, 0.50, 0.60, 0.70, 1.00, 1.10, 0.40)),
            _Peak(4.0, 1.2, _days(0.70, 0.30, 0.10)),
        ),
    ),
    "weekend": _Kind(0.10, 1.0, (_Peak(14.5, 2.5, (0.15, 0.15, 0.15, 0.20, 0.35, 0.95, 1.15)),)),
    "school": _Kind(
        0.12,
        0.4,
        (
            _Peak(7.6, 0.5, _days(1.0, 0.0, 0.0)),
            _Peak(13.25, 0.6, _days(0.6, 0.0, 0.0)),
            _Peak(15.5, 3.0, _days(0.15, 0.15, 0.10)),
        ),
    ),
    "residential": _Kind(0.30, 1.0, (_Peak(13.5, 5.0, _days(0.35, 0.40, 0.35)),)),
}

KINDS = tuple(_KINDS)
"""The kinds of places, each with its own day and week."""


def draw_kinds(rng: np.random.Generator, num_nodes: int) -> tuple[str, ...]:
    """A kind for each of N sensors; all kinds are equally frequent, their places random.

    Example:
        >>> sorted(set(draw_kinds(np.random.default_rng(0), 6))) == sorted(KINDS)
        True
    """
    return tuple(KINDS[i] for i in rng.permutation(np.arange(num_nodes) % len(KINDS)))


def weekly_profiles(rng: np.random.Generator, kinds: tuple[str, ...], steps_per_day: int) -> NDArray[np.float32]:
    """Expected flow of every sensor in every step of a week that begins on Monday.

    Sensors of a kind differ in size and in the hour and height of each peak. A step stands for the time from
    its stamp to the next one and is read off the curve at its middle.

    Args:
        rng: source of the differences between sensors.
        kinds: one of :data:`KINDS` for each of the N sensors.
        steps_per_day: steps of a day.

    Returns:
        ``[N, 7 * steps_per_day]``, vehicles per hour.
    """
    hours = (np.arange(7 * steps_per_day) + 0.5) * 24 / steps_per_day
    size = 1200.0 * np.exp(0.35 * rng.normal(size=len(kinds)).clip(-2, 2))
    profiles = np.empty((len(kinds), len(hours)), dtype=np.float32)
    for name, kind in _KINDS.items():
        members = np.flatnonzero(np.array(kinds) == name)
        flow = np.full((len(members), len(hours)), kind.rest)
        for peak in kind.peaks:
            shift = kind.shift * rng.normal(size=(len(members), 1)).clip(-2, 2)
            height = np.exp(0.25 * rng.normal(size=(len(members), 1)).clip(-2, 2))
            flow += height * _weekly_bells(hours, peak, shift)
        profiles[members] = size[members, None] * flow
    return profiles


def _weekly_bells(hours: NDArray[np.float64], peak: _Peak, shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """The seven bells of a peak, ``[n, S]``; time is a circle, so that a Sunday night runs into Monday."""
    bells = np.zeros((len(shift), len(hours)))
    for day, height in enumerate(peak.heights):
        away = np.abs(hours - (24 * day + peak.hour + shift)) % _WEEK_HOURS
        away = np.minimum(away, _WEEK_HOURS - away)
        bells += height * np.exp(-0.5 * (away / peak.width) ** 2)
    return bells
