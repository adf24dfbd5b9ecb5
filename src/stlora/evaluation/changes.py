"""What one column of a comparison changed against another, its backbone alone above all, and how sure that is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.evaluation.rows import by_column, column_label, error, percent
from stlora.evaluation.significance import (
    LEAST_BLOCKS,
    LEAST_WINDOWS,
    MeanTest,
    block_interval,
    diebold_mariano,
    holm,
    too_few,
)

if TYPE_CHECKING:
    from stlora.evaluation.errors import WindowErrors

STEPS = ("3", "6", "12", "average")
ALONE = ("none", "fit")
BySeed = Mapping[int, dict[str, Any]]
Pairs = Sequence[tuple[dict[str, Any], dict[str, Any]]]


@dataclass(frozen=True)
class Change:
    """A column against another one of its backbone, over the seeds that have both.

    Attributes:
        backbone: its name.
        adapter: its name, or ``trained-on``.
        mode: frozen, joint or fit.
        seeds: that have both, in order.
        percent: change of the MAE by step and on average, paired by seed, mean over the seeds.
        against: the other column, for people.
        tests: Diebold–Mariano, by the same names; those that can be made.
        holm: their p-values, corrected for the number of rows that have one.
        interval: 95 % of the average change, in percent, over blocks of whole days; None where there are too few.
        blocks: how many blocks there were.
        block_days: days in one.
        val_percent: change of the best validation MAE, by which weights were chosen.
        sensors: that have a change.
        improved: sensors of them whose error fell, over all steps, mean over the seeds.
        worst: the sensor whose error grew most, or fell least, and its change in percent.
        missing: why there is no test of the average; empty if there is.
    """

    backbone: str
    adapter: str
    mode: str
    seeds: tuple[int, ...]
    percent: dict[str, float]
    against: str = "alone"
    tests: dict[str, MeanTest] = dataclasses.field(default_factory=dict)
    holm: dict[str, float] = dataclasses.field(default_factory=dict)
    interval: tuple[float, float] | None = None
    blocks: int = 0
    block_days: int = 1
    val_percent: float | None = None
    sensors: int = 0
    improved: int = 0
    worst: tuple[str, float] | None = None
    missing: str = ""

    @property
    def column(self) -> str:
        """What was done to the backbone, for people."""
        return column_label(self.adapter, self.mode)

    def entry(self) -> dict[str, Any]:
        """For ``results.json``."""
        tests = {
            step: {
                "statistic": test.statistic,
                "p": test.p,
                "p_holm": self.holm[step],
                "freedom": test.freedom,
            }
            for step, test in self.tests.items()
        }
        average = tests.get("average", {})
        return {
            "backbone": self.backbone,
            "adapter": self.adapter,
            "mode": self.mode,
            "against": self.against,
            "seeds": list(self.seeds),
            "n_seeds": len(self.seeds),
            "change_percent": self.percent["average"],
            "interval_percent": self.interval,
            **{name: average.get(name) for name in ("statistic", "p", "p_holm", "freedom")},
            "windows": self.tests["average"].windows if self.tests else None,
            "blocks": self.blocks,
            "block_days": self.block_days,
            "steps": {
                step: {"change_percent": value, **tests.get(step, {})}
                for step, value in self.percent.items()
                if step != "average"
            },
            "val_change_percent": self.val_percent,
            "sensors": self.sensors,
            "share_improved": self.improved / self.sensors if self.sensors else None,
            "worst_sensor": None if self.worst is None else {"id": self.worst[0], "change_percent": self.worst[1]},
            "missing": self.missing or None,
        }


def changes(runs: Sequence[dict[str, Any]], errors: Callable[[dict[str, Any]], WindowErrors | None]) -> list[Change]:
    """One for each column but ``none`` that shares a seed with its backbone alone.

    Args:
        runs: contents of ``metrics.json``.
        errors: those of the test windows of such a run, or None if it did not keep them.
    """
    groups = by_column(runs)
    alone = {backbone: by_seed for (backbone, adapter, mode), by_seed in groups.items() if (adapter, mode) == ALONE}
    columns = [
        paired(by_seed, alone.get(backbone, {}))
        for (backbone, adapter, _), by_seed in groups.items()
        if adapter != "none"
    ]
    return tested(columns, errors)


def paired(mine: BySeed, other: BySeed) -> Pairs:
    """The runs of two columns, one pair for each seed that both have."""
    return [(run, other[seed]) for seed, run in mine.items() if seed in other]


def tested(columns: Sequence[Pairs], errors: Callable[[dict[str, Any]], WindowErrors | None]) -> list[Change]:
    """The changes of several columns, whose p-values are corrected for their number; one without a pair is left out.

    Args:
        columns: pairs of the contents of ``metrics.json``, each of a column and of the one that it is set against.
        errors: as of :func:`changes`.
    """
    found = [
        _with_tests(_from_metrics(pairs), [(errors(run), errors(other)) for run, other in pairs])
        for pairs in columns
        if pairs
    ]
    for step in STEPS:
        known = [index for index, change in enumerate(found) if step in change.tests]
        raised = holm([found[index].tests[step].p for index in known])
        for index, p in zip(known, raised, strict=True):
            found[index].holm[step] = p
    return found


def _from_metrics(pairs: Pairs) -> Change:
    run, against = pairs[0]
    steps = [step for step in STEPS if step == "average" or step in run["horizons"]]
    validation = [percent(mine.get("val_mae"), other.get("val_mae")) for mine, other in pairs]
    known = [value for value in validation if value is not None]
    complete = len(known) == len(pairs)
    sensors = _sensors(pairs)
    worst = max(sensors, key=lambda name: sensors[name], default=None)
    return Change(
        backbone=run["backbone"],
        adapter=run["adapter"],
        mode=run["mode"],
        against=column_label(against["adapter"], against["mode"]),
        seeds=tuple(mine["seed"] for mine, _ in pairs),
        percent={
            step: float(np.mean([_change(error(mine, step), error(other, step)) for mine, other in pairs]))
            for step in steps
        },
        val_percent=float(np.mean(known)) if complete else None,
        sensors=len(sensors),
        improved=sum(value < 0 for value in sensors.values()),
        worst=None if worst is None else (worst, sensors[worst]),
    )


def _change(value: float, other: float) -> float:
    """In percent; NaN where the backbone alone makes no error."""
    change = percent(value, other)
    return math.nan if change is None else change


def _sensors(pairs: Pairs) -> dict[str, float]:
    """The change of each sensor's MAE in percent, of the means over the seeds; those without an error are left out."""
    changed = {}
    for name in pairs[0][0]["nodes"]:
        values = [[run["nodes"][name]["mae"] for run in pair] for pair in pairs]
        if all(value is not None for pair in values for value in pair):
            mine, other = np.sum(values, axis=0)
            if other > 0:
                changed[name] = float(100 * (mine / other - 1))
    return changed


