"""What columns changed against their backbones alone: by step ahead and by time of day, the same seeds in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.evaluation.changes import Change
from stlora.evaluation.errors import WindowErrors
from stlora.evaluation.rows import by_column, error
from stlora.evaluation.time_of_day import mae_by_time_of_day
from stlora.report.comparison_content import Key, StepChange, key_of


def step_changes(found: Sequence[Change], metrics: Sequence[dict[str, Any]]) -> dict[Key, StepChange]:
    """The change of the MAE in percent at every step, paired by seed.

    Args:
        found: the changes.
        metrics: contents of ``metrics.json`` of all runs.
    """
    groups = by_column(metrics)
    made = {}
    for change in found:
        mine, alone = groups[key_of(change)], groups[change.backbone, "none", "fit"]
        steps = sorted(int(step) for step in mine[change.seeds[0]]["horizons"])
        mae = np.array(
            [[[error(run[seed], str(step)) for step in steps] for seed in change.seeds] for run in (mine, alone)]
        )
        percent = _percent(mae[0], mae[1])  # [seeds, steps]
        std = percent.std(axis=0, ddof=1) if len(percent) > 1 else np.full(len(steps), np.nan)
        made[key_of(change)] = StepChange(np.array(steps, dtype=np.float64), percent.mean(axis=0), std)
    return made


def hour_changes(
    found: Sequence[Change],
    errors: Mapping[tuple[str, str, str, int], WindowErrors | None],
    time: pd.DatetimeIndex,
) -> dict[Key, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Hours of the day, and the change then of the MAE over all steps and seeds; where all errors are known.

    Args:
        found: the changes.
        errors: of the test windows, by backbone, adapter, mode and seed; None if a run did not keep them.
        time: of the targets, as :func:`~stlora.evaluation.time_of_day.mae_by_time_of_day` takes it.
    """
    made = {}
    for change in found:
        sides = (key_of(change), (change.backbone, "none", "fit"))
        kept = [[errors[(*key, seed)] for seed in change.seeds] for key in sides]
        known = [[one for one in side if one is not None] for side in kept]
        if all(len(side) == len(change.seeds) for side in known):
            (hours, mine), (_, alone) = (mae_by_time_of_day(side, time) for side in known)
            made[key_of(change)] = hours, _percent(mine, alone)
    return made


def _percent(mine: NDArray[np.float64], alone: NDArray[np.float64]) -> NDArray[np.float64]:
    """NaN where the backbone alone made no error."""
    ratio = np.full(mine.shape, np.nan)
    np.divide(mine, alone, out=ratio, where=alone > 0)
    return 100 * (ratio - 1)
