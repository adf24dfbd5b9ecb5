"""How often the test of a comparison finds a difference where there is none, and its interval holds the truth.

    python benchmarks/significance.py            # some minutes on one core
    python benchmarks/significance.py --small    # a twentieth of the series, to try it out

Draws differences of losses whose mean is 0 and gives them to the library's own functions, with fewer days and windows
than it accepts too. Writes results/significance.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from stlora.evaluation import significance
from stlora.evaluation.significance import LEAST_BLOCKS, LEAST_WINDOWS, block_interval, diebold_mariano

RESULT = Path(__file__).parents[1] / "results" / "significance.md"
SERIES = 10_000
A_DAY = 48  # steps of half an hour
HORIZON = 12
DAYS = (2, 3, 5, 7, 10, 14, 20, 40)
WINDOWS = (2, 3, 10, 30, 100, 120, 200, 400, 1000)
BLOCKS = (3, 5, 7, 10, 14, 20, 40)

Array = NDArray[np.float64]
Process = Callable[[np.random.Generator, int, int], Array]  # of series and steps: [series, steps]


def independent(rng: np.random.Generator, series: int, steps: int) -> Array:
    """Without memory."""
    return rng.normal(size=(series, steps))


def overlapping(rng: np.random.Generator, series: int, steps: int) -> Array:
    """Sums over as many steps as windows overlap: MA(horizon - 1)."""
    sums = np.cumsum(rng.normal(size=(series, steps + HORIZON)), axis=1)
    made: Array = sums[:, HORIZON:] - sums[:, :-HORIZON]
    return made


def autoregressive(rho: float, tails: float | None = None) -> Process:
    """AR(1) with normal shocks, or with those of Student's t with ``tails`` degrees of freedom."""

    def draw(rng: np.random.Generator, series: int, steps: int) -> Array:
        more = 0 if tails is None else 500  # until it has forgotten its start
        shocks = rng.normal(size=(series, steps)) if tails is None else rng.standard_t(tails, (series, steps + more))
        if tails is None:
            shocks[:, 0] /= np.sqrt(1 - rho**2)
        made: Array = lfilter([1], [1, -rho], shocks, axis=1)[:, more:]
        return made

    return draw


def days_of_their_own(rng: np.random.Generator, series: int, steps: int) -> Array:
    """Half of the variance belongs to whole days; busy hours vary more; a series begins at any time of the day."""
    time = np.arange(steps) + rng.integers(0, A_DAY, (series, 1))
    own = np.take_along_axis(rng.normal(size=(series, steps // A_DAY + 2)), time // A_DAY, axis=1)
    rest = np.sqrt(1 - 0.8**2) * autoregressive(0.8)(rng, series, steps)
    busy = 1 + 0.9 * np.sin(2 * np.pi * time / A_DAY)
    made: Array = busy * np.sqrt(0.5) * (own + rest)
    return made


def daily_cycle(rng: np.random.Generator, series: int, steps: int) -> Array:
    """One forecast is always better in the morning, the other in the evening."""
    time = np.arange(steps) + rng.integers(0, A_DAY, (series, 1))
    made: Array = np.sin(2 * np.pi * time / A_DAY) + autoregressive(0.8)(rng, series, steps)
    return made


PROCESSES: dict[str, Process] = {
    "independent": independent,
    "overlapping windows": overlapping,
    **{f"AR(1), ρ = {rho}": autoregressive(rho) for rho in (0.5, 0.8, 0.9, 0.95)},
    "AR(1), ρ = 0.8, heavy tails (t₃)": autoregressive(0.8, tails=3),
    "days of their own": days_of_their_own,
    "a daily cycle": daily_cycle,
}
PLAIN = list(PROCESSES)[:6]


def rejected(process: Process, steps: int, horizon: int, block: int | None, series: int) -> float:
    """Percent of the series with p below 0.05."""
    rng = np.random.default_rng([steps, horizon])
    hits = 0
    for first in range(0, series, 1000):
        tests = (diebold_mariano(each, horizon, block) for each in process(rng, min(1000, series - first), steps))
        hits += sum(test is not None and test.p < 0.05 for test in tests)
    return 100 * hits / series


def held(blocks: int, series: int) -> float:
    """Percent of the intervals that hold a change of 0; errors of a block scatter by a fifth, their ratio by 6 %."""
    rng, hits = np.random.default_rng(blocks), 0
    for _ in range(series):
        level = rng.gamma(25, 0.04, (1, blocks, 1))
        first, second = (level * rng.gamma(600, 1 / 600, (1, blocks, 1)) for _ in range(2))
        interval = block_interval(first, second, np.ones((blocks, 1)))
        assert interval is not None
        hits += interval[0] <= 0 <= interval[1]
    return 100 * hits / series


def table(head: str, sizes: Sequence[int], lines: Sequence[tuple[str, list[float]]], least: int) -> str:
    """In Markdown; what the library does not show is in brackets."""
    rows = [[head, *map(str, sizes)], ["---", *["---:"] * len(sizes)]]
    for name, values in lines:
        cells = [f"{value:.1f}" for value in values]
        rows.append([name, *(cell if size >= least else f"({cell})" for cell, size in zip(cells, sizes, strict=True))])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def page(series: int) -> str:
    """All tables."""
    significance.LEAST_BLOCKS, significance.LEAST_WINDOWS = 1, 1  # what is below them is measured, too
    few = max(1, series // 5)
    return f"""# The test and the interval of a comparison where there is no difference

`python benchmarks/significance.py`: {series:,} series a number, whose standard error is 0.2 at 10,000.
In brackets: what is measured here and never shown by the library.

## Percent of p below 0.05, by days

{A_DAY} steps a day, {HORIZON} steps ahead, blocks of a day, as in a comparison; ρ is from step to step.

{table("days", DAYS, [_line(name, DAYS, HORIZON, A_DAY, series) for name in PROCESSES], LEAST_BLOCKS)}

## Percent of p below 0.05, by windows, where a block is the horizon

{_by_windows(1, series)}

{_by_windows(HORIZON, series)}

## Percent of 95 % intervals that hold the truth, by blocks

{few:,} intervals a number; blocks do not depend on each other.

{table("blocks", BLOCKS, [("interval", [held(blocks, few) for blocks in BLOCKS])], LEAST_BLOCKS)}
"""


def _by_windows(horizon: int, series: int) -> str:
    names = [name for name in PLAIN if horizon > 1 or PROCESSES[name] is not overlapping]
    least = max(LEAST_BLOCKS * horizon, LEAST_WINDOWS)
    lines = [_line(name, WINDOWS, horizon, 1, series) for name in names]
    return table(f"windows, {horizon} step{'s' * (horizon > 1)} ahead", WINDOWS, lines, least)


def _line(name: str, sizes: Sequence[int], horizon: int, each: int, series: int) -> tuple[str, list[float]]:
    """One process over series of several lengths, of blocks of ``each`` steps."""
    return name, [rejected(PROCESSES[name], size * each, horizon, each, series) for size in sizes]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a twentieth of the series; nothing is written")
    small = parser.parse_args().small
    text = page(SERIES // 20 if small else SERIES)
    print(text)
    if not small:
        RESULT.write_text(text, encoding="utf-8")