def _with_tests(change: Change, pairs: Sequence[tuple[WindowErrors | None, WindowErrors | None]]) -> Change:
    known = [(mine, other) for mine, other in pairs if mine is not None and other is not None]
    if len(known) < len(pairs):
        return dataclasses.replace(change, missing="the errors of its windows were not kept")
    first = known[0][0]
    if not all(first.is_aligned_with(errors) for pair in known for errors in pair):
        return dataclasses.replace(change, missing="its runs were measured on different windows")
    mine, other = (
        np.stack([errors.absolute.numpy().astype(np.float64) for errors in side]) for side in zip(*known, strict=True)
    )  # [seeds, S, H]
    observed = first.observed.numpy().astype(np.float64)  # [S, H]
    counts = observed.mean(axis=0)
    seen = counts > 0  # [H]
    series = (mine - other).mean(axis=0)[:, seen] / counts[seen]
    block, block_days = _blocks(first)
    change = dataclasses.replace(change, blocks=len(block), block_days=block_days)
    if reason := too_short(len(series), len(seen), first.interval):
        return dataclasses.replace(change, missing=reason)
    steps = round(pd.Timedelta(days=block_days) / first.interval)
    tests = {step: test for step in change.percent if (test := _test(series, seen, step, steps)) is not None}
    in_blocks = [np.add.reduceat(side, block, axis=-2) for side in (mine, other, observed)]
    return dataclasses.replace(
        change,
        tests=tests,
        interval=block_interval(in_blocks[0], in_blocks[1], in_blocks[2]),
        missing="" if "average" in tests else "its errors differ by the same in all windows, or are not finite",
    )


def _test(series: NDArray[np.float64], seen: NDArray[np.bool_], step: str, block: int) -> MeanTest | None:
    """Of the differences ``[S, steps seen]``; their mean over the windows is the difference of the table's errors."""
    if step == "average":
        return diebold_mariano(series.mean(axis=1), len(seen), block) if seen.any() else None
    index = int(step) - 1
    return diebold_mariano(series[:, seen[:index].sum()], int(step), block) if seen[index] else None


def too_short(windows: int, horizon: int, interval: pd.Timedelta) -> str:
    """Why test windows allow neither a test nor an interval; empty if they do.

    Args:
        windows: S.
        horizon: H.
        interval: between two windows.

    Example:
        >>> too_short(399, 12, pd.Timedelta("5min"))
        'the 399 test windows span 1.39 days, too few to tell a change from chance, which takes 10 days'
    """
    day = pd.Timedelta(days=1)
    block = _block_days(horizon, interval) * day
    if not too_few(windows, round(block / interval)):
        return ""
    least = max(LEAST_BLOCKS * block, LEAST_WINDOWS * interval) / day
    return (
        f"the {windows:,} test window{'s' * (windows != 1)} span {windows * interval / day:.3g} days, too few to tell "
        f"a change from chance, which takes {least:,.4g} days"
    )


def untested(changes: Sequence[Change]) -> str:
    """Why none of several changes has a test; empty if one has, or if there are none."""
    if any("average" in change.tests for change in changes):
        return ""
    return "; ".join(dict.fromkeys(change.missing for change in changes if change.missing))


def _block_days(horizon: int, interval: pd.Timedelta) -> int:
    """Days that belong together: as many as a window looks ahead."""
    return max(1, math.ceil(horizon * interval / pd.Timedelta(days=1)))


def _blocks(errors: WindowErrors) -> tuple[NDArray[np.intp], int]:
    """Where each block of whole days by the clock begins, and how many days it has."""
    windows, horizon = errors.absolute.shape
    length = _block_days(horizon, errors.interval)
    time = errors.first_target + pd.to_timedelta(np.arange(windows) * errors.interval.value, unit="ns")
    day = time.tz_localize(None).as_unit("ns").asi8 // (86_400 * 10**9)  # by the clock on the wall
    number = (day - day[:1]) // length
    return np.flatnonzero(np.diff(number, prepend=-1)), length
