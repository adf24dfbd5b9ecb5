"""Tests and intervals: their level, their power, and small cases by hand."""

import numpy as np
import pytest

from stlora.evaluation.significance import (
    bandwidth,
    block_interval,
    diebold_mariano,
    holm,
    long_run_variance,
    relative_change,
)


def autoregressive(rng, rho, length, series):
    """``[series, length]`` of stationary series that remember."""
    x = rng.normal(size=(series, length))
    x[:, 0] /= np.sqrt(1 - rho**2)
    for step in range(1, length):
        x[:, step] += rho * x[:, step - 1]
    return x


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_equal_forecasts_are_told_apart_as_often_as_the_level_says(rho):
    differences = autoregressive(np.random.default_rng(0), rho, 800, 400)
    rejected = np.mean([diebold_mariano(one, horizon=12).p < 0.05 for one in differences])
    assert 0.02 <= rejected <= 0.095


def test_plain_t_test_would_be_fooled_by_the_same_series():
    differences = autoregressive(np.random.default_rng(0), 0.9, 800, 400)
    statistics = differences.mean(1) / (differences.std(1) / np.sqrt(800))
    assert np.mean(np.abs(statistics) > 1.96) > 0.5


def test_real_difference_is_found():
    differences = 0.8 + autoregressive(np.random.default_rng(1), 0.5, 800, 50)
    assert np.mean([diebold_mariano(one, horizon=12).p < 0.01 for one in differences]) > 0.95


def test_exchange_of_the_two_changes_the_sign_alone():
    difference = autoregressive(np.random.default_rng(2), 0.7, 300, 1)[0] + 0.1
    one, other = diebold_mariano(difference, 12), diebold_mariano(-difference, 12)
    assert (one.mean, one.statistic) == (-other.mean, -other.statistic)
    assert (one.p, one.lag) == (other.p, other.lag)


def test_scale_changes_nothing_but_the_mean():
    difference = autoregressive(np.random.default_rng(3), 0.7, 300, 1)[0] + 0.1
    one, other = diebold_mariano(difference, 12), diebold_mariano(1000 * difference, 12)
    assert other.statistic == pytest.approx(one.statistic)
    assert other.mean == pytest.approx(1000 * one.mean)


def test_long_run_variance_by_hand():
    series = np.array([1.0, -1.0, 2.0, -2.0])  # mean 0; γ₀ = 10/4, γ₁ = (-1 - 2 - 4)/4, γ₂ = (2 + 2)/4
    assert long_run_variance(series, 0) == pytest.approx(2.5)
    assert long_run_variance(series, 1) == pytest.approx(2.5 + 2 * 0.5 * -1.75)
    assert long_run_variance(series, 2) == pytest.approx(2.5 + 2 * (2 / 3 * -1.75 + 1 / 3 * 1.0))


@pytest.mark.parametrize("lag", [0, 1, 11, 40])
def test_long_run_variance_is_that_of_statsmodels(lag):
    api = pytest.importorskip("statsmodels.api")
    series = autoregressive(np.random.default_rng(4), 0.8, 300, 1)[0] + 1
    fit = api.OLS(series, np.ones(300)).fit(cov_type="HAC", cov_kwds={"maxlags": lag, "use_correction": False})
    assert long_run_variance(series, lag) / 300 == pytest.approx(float(fit.bse[0]) ** 2)


def test_lag_is_at_least_the_horizon_and_grows_with_memory():
    rng = np.random.default_rng(5)
    lags = [bandwidth(autoregressive(rng, rho, 2000, 1)[0], 12) for rho in (0.0, 0.8, 0.95)]
    assert lags[0] == 11
    assert 50 < lags[1] < lags[2] < 500
    assert bandwidth(np.cumsum(rng.normal(size=100)), 12) == 25
    assert bandwidth(rng.normal(size=8), 12) == 2


def test_series_that_do_not_vary_are_no_crash():
    same, apart, single = (diebold_mariano(x, 3) for x in (np.zeros(50), np.full(50, -2.0), np.array([1.0])))
    assert (same.statistic, same.p) == (0.0, 1.0)
    assert (apart.statistic, apart.p) == (-np.inf, 0.0)
    assert single.windows == 1


def test_relative_change_by_hand():
    counts = np.array([2.0, 4.0, 0.0])
    first, second = np.array([[2.0, 8.0, 0.0], [1.0, 2.0, 0.0]]), np.array([[4.0, 8.0, 0.0], [2.0, 4.0, 0.0]])
    # means per step: seed 0: (1, 2) against (2, 2); seed 1: (0.5, 0.5) against (1, 1)
    assert relative_change(first, second, counts) == pytest.approx(100 * ((1.5 / 2 - 1) + (0.5 / 1 - 1)) / 2)


def sums(rng, factor, blocks=14, seeds=2, horizon=3):
    second = rng.gamma(20, 5, (seeds, blocks, horizon))
    return second * factor * rng.normal(1, 0.02, second.shape), second, np.full((blocks, horizon), 50.0)


def test_interval_holds_the_change_and_is_the_same_again():
    first, second, counts = sums(np.random.default_rng(6), 0.9)
    low, high = block_interval(first, second, counts)
    change = float(relative_change(first.sum(1), second.sum(1), counts.sum(0)))
    assert -12 < low < change < high < -8
    assert block_interval(first, second, counts) == (low, high)
    assert block_interval(first, second, counts, seed=1) != (low, high)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(60):
        low, high = block_interval(*sums(rng, 1.0, blocks=30))
        held += low <= 0 <= high
    assert held >= 51


def test_few_blocks_have_no_interval():
    first, second, counts = sums(np.random.default_rng(8), 0.9, blocks=4)
    assert block_interval(first, second, counts) is None


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.6], [0.2], [], [0.01, 0.01, 0.9]])
def test_holm_is_that_of_statsmodels(p):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    expected = multitest.multipletests(p, method="holm")[1] if p else []
    assert holm(p) == pytest.approx(list(expected))
