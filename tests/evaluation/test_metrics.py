"""Exact masked errors against a plain formulation in numpy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stlora.evaluation.metrics import ForecastErrors


def plain(forecast, target):
    """MAE, RMSE and MAPE in percent of two arrays of any shape; NaN where there is nothing to measure."""
    forecast, target = forecast.astype(np.float64).ravel(), target.astype(np.float64).ravel()
    seen = ~np.isnan(target)
    error = np.abs(forecast[seen] - target[seen])
    divisible = target[seen] != 0
    return {
        "mae": error.mean() if seen.any() else math.nan,
        "rmse": np.sqrt((error**2).mean()) if seen.any() else math.nan,
        "mape": 100 * (error[divisible] / np.abs(target[seen][divisible])).mean() if divisible.any() else math.nan,
    }


def feed(forecast, target, batches):
    """Errors of ``[S, H, N]`` arrays, given as the index batches say."""
    errors = ForecastErrors(*forecast.shape[1:])
    for batch in batches:
        errors.update(torch.from_numpy(forecast[batch])[..., None], torch.from_numpy(target[batch])[..., None])
    return errors


def check(found, expected):
    for name, value in found.items():
        assert value == pytest.approx(expected[name], rel=1e-9, nan_ok=True), name


def draw(samples, horizon, nodes, seed, missing=0.3):
    rng = np.random.default_rng(seed)
    target = rng.integers(-3, 4, (samples, horizon, nodes)).astype(np.float32) * 10
    target[rng.random(target.shape) < missing] = np.nan
    forecast = (np.nan_to_num(target) + rng.normal(0, 5, target.shape)).astype(np.float32)
    return forecast, target


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(1, 3)),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 0.4, 0.9, 1.0]),
    st.integers(1, 10),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, derandomize=True)
def test_errors_are_those_of_the_whole_array_whatever_the_batches(shape, seed, missing, batch_size, random):
    forecast, target = draw(*shape, seed, missing)
    order = list(range(len(forecast)))
    random.shuffle(order)
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    found = feed(forecast, target, batches).compute()
    steps = [plain(forecast[:, step], target[:, step]) for step in range(shape[1])]
    check(found["pooled"], plain(forecast, target))
    check(found["average"], {name: np.mean([step[name] for step in steps]) for name in steps[0]})
    assert list(found["horizons"]) == [str(step + 1) for step in range(shape[1])]
    for step, expected in enumerate(steps):
        check(found["horizons"][str(step + 1)], expected)
    for node in range(shape[2]):
        check(found["nodes"][node], plain(forecast[..., node], target[..., node]))


def test_average_weighs_steps_and_pooled_weighs_targets():
    target = np.array([[[10.0], [10.0]], [[np.nan], [10.0]], [[np.nan], [10.0]]], dtype=np.float32)
    forecast = np.array([[[14.0], [11.0]], [[0.0], [11.0]], [[0.0], [11.0]]], dtype=np.float32)
    found = feed(forecast, target, [[0, 1, 2]]).compute()
    assert found["average"]["mae"] == (4 + 1) / 2
    assert found["pooled"]["mae"] == (4 + 1 + 1 + 1) / 4
    assert found["pooled"]["rmse"] == pytest.approx(math.sqrt((16 + 1 + 1 + 1) / 4))


def test_zero_targets_count_everywhere_but_in_percent():
    target, forecast = np.array([[[0.0, 20.0]]], np.float32), np.array([[[6.0, 25.0]]], np.float32)
    found = feed(forecast, target, [[0]]).compute()
    assert found["pooled"] == {"mae": 5.5, "rmse": pytest.approx(math.sqrt(30.5)), "mape": 25.0}


def test_percent_of_negative_targets_is_positive():
    found = feed(np.array([[[-8.0]]], np.float32), np.array([[[-10.0]]], np.float32), [[0]]).compute()
    assert found["pooled"]["mape"] == 20.0


def test_step_and_node_without_observation_have_no_error():
    target = np.array([[[1.0, np.nan], [np.nan, np.nan]]], np.float32)
    found = feed(np.zeros_like(target), target, [[0]]).compute()
    assert found["horizons"]["1"]["mae"] == 1.0
    assert math.isnan(found["horizons"]["2"]["mae"])
    assert math.isnan(found["average"]["mae"])
    assert found["pooled"]["mae"] == 1.0
    assert found["nodes"][0] == {"mae": 1.0, "rmse": 1.0}
    assert math.isnan(found["nodes"][1]["rmse"])


def test_broken_forecast_of_an_observed_target_is_not_hidden():
    found = feed(np.array([[[np.nan]]], np.float32), np.array([[[1.0]]], np.float32), [[0]])
    assert math.isnan(found.compute()["pooled"]["mae"])
    assert found.mae().isnan()


def test_many_small_errors_are_summed_in_double():
    target = np.full((20_000, 1, 50), 1e4, dtype=np.float32)
    forecast = target + np.float32(0.125)
    errors = feed(forecast, target, np.array_split(np.arange(20_000), 7))
    assert errors.compute()["pooled"]["mae"] == 0.125
    assert float(errors.mae()) == 0.125


def test_single_value_is_the_pooled_mae():
    forecast, target = draw(8, 3, 2, seed=1)
    errors = feed(forecast, target, [range(8)])
    assert float(errors.mae()) == pytest.approx(plain(forecast, target)["mae"], rel=1e-12)


def test_reset_forgets_everything():
    forecast, target = draw(8, 3, 2, seed=1)
    errors = feed(forecast, target, [range(8)])
    first = errors.compute()
    errors.reset()
    assert errors.count.sum() == 0
    errors.update(torch.from_numpy(forecast)[..., None], torch.from_numpy(target)[..., None])
    assert errors.compute() == first
