"""What the page of a comparison shows: plain numbers and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.evaluation.changes import Change
from stlora.evaluation.rows import Row
from stlora.report.content import ForecastExample, NodeErrors, SensorGroups

Key = tuple[str, str, str]  # backbone, adapter and mode of a line of the tables


def key_of(line: Row | Change) -> Key:
    """What a line of a table is of."""
    return line.backbone, line.adapter, line.mode


@dataclass(frozen=True, eq=False)
class Factors:
    """The sensors' own weights beside their typical days.

    Attributes:
        groups: found in the weights alone; neighbours in the order of the sensors are alike.
        day_similarity: ``[N, N]`` correlation of the typical days, the sensors in the same order.
        agreement: rank correlation (Spearman) of both likenesses over all pairs of sensors; NaN where there is none.
        left_out: sensors without a typical day, or with one that never changes.
    """

    groups: SensorGroups
    day_similarity: NDArray[np.float64]
    agreement: float
    left_out: int


@dataclass(frozen=True, eq=False)
class StepChange:
    """The change of the MAE against the backbone alone by step ahead, paired by seed.

    Attributes:
        steps: ``[H]`` ahead.
        percent: ``[H]`` mean over the seeds.
        std: ``[H]`` over the seeds; NaN for a single one.
    """

    steps: NDArray[np.float64]
    percent: NDArray[np.float64]
    std: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ComparisonContent:
    """Everything that stands on the page of a comparison.

    Attributes:
        title: of the page.
        summary: what was compared, in a sentence or two.
        rows: of the table of errors and of costs.
        changes: of the rows against their backbones alone.
        others: of the default adapter against the other columns.
        notes: what a reader must know of the tables, by ``errors``, ``changes``, ``others`` and ``costs``; none of
            a table that is empty.
        unit: of the data; empty if unknown.
        interval: between two steps.
        hours: hours of the day and the MAE then, ``[K]`` each, of the rows that have it.
        without_hours: why rows have none; empty if all have it.
        step_changes: of each change.
        hour_changes: hours of the day and the change of the MAE then in percent, ``[K]`` each, of those that have it.
        nodes: errors of single sensors, mean over the seeds, of each change.
        failed: cells without a result, with their reason.
        protocol: names and values that repeat the experiment.
        shown: the change whose sensors are drawn on the map and beside truth; None if nothing was adapted.
        seed: of the runs of it that were drawn.
        examples: forecasts beside truth, a sensor each.
        factors: of the adapter that was drawn; None without one.
    """

    title: str
    summary: str
    rows: Sequence[Row]
    changes: Sequence[Change]
    others: Sequence[Change]
    notes: Mapping[str, str]
    unit: str
    interval: pd.Timedelta
    hours: Mapping[Key, tuple[NDArray[np.float64], NDArray[np.float64]]]
    without_hours: str
    step_changes: Mapping[Key, StepChange]
    hour_changes: Mapping[Key, tuple[NDArray[np.float64], NDArray[np.float64]]]
    nodes: Mapping[Key, NodeErrors]
    failed: Mapping[str, str]
    protocol: tuple[tuple[str, str], ...]
    shown: Change | None = None
    seed: int = 0
    examples: tuple[ForecastExample, ...] = ()
    factors: Factors | None = None
