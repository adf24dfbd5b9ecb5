from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stlora.baselines import fit_baseline
from stlora.data import SensorSeries
from stlora.data.scaling import Scaler
from stlora.data.split import sample_split
from stlora.data.windows import Windows

HISTORY, HORIZON = 4, 3


class Case:
    """A series with its training part, and forecasts of a baseline in physical units."""

    def __init__(self, values, interval="6h", start="2024-01-03 12:00"):
        time = pd.date_range(start, periods=len(values), freq=interval)
        ids = tuple(f"s{i}" for i in range(values.shape[1]))
        self.series = SensorSeries(values, time, ids)
        self.split = sample_split(len(values), HISTORY, HORIZON)
        self.end = self.split.train.stop + HISTORY - 1
        self.training = self.series.values[: self.end].astype(np.float64)
        self.scaler = Scaler.fit(self.series.values[: self.end])
        self.windows = Windows(self.series, self.scaler, HISTORY, HORIZON)

    def fit(self, name, **options):
        return fit_baseline(name, self.series, self.split, self.scaler, HISTORY, HORIZON, **options)

    def forecast(self, module, start):
        x = self.windows.inputs(start)[..., : module.in_channels]
        return self.scaler.inverse(module(x)).squeeze(-1).numpy()  # [B, H, N]

    def slot(self, step, per_day=4):
        """Day of the week and slot of the day of a step, counted from the first time stamp by hand."""
        hours = 2 * 24 + 12 + step * 24 // per_day  # a Wednesday at noon
        return (hours // 24) % 7, (hours % 24) * per_day // 24


@pytest.fixture
def case():
    """Four weeks of 6-hour steps of three sensors, a fifth of them missing."""
    rng = np.random.default_rng(0)
    values = 50 + 10 * rng.standard_normal((4 * 28, 3))
    values[rng.random(values.shape) < 0.2] = np.nan
    return Case(values)


@pytest.fixture
def make_case():
    return Case
