"""Whether two series of errors differ by more than chance: numbers alone, no runs and no tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

RESAMPLES = 2000
LEAST_BLOCKS = 5
ENOUGH_BLOCKS = 20  # with fewer an interval tends to be too narrow


@dataclass(frozen=True)
class MeanTest:
    """Of the hypothesis that the mean of a series is 0.

    Attributes:
        mean: of the series.
        statistic: mean over its standard error; negative if the first of two forecasts is better.
        p: two-sided.
        lag: up to which autocovariances were counted.
        windows: length of the series.
    """

    mean: float
    statistic: float
    p: float
    lag: int
    windows: int


def diebold_mariano(difference: NDArray[np.float64], horizon: int) -> MeanTest:
    """Whether two forecasts are equally good, by the differences of their losses.

    Diebold & Mariano (1995), Comparing predictive accuracy: the mean difference over its standard error, which counts
    that errors of windows side by side are alike. As a variance of few independent stretches is itself uncertain, and
    too small on average because the mean was taken off, it is divided by 1 - (lag + 1) / S and the statistic is held
    against Student's t with 1.5 S / (lag + 1) degrees of freedom, the equivalent ones of this weighting (Priestley
    1981, Spectral analysis and time series, table 6.2); with a lag of 0 that is close to the ordinary t test.

    Args:
        difference: ``[S]`` loss of the first forecast minus that of the second, in order of time.
        horizon: steps ahead; forecast errors h steps ahead are dependent over at least h - 1 steps.

    Example:
        >>> test = diebold_mariano(np.array([-1.0, -3.0, -2.0, -3.0, -1.0]), horizon=1)
        >>> test.mean, test.lag, round(test.p, 2)
        (-2.0, 1, 0.01)
    """
    count = len(difference)
    lag = bandwidth(difference, horizon)
    mean = float(difference.mean())
    if np.ptp(difference) == 0:  # nothing varies
        statistic = math.copysign(math.inf, mean) if mean else 0.0
    else:
        variance = long_run_variance(difference, lag) / (1 - (lag + 1) / count)
        statistic = mean / math.sqrt(variance / count)
    return MeanTest(mean, statistic, float(2 * t.sf(abs(statistic), 1.5 * count / (lag + 1))), lag, count)


def long_run_variance(series: NDArray[np.float64], lag: int) -> float:
    """The variance of a mean, times the length: γ₀ + 2 Σ (1 - k / (lag + 1)) γ_k, which is never negative.

    Newey & West (1987), A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent covariance
    matrix, eq. 5.

    Args:
        series: ``[S]``.
        lag: the last autocovariance that counts.
    """
    centred = series - series.mean()
    total = float(centred @ centred)
    for k in range(1, lag + 1):
        total += 2 * (1 - k / (lag + 1)) * float(centred[k:] @ centred[:-k])
    return total / len(series)


def bandwidth(series: NDArray[np.float64], horizon: int) -> int:
    """How many autocovariances count: at least horizon - 1, more if the series forgets slowly, at most a quarter of it.

    Twice the length that estimates the variance best, 1.1447 (α S)^(1/3) with α = 4 ρ² / (1 - ρ²)² and ρ the first
    autocorrelation (Andrews 1991, Heteroskedasticity and autocorrelation consistent covariance matrix estimation,
    eq. 6.2 and 6.4), because a test that holds its level needs a longer one (Sun, Phillips & Jin 2008, Optimal
    bandwidth selection in heteroskedasticity-autocorrelation robust testing).

    Args:
        series: ``[S]``.
        horizon: steps ahead of the forecast.
    """
    centred = series - series.mean()
    total = float(centred @ centred)
    rho = float(centred[1:] @ centred[:-1]) / total if total > 0 else 0.0
    slow: float = 2 * 1.1447 * (4 * rho**2 / (1 - rho**2) ** 2 * len(series)) ** (1 / 3)
    return max(0, min(max(horizon - 1, math.ceil(slow) - 1), len(series) // 4))


def block_interval(
    first: NDArray[np.float64], second: NDArray[np.float64], counts: NDArray[np.float64], seed: int = 0
) -> tuple[float, float] | None:
    """A 95 % interval of a relative change of errors, in percent, by drawing blocks of time with replacement.

    Künsch (1989), The jackknife and the bootstrap for general stationary observations, with blocks that do not overlap:
    what depends on what stays together inside a block. Every draw takes the same blocks for both and for all seeds.

    Args:
        first: ``[seeds, blocks, H]`` sums of errors of the forecast in question.
        second: ``[seeds, blocks, H]`` those of the one that it is compared with.
        counts: ``[blocks, H]`` how many errors each sum holds.
        seed: of the draws.

    Returns:
        The 2.5th and the 97.5th percentile over 2,000 draws; None for fewer than 5 blocks.
    """
    blocks = len(counts)
    if blocks < LEAST_BLOCKS:
        return None
    draws = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), RESAMPLES)
    weights = draws.astype(np.float64)  # [draws, blocks]
    changes = relative_change(weights @ first, weights @ second, weights @ counts)
    known = changes[~np.isnan(changes)]
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def relative_change(
    first: NDArray[np.float64], second: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The change of the mean error over the steps in percent, paired by seed and averaged over the seeds.

    Args:
        first: ``[seeds, ..., H]`` sums of errors.
        second: ``[seeds, ..., H]`` those of what it is compared with.
        counts: ``[..., H]`` how many errors each sum holds; a step without any is left out.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        mine, other = (np.nanmean(sums / counts, axis=-1) for sums in (first, second))
        change: NDArray[np.float64] = 100 * (mine / other - 1).mean(axis=0)
    return change


def holm(p: Sequence[float]) -> list[float]:
    """p-values of several tests, raised so that the chance of any false finding among them stays below the level.

    Holm (1979), A simple sequentially rejective multiple test procedure.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    raised, highest = [0.0] * len(p), 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        raised[index] = highest
    return raised
