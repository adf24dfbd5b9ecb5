from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from stlora.evaluation.errors import WindowErrors, WindowSums
from stlora.evaluation.time_of_day import mae_by_time_of_day


def _errors(target: np.ndarray, forecast: np.ndarray, horizon: int, time: pd.DatetimeIndex) -> WindowErrors:
    """Of forecasts ``[T, N]`` that do not depend on the step ahead."""
    sums = WindowSums()
    for start in range(len(target) - horizon + 1):
        window = slice(start, start + horizon)
        sums.add(*(torch.from_numpy(side[window])[None, :, :, None] for side in (forecast, target)))
    return sums.finish(time[0], time[1] - time[0])


def test_it_is_the_mean_over_all_targets_of_that_time() -> None:
    rng = np.random.default_rng(0)
    time = pd.date_range("2024-05-01 05:00", periods=60, freq="1h")
    target = rng.normal(size=(60, 3))
    target[rng.random((60, 3)) < 0.3] = np.nan
    forecast = rng.normal(size=(60, 3))
    hours, mae = mae_by_time_of_day([_errors(target, forecast, 4, time)], time)
    np.testing.assert_allclose(hours, np.arange(24), atol=1e-5)
    error = np.abs(forecast - target)
    times_seen = np.array([sum(0 <= t - s < 4 for s in range(57)) for t in range(60)])[:, None]  # by windows
    for hour in range(24):
        rows = time.hour == hour
        weight = times_seen[rows] * np.isfinite(error[rows])
        assert mae[hour] == pytest.approx(np.nansum(error[rows] * weight) / weight.sum(), rel=1e-5)


def test_several_runs_are_one_mean() -> None:
    time = pd.date_range("2024-05-01", periods=24, freq="1h")
    zero = np.zeros((24, 1))
    runs = [_errors(zero, zero + by, 2, time) for by in (1.0, 3.0)]
    np.testing.assert_allclose(mae_by_time_of_day(runs, time)[1], 2)


def test_short_steps_share_half_hours_and_stand_at_their_mean_time() -> None:
    time = pd.date_range("2024-05-01", periods=288, freq="5min")
    zero = np.zeros((288, 1))
    hours, mae = mae_by_time_of_day([_errors(zero, zero + 1, 1, time)], time)
    assert len(hours) == 48
    np.testing.assert_allclose(hours[:2], [12.5 / 60, 42.5 / 60], rtol=1e-5)
    np.testing.assert_allclose(mae, 1)


def test_a_time_that_was_never_observed_has_none_and_one_without_a_target_is_left_out() -> None:
    time = pd.date_range("2024-05-01 06:00", periods=3, freq="1h")
    target = np.array([[1.0], [np.nan], [1.0]])
    hours, mae = mae_by_time_of_day([_errors(target, np.zeros((3, 1)), 1, time)], time)
    np.testing.assert_allclose(hours, [6, 7, 8], rtol=1e-5)
    np.testing.assert_array_equal(mae, [1, np.nan, 1])


def test_days_have_one_time() -> None:
    time = pd.date_range("2024-05-01", periods=4, freq="1D")
    hours, mae = mae_by_time_of_day([_errors(np.zeros((4, 1)), np.ones((4, 1)), 2, time)], time)
    assert (hours.tolist(), mae.tolist()) == ([0], [1])
