from __future__ import annotations

import builtins

import numpy as np
import pytest
import torch

from stlora.baselines.var import interpolated
from stlora.errors import InputError

pytest.importorskip("statsmodels")
pytest.importorskip("sklearn")

A = np.array([[0.5, 0.3], [-0.2, 0.7]])
C = np.array([2.0, -1.0])


def _autoregression(steps, noise, seed=0):
    rng = np.random.default_rng(seed)
    values = np.zeros((steps, 2))
    values[0] = rng.uniform(-20, 20, 2)
    for t in range(1, steps):
        values[t] = C + A @ values[t - 1] + noise * rng.standard_normal(2)
    return values


def _physical(case, module):
    """Constant and matrices of the module in physical units: y = m + s z."""
    weight = module.weight.double().numpy()
    constant = case.scaler.std * module.intercept.double().numpy() + case.scaler.mean * (1 - weight.sum(axis=(0, 2)))
    return constant, weight


def _by_normal_equations(case, order, penalty=0.0):
    """Coefficients ``[1 + p N, N]`` in scaled units, from the textbook formula on centred data."""
    filled = np.stack(
        [np.interp(np.arange(case.end), np.flatnonzero(~np.isnan(v)), v[~np.isnan(v)]) for v in case.training.T],
        axis=1,
    )
    z = (filled - case.scaler.mean) / case.scaler.std
    rows = np.array([np.concatenate([z[t - lag] for lag in range(1, order + 1)]) for t in range(order, len(z))])
    x, y = rows - rows.mean(axis=0), z[order:] - z[order:].mean(axis=0)
    slope = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)
    return z[order:].mean(axis=0) - rows.mean(axis=0) @ slope, slope


def test_recovers_a_known_autoregression(make_case):
    case = make_case(_autoregression(6000, noise=1.0))
    constant, weight = _physical(case, case.fit("var", order=1))
    np.testing.assert_allclose(weight[0], A, atol=0.03)
    np.testing.assert_allclose(constant, C, atol=0.15)


def test_iterates_its_equation_step_by_step(case):
    module = case.fit("var", order=2)
    constant, (first, second) = _physical(case, module)
    starts = torch.arange(len(case.windows))
    history = case.scaler.inverse(case.windows.inputs(starts)[..., 0]).double().numpy()  # gaps filled
    older, newer = history[:, -2], history[:, -1]
    got = case.forecast(module, starts)
    for h in range(3):
        older, newer = newer, constant + newer @ first.T + older @ second.T
        np.testing.assert_allclose(got[:, h], newer, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("penalty", [0.0, 5.0])
def test_coefficients_are_those_of_the_normal_equations(case, order, penalty):
    module = case.fit("var", order=order, regularisation=penalty)
    constant, slope = _by_normal_equations(case, order, penalty)
    np.testing.assert_allclose(module.intercept.numpy(), constant, atol=1e-5)
    np.testing.assert_allclose(module.weight.numpy(), slope.reshape(order, 3, 3).transpose(0, 2, 1), atol=1e-5)


def test_fills_gaps_linearly_and_ends_with_the_nearest_value():
    nan = np.nan
    values = np.array([[nan, nan], [2.0, nan], [nan, nan], [nan, nan], [8.0, nan], [nan, nan]])
    assert interpolated(values).tolist() == [[2, 0], [2, 0], [4, 0], [6, 0], [8, 0], [8, 0]]


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_sensor_that_never_changes_keeps_its_value(case, make_case, penalty):
    values = case.series.values.copy()
    values[:, 1] = 33.0
    values[:, 2] = np.nan
    case = make_case(values)
    got = case.forecast(case.fit("var", regularisation=penalty, order=2), torch.arange(5))
    np.testing.assert_allclose(got[..., 1], 33.0, rtol=1e-5)
    np.testing.assert_allclose(got[..., 2], case.scaler.mean, rtol=1e-5)
    assert np.ptp(got[..., 0]) > 0


def test_one_sensor_alone_is_an_autoregression(case, make_case):
    values = case.series.values[:, :1]
    case = make_case(values)
    module = case.fit("var", order=2)
    constant, slope = _by_normal_equations(case, 2)
    np.testing.assert_allclose(module.intercept.numpy(), constant, atol=1e-5)
    np.testing.assert_allclose(module.weight.numpy().reshape(2, 1), slope, atol=1e-5)


def test_refuses_more_coefficients_than_the_rows_can_carry(make_case):
    values = np.random.default_rng(0).uniform(0, 1, (300, 10))
    case = make_case(values)
    with pytest.raises(InputError, match=r"order 3 on 10 sensors has 300 coefficients, 31 in an equation, against 206"):
        case.fit("var")
    case.fit("var", regularisation=1.0)
    case.fit("var", order=1)


def test_refuses_sensors_that_repeat_each_other(case, make_case):
    values = case.series.values.copy()
    values[:, 1] = values[:, 0]
    case = make_case(values)
    with pytest.raises(InputError, match="depend on each other linearly"):
        case.fit("var", order=1)
    case.fit("var", order=1, regularisation=1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 5}, "order=5 for a history of 4 steps; expected 1 to 4"),
        ({"order": 0}, "order=0"),
        ({"regularisation": -1.0}, "regularisation=-1.0; expected a number of 0 or more"),
        ({"regularisation": float("nan")}, "regularisation=nan"),
    ],
)
def test_refuses_options_that_make_no_sense(case, options, message):
    with pytest.raises(InputError, match=message):
        case.fit("var", **options)


@pytest.mark.parametrize(
    ("name", "options", "package"),
    [("var", {"order": 1}, "statsmodels"), ("var", {"regularisation": 1.0}, "sklearn"), ("svr", {}, "sklearn")],
)
def test_names_the_extra_when_a_package_is_absent(case, monkeypatch, name, options, package):
    real = builtins.__import__

    def absent(module, *args, **kwargs):
        if module.partition(".")[0] == package:
            raise ImportError(module)
        return real(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match=r'pip install "stlora\[baselines\]"'):
        case.fit(name, **options)
