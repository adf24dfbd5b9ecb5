"""The rows of a comparison: mean and spread over seeds, and what a column changed against the backbone alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MEASURES = ("mae", "rmse", "mape")
NOTHING = "–"  # where there was nothing to measure, or a change in percent of an error of 0
TRAINED_ON = "trained-on"  # in place of an adapter's name: the backbone alone, trained for as long as its adapter was
OURS = {  # forms of ST-LoRA, by the names of their adapters
    "stlora": "ST-LoRA",
    "large": "ST-LoRA large",
    "residual": "ST-LoRA residual",
    "shared": "ST-LoRA shared",
    "paper": "ST-LoRA as published",
    "own": "ST-LoRA without backbone",
}


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over n seeds.

    Attributes:
        mean: over seeds.
        std: with ddof = 1; NaN for a single seed.
        n: seeds.
    """

    mean: float
    std: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value a seed.

        Example:
            >>> Spread.of([1.0, 3.0])
            Spread(mean=2.0, std=1.4142135623730951, n=2)
        """
        std = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        return cls(float(np.mean(values)), std, len(values))

    def text(self, digits: int = 3, sign: str = "") -> str:
        """As ``mean ± std``, or the value alone of a single seed; ``sign="+"`` shows that of a gain, too.

        Example:
            >>> Spread.of([1.0, 3.0]).text(1), Spread.of([2.0]).text(1), Spread.of([math.nan]).text(1)
            ('2.0 ± 1.4', '2.0', '–')
        """
        if math.isnan(self.mean):
            return NOTHING
        mean = f"{self.mean:{sign}.{digits}f}"
        return mean if math.isnan(self.std) else f"{mean} ± {self.std:.{digits}f}"


@dataclass(frozen=True)
class Row:
    """A line of the table: a backbone, alone or with an adapter, over all its seeds.

    Attributes:
        backbone: its name.
        adapter: its name; ``none`` for the backbone alone, ``trained-on`` for one that was trained on.
        mode: fit, joint or frozen.
        seeds: in order.
        errors: by (step or ``average``, measure).
        change: change of the average MAE in percent against the backbone alone, paired by seed; None without one.
        val_change: the same of the best validation MAE; None where it is not known.
        parameters: of backbone and adapter.
        epochs: of the training of what is new in this row.
        costs: seconds to ``fit`` the backbone and to ``adapt`` it, seconds ``per_window`` of a forecast, and memory,
            ``resident_mb`` and ``gpu_mb``; and how many numbers the adapter has ``measured`` and not trained; None
            where a run does not know.
        changes: of every error in percent against the backbone alone, paired by seed, by the keys of ``errors``; those
            that are known.
    """

    backbone: str
    adapter: str
    mode: str
    seeds: tuple[int, ...]
    errors: dict[tuple[str, str], Spread]
    change: Spread | None
    val_change: Spread | None
    parameters: dict[str, int]
    epochs: Spread
    costs: dict[str, Spread | None]
    changes: dict[tuple[str, str], Spread] = field(default_factory=dict)

    @property
    def column(self) -> str:
        """What was done to the backbone, for people."""
        return column_label(self.adapter, self.mode)

    @property
    def seconds(self) -> Spread:
        """To train what is new in this row: what came after the backbone, if anything did."""
        fit, adapt = self.costs["fit"], self.costs["adapt"]
        assert fit is not None
        assert adapt is not None, "every run knows its time"
        return adapt if adapt.mean else fit


def column_label(adapter: str, mode: str) -> str:
    """What was done to a backbone, for people.

    Example:
        >>> column_label("none", "fit"), column_label("trained-on", "fit"), column_label("stlora", "joint")
        ('alone', 'trained on', 'ST-LoRA (joint)')
    """
    if adapter == "none":
        return "alone"
    return "trained on" if adapter == TRAINED_ON else f"{OURS.get(adapter, adapter)} ({mode})"


def by_column(runs: Sequence[dict[str, Any]]) -> dict[tuple[str, str, str], dict[int, dict[str, Any]]]:
    """The runs of each backbone, adapter and mode by their seeds, in the order in which they come."""
    groups: dict[tuple[str, str, str], dict[int, dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault((run["backbone"], run["adapter"], run["mode"]), {})[run["seed"]] = run
    return {key: dict(sorted(by_seed.items())) for key, by_seed in groups.items()}


def summarise(runs: Sequence[dict[str, Any]]) -> list[Row]:
    """One row for each backbone, adapter and mode, in the order in which they come.

    Args:
        runs: contents of ``metrics.json``, in any order of seeds.
    """
    groups = by_column(runs)
    rows = []
    for (backbone, adapter, mode), by_seed in groups.items():
        alone = {} if adapter == "none" else groups.get((backbone, "none", "fit"), {})
        mine = list(by_seed.values())
        wanted = [(step, measure) for step in (*mine[0]["horizons"], "average") for measure in MEASURES]
        pairs = [(run, alone[seed]) for seed, run in by_seed.items() if seed in alone]
        changes = {
            key: _spread([percent(error(run, *key), error(other, *key)) for run, other in pairs]) for key in wanted
        }
        rows.append(
            Row(
                backbone=backbone,
                adapter=adapter,
                mode=mode,
                seeds=tuple(by_seed),
                errors={key: Spread.of([error(run, *key) for run in mine]) for key in wanted},
                change=changes["average", "mae"],
                val_change=_spread([percent(run.get("val_mae"), other.get("val_mae")) for run, other in pairs]),
                parameters=mine[0]["parameters"],
                epochs=Spread.of([run["epochs"] for run in mine]),
                costs={
                    **{name: _spread([run["seconds"].get(name) for run in mine]) for name in _SECONDS},
                    **{name: _spread([run.get("memory", {}).get(name) for run in mine]) for name in _MEMORY},
                    "measured": _spread([run.get("measured") for run in mine]),
                },
                changes={key: change for key, change in changes.items() if change is not None},
            )
        )
    return rows


_SECONDS = ("fit", "adapt", "per_window")
_MEMORY = ("resident_mb", "gpu_mb")


def error(run: dict[str, Any], step: str = "average", measure: str = "mae") -> float:
    """An error of a run; NaN where there was nothing to measure."""
    value = run["average"][measure] if step == "average" else run["horizons"][step][measure]
    return math.nan if value is None else float(value)


def percent(value: float | None, other: float | None) -> float | None:
    """The change from ``other`` to ``value`` in percent; None if one is not known, or the other is 0."""
    return None if value is None or not other else 100 * (value / other - 1)


def _spread(values: Sequence[float | None]) -> Spread | None:
    """None if there is none, or one is not known."""
    known = [value for value in values if value is not None]
    return Spread.of(known) if known and len(known) == len(values) else None
