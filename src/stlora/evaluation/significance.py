"""Whether two series of errors differ by more than chance: numbers alone, no runs and no tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.stats import norm, t

RESAMPLES = 2000
LEAST_BLOCKS = 10  # with fewer there is neither a test nor an interval; benchmarks/significance.py says why
LEAST_WINDOWS = 200  # for a test, however short a block is
_STILL = 1e-9  # of the largest difference: what varies by less does not vary


@dataclass(frozen=True)
class MeanTest:
    """Of the hypothesis that the mean of a series is 0.

    Attributes:
        mean: of the series.
        statistic: mean over its standard error; negative if the first of two forecasts is better.
        p: two-sided.
        freedom: degrees of freedom of that standard error.
        windows: length of the series.
    """

    mean: float
    statistic: float
    p: float
    freedom: float
    windows: int


def diebold_mariano(difference: NDArray[np.float64], horizon: int, block: int | None = None) -> MeanTest | None:
    """Whether two forecasts are equally good, by the differences of their losses.

    Diebold & Mariano (1995), Comparing predictive accuracy: the mean difference over its standard error, which counts
    that errors of windows near each other are alike. The standard error is that of the slowest movements alone, the
    first ν cosines over the series with equal weights, and the statistic is held against Student's t with ν degrees of
    freedom (Lazarus, Lewis, Stock & Watson 2018, HAR inference: recommendations for practice). ν is S over twice the
    block, or over four times the steps that count as one, (1 + ρ) / (1 - ρ) with ρ the first autocorrelation, if that
    is less. How often the test rejects where there is no difference is in results/significance.md.

    Args:
        difference: ``[S]`` loss of the first forecast minus that of the second, in order of time.
        horizon: steps ahead; forecast errors h steps ahead are dependent over at least h - 1 steps.
        block: steps after which errors say little of each other, such as those of a day; the horizon if that is more.

    Returns:
        None where nothing can be said: fewer than 10 blocks or 200 windows, a difference that is not finite, or one
        that is the same in all windows and not 0.

    Example:
        >>> difference = np.sin(np.arange(200.0) ** 2) - 0.5
        >>> test = diebold_mariano(difference, horizon=5)
        >>> round(test.mean, 2), test.freedom, test.p < 0.01
        (-0.5, 20, True)
        >>> diebold_mariano(difference[:199], horizon=5) is None
        True
    """
    count, block = len(difference), max(horizon, block or 1)
    if too_few(count, block) or not np.isfinite(difference).all():
        return None
    mean = float(difference.mean())
    most = float(np.abs(difference).max())
    if most == 0:  # the same forecasts
        return MeanTest(0.0, 0.0, 1.0, count // (2 * block), count)
    freedom = max(1, int(count / (2 * max(block, 2 * _steps_that_count_as_one(difference)))))
    error = math.sqrt(float(np.square(dct(difference, norm="ortho")[1 : 1 + freedom]).mean()) / count)
    if error <= _STILL * most:
        return None
    return MeanTest(mean, mean / error, float(2 * t.sf(abs(mean / error), freedom)), freedom, count)


def too_few(windows: int, block: int) -> bool:
    """Whether so many windows, of which only those a block apart say little of each other, allow no test."""
    return windows < max(LEAST_BLOCKS * block, LEAST_WINDOWS)


def _steps_that_count_as_one(series: NDArray[np.float64]) -> float:
    """(1 + ρ) / (1 - ρ), 1 at least; of ρ is taken off what a series of this length shows too little of it.

    Marriott & Pope (1954), Bias in the estimation of autocorrelations.
    """
    centred = series - series.mean()
    total = float(centred @ centred)
    rho = float(centred[1:] @ centred[:-1]) / total if total > 0 else 0.0
    rho = min(max(rho + (1 + 3 * rho) / len(series), 0.0), 1 - 1e-6)
    return (1 + rho) / (1 - rho)


def block_interval(
    first: NDArray[np.float64], second: NDArray[np.float64], counts: NDArray[np.float64], seed: int = 0
) -> tuple[float, float] | None:
    """A 95 % interval of a relative change of errors, in percent, by drawing blocks of time with replacement.

    Künsch (1989), The jackknife and the bootstrap for general stationary observations, with blocks that do not overlap:
    what depends on what stays together inside a block. Every draw takes the same blocks for both and for all seeds.
    As percentiles of few blocks lie too near to each other, they are those that Student's t has room for (Hesterberg
    2015, What teachers should know about the bootstrap, the expanded percentile interval).

    Args:
        first: ``[seeds, blocks, H]`` sums of errors of the forecast in question.
        second: ``[seeds, blocks, H]`` those of the one that it is compared with.
        counts: ``[blocks, H]`` how many errors each sum holds.
        seed: of the draws.

    Returns:
        Two percentiles over 2,000 draws, the 2.5th and the 97.5th if there are many blocks; None for fewer than 10, or
        where a draw has no change in percent.
    """
    blocks = len(counts)
    if blocks < LEAST_BLOCKS:
        return None
    draws = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), RESAMPLES)
    weights = draws.astype(np.float64)  # [draws, blocks]
    changes = relative_change(weights @ first, weights @ second, weights @ counts)
    if not np.isfinite(changes).all():
        return None
    outside = 100 * norm.cdf(t.ppf(0.025, blocks - 1) * math.sqrt(blocks / (blocks - 1)))
    low, high = np.percentile(changes, [outside, 100 - outside])
    return float(low), float(high)


def relative_change(
    first: NDArray[np.float64], second: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The change of the mean error over the steps in percent, paired by seed and averaged over the seeds.

    Args:
        first: ``[seeds, ..., H]`` sums of errors.
        second: ``[seeds, ..., H]`` those of what it is compared with.
        counts: ``[..., H]`` how many errors each sum holds; a step without any is left out.

    Returns:
        NaN where there are no errors at all, NaN or infinite where those of the second are 0.
    """
    steps = np.maximum((counts > 0).sum(axis=-1), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mine, other = (np.where(counts > 0, sums / counts, 0.0).sum(axis=-1) / steps for sums in (first, second))
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
