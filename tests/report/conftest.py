from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stlora.evaluation.rows import summarise
from stlora.report.content import ForecastExample, NodeErrors, ReportContent, SensorGroups


def _metrics(adapter: str, mae: Sequence[float], seed: int) -> dict[str, Any]:
    errors = [{"mae": value, "rmse": 2 * value, "mape": 10.0} for value in mae]
    return {
        "backbone": "lstm",
        "adapter": adapter,
        "mode": "fit" if adapter == "none" else "frozen",
        "seed": seed,
        "horizons": {str(step): error for step, error in enumerate(errors, start=1)},
        "average": {name: float(np.mean([error[name] for error in errors])) for name in ("mae", "rmse", "mape")},
        "parameters": {"backbone": 1000, "adapter": 0 if adapter == "none" else 50},
        "seconds": {"fit": 30.0, "adapt": 0.0 if adapter == "none" else 4.0, "evaluate": 1.0},
        "epochs": 3,
    }


@pytest.fixture
def make() -> Callable[..., ReportContent]:
    """A report of N sensors that are called what is asked for; every field can be replaced."""

    def build(node_ids: Sequence[str] = ("a", "b", "c", "d"), seeds: int = 1, **changes: Any) -> ReportContent:
        count = len(node_ids)
        runs = [_metrics("none", (4.0, 6.0, 8.0), seed) for seed in range(seeds)]
        runs += [_metrics("stlora", (3.0, 4.0, 5.0 + seed), seed) for seed in range(seeds)]
        alone = np.full(count, 10.0)
        nodes = NodeErrors(
            node_ids=tuple(node_ids),
            alone=alone,
            adapted=alone * np.resize([0.5, 0.9, 1.2, 0.7], count),
            coordinates=np.stack([np.linspace(51, 52, count), np.linspace(7, 8, count)], axis=1),
        )
        time = pd.date_range("2024-05-01", periods=6, freq="1h")
        truth = np.array([1.0, 2.0, math.nan, 4.0, 5.0, 6.0])
        examples = tuple(
            ForecastExample(node_ids[position], time, truth, truth + 2, np.arange(6.0), 3, change)
            for position, change in ((0, -50.0), (-1, 20.0))
        )
        values: dict[str, Any] = {
            "title": "A title",
            "summary": "What was compared.",
            "rows": summarise(runs),
            "alone": "lstm",
            "adapted": "lstm + stlora",
            "unit": "veh/h",
            "interval": pd.Timedelta("1h"),
            "nodes": nodes,
            "examples": examples,
            "protocol": (("Data", "made up"), ("Seeds", "0")),
        }
        return ReportContent(**{**values, **changes})

    return build


@pytest.fixture
def truth() -> SensorGroups:
    """Four sensors of two kinds that the adapter told apart."""
    similarity = np.array([[1, 0.5, -1, -1], [0.5, 1, -1, 0], [-1, -1, 1, 0.75], [-1, 0, 0.75, 1]])
    return SensorGroups(("x", "x", "y", "y"), np.ones((4, 14), dtype=np.float32), similarity)
