"""Tests and intervals: their level, their power, and small cases by hand."""

import numpy as np
import pytest
from scipy import stats

from stlora.evaluation.significance import (
    block_interval,
    diebold_mariano,
    holm,
    relative_change,
)


def autoregressive(rng, rho, length, series):
    """``[series, length]`` of stationary series that remember."""
    x = rng.normal(size=(series, length))
    x[:, 0] /= np.sqrt(1 - rho**2)
    for step in range(1, length):
        x[:, step] += rho * x[:, step - 1]
    return x


def moving_sums(rng, horizon, length, series):
    """``[series, length]`` of sums over ``horizon`` steps: what overlapping windows have in common."""
    sums = np.cumsum(rng.normal(size=(series, length + horizon)), axis=1)
    return sums[:, horizon:] - sums[:, :-horizon]


@pytest.mark.parametrize(
    ("length", "horizon", "block"), [(200, 1, 1), (200, 12, None), (480, 12, 48), (800, 12, None), (2880, 12, 288)]
)
@pytest.mark.parametrize("kind", ["independent", "overlapping", "autoregressive"])
def test_equal_forecasts_are_told_apart_no_more_often_than_the_level_says(length, horizon, block, kind):
    rng = np.random.default_rng(0)
    made = {
        "independent": lambda: rng.normal(size=(1500, length)),
        "overlapping": lambda: moving_sums(rng, horizon, length, 1500),
        "autoregressive": lambda: autoregressive(rng, 0.8 if length > 200 else 0.5, length, 1500),
    }[kind]()
    tests = [diebold_mariano(one, horizon, block) for one in made]
    assert np.mean([test.p < 0.05 for test in tests]) <= 0.06 + 3 * np.sqrt(0.05 * 0.95 / 1500)
    assert np.mean([test.p < 0.5 for test in tests]) >= 0.4


@pytest.mark.parametrize(("length", "horizon", "block"), [(1, 1, None), (2, 1, None), (3, 1, None), (199, 1, None)])
def test_few_windows_have_no_p(length, horizon, block):
    assert diebold_mariano(np.random.default_rng(0).normal(size=length), horizon, block) is None


@pytest.mark.parametrize(("horizon", "block"), [(24, None), (1, 24), (24, 5)])
def test_few_blocks_have_no_p_whatever_the_differences_are(horizon, block):
    difference = 5 + np.random.default_rng(0).normal(size=240)
    assert diebold_mariano(difference, horizon, block).p < 0.001
    assert diebold_mariano(difference[:-1], horizon, block) is None


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
    assert (one.p, one.freedom) == (other.p, other.freedom)


def test_scale_changes_nothing_but_the_mean():
    difference = autoregressive(np.random.default_rng(3), 0.7, 300, 1)[0] + 0.1
    one, other = diebold_mariano(difference, 12), diebold_mariano(1000 * difference, 12)
    assert other.statistic == pytest.approx(one.statistic)
    assert other.mean == pytest.approx(1000 * one.mean)


def test_standard_error_is_that_of_the_first_cosines_by_hand():
    difference = 0.2 + autoregressive(np.random.default_rng(4), 0.3, 240, 1)[0]
    test = diebold_mariano(difference, 12)
    assert test.freedom == 10
    s = np.arange(240)
    weighted = [np.sqrt(2 / 240) * np.sum(np.cos(np.pi * j * (s + 0.5) / 240) * difference) for j in range(1, 11)]
    assert test.statistic == pytest.approx(difference.mean() / np.sqrt(np.mean(np.square(weighted)) / 240))
    assert test.p == pytest.approx(2 * stats.t.cdf(-abs(test.statistic), 10))


def test_degrees_of_freedom_follow_the_block_and_fall_with_memory():
    rng = np.random.default_rng(5)
    freedom = [diebold_mariano(autoregressive(rng, rho, 2000, 1)[0], 12).freedom for rho in (0.0, 0.8, 0.95, 0.999)]
    assert freedom[0] == 2000 // 24
    assert freedom[0] > freedom[1] > freedom[2] > freedom[3] >= 1
    assert diebold_mariano(rng.normal(size=2000), 12, block=100).freedom == 10


@pytest.mark.parametrize("value", [-2.0, 1e-3, 1e6])
def test_a_difference_that_never_varies_has_no_p(value):
    assert diebold_mariano(np.full(200, value), 3) is None
    assert diebold_mariano(np.full(200, value) * (1 + 1e-15 * (-1.0) ** np.arange(200)), 3) is None


def test_the_same_forecasts_are_no_difference():
    test = diebold_mariano(np.zeros(200), 3)
    assert (test.mean, test.statistic, test.p) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_a_difference_that_is_not_finite_has_no_p(strange):
    difference = np.random.default_rng(0).normal(size=200)
    difference[7] = strange
    assert diebold_mariano(difference, 3) is None


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


@pytest.mark.parametrize("blocks", [10, 14, 30])
def test_interval_covers_the_truth_about_as_often_as_it_says(blocks):
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        low, high = block_interval(*sums(rng, 1.0, blocks, seeds=1, horizon=1))
        held += low <= 0 <= high
    assert 0.915 <= held / 300 <= 0.985


def test_few_blocks_have_no_interval():
    first, second, counts = sums(np.random.default_rng(8), 0.9, blocks=9)
    assert block_interval(first, second, counts) is None


def test_steps_that_nothing_was_observed_at_are_left_out_of_a_draw_and_errors_of_zero_have_no_interval():
    first, second, counts = sums(np.random.default_rng(9), 0.9)
    counts[:, 1] = first[:, :, 1] = second[:, :, 1] = 0
    low, high = block_interval(first, second, counts)
    assert block_interval(first[..., ::2], second[..., ::2], counts[:, ::2]) == (low, high)
    assert block_interval(first, 0 * second, counts) is None
    assert block_interval(0 * first, 0 * second, 0 * counts) is None


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.6], [0.2], [], [0.01, 0.01, 0.9]])
def test_holm_is_that_of_statsmodels(p):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    expected = multitest.multipletests(p, method="holm")[1] if p else []
    assert holm(p) == pytest.approx(list(expected))
