from __future__ import annotations

import numpy as np
import pytest
import torch

from stlora.baselines.svr import features
from stlora.data.filling import Filling
from stlora.data.windows import Windows
from stlora.errors import InputError

svm = pytest.importorskip("sklearn.svm")


def _rows(case):
    """Features and targets of every training window and node, in scaled units, one after the other."""
    z = (case.training - case.scaler.mean) / case.scaler.std
    inputs, targets = [], []
    for start in range(case.end - 7 + 1):
        for node in range(z.shape[1]):
            window, last = [], 0.0
            for value in z[start : start + 4, node]:
                last = last if np.isnan(value) else value
                window.append(last)
            day, slot = case.slot(start + 3)
            angles = [2 * np.pi * slot / 4, 2 * np.pi * (day / 7 + slot / 28)]
            inputs.append(window + [wave(angle) for angle in angles for wave in (np.sin, np.cos)])
            targets.append(z[start + 4 : start + 7, node])
    return np.array(inputs), np.array(targets)


def test_each_step_is_a_linear_svr_on_window_and_clock(case):
    module = case.fit("svr")
    inputs, targets = _rows(case)
    for step in range(3):
        known = ~np.isnan(targets[:, step])
        machine = svm.LinearSVR(C=0.1, epsilon=0.01, random_state=0, max_iter=10_000)
        machine.fit(inputs[known], targets[known, step])
        np.testing.assert_allclose(module.weight[step].numpy(), machine.coef_, atol=0.01)  # rows in another order
        np.testing.assert_allclose(module.bias[step].item(), machine.intercept_[0], atol=0.01)


def test_forecasts_by_its_weights_for_every_node_alike(case):
    module = case.fit("svr")
    x = case.windows.inputs(torch.arange(10))
    expected = features(x) @ module.weight.T + module.bias  # [B, N, H]
    torch.testing.assert_close(module(x), expected.transpose(1, 2).unsqueeze(-1))
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(module(x[:, :, order]), module(x)[:, :, order])


def test_finds_the_line_through_a_linear_series(make_case):
    values = np.cumsum(np.full((200, 2), [1.0, 3.0]), axis=0) % 97.0
    case = make_case(values)
    starts = torch.arange(len(case.windows))
    error = case.forecast(case.fit("svr", penalty=1.0), starts) - case.windows.targets(starts).squeeze(-1).numpy()
    assert np.median(np.abs(error)) < 1.0  # of 97; the jumps back are outliers, which the loss forgives


def test_draws_no_more_rows_than_allowed_and_other_rows_for_another_seed(case):
    module = case.fit("svr", max_rows=30)
    inputs, targets = module._rows(case.windows)
    assert inputs.shape == (30, 8)
    assert targets.shape == (30, 3)
    assert len(np.unique(inputs, axis=0)) == 30
    again, other = case.fit("svr", max_rows=30), case.fit("svr", max_rows=30, seed=1)
    assert torch.equal(module.weight, again.weight)
    assert not torch.allclose(module.weight, other.weight, atol=1e-3)


def test_refuses_rows_without_targets(make_case):
    values = np.full((100, 2), np.nan)
    values[:3] = [[1.0, 2.0], [2.0, 3.0], [3.0, 1.0]]
    values[85:] = 5.0
    with pytest.raises(InputError, match="rows drawn from series has a value at step 1"):
        make_case(values).fit("svr")


@pytest.mark.parametrize("options", [{"max_rows": 0}, {"seed": -1}, {"penalty": 0.0}, {"epsilon": float("nan")}])
def test_refuses_settings_that_make_no_sense(case, options):
    with pytest.raises(InputError, match=f"svr got .*{next(iter(options))}="):
        case.fit("svr", **options)


def test_sees_gaps_filled_as_the_windows_of_the_forecast(case):
    filling = Filling("linear")
    windows = Windows(case.series, case.scaler, 4, 3, filling)
    module = case.fit("svr", filling=filling)
    drawn, _ = module._rows(windows)
    expected = windows.inputs(torch.arange(len(windows)))[..., 0].transpose(1, 2).reshape(-1, 4)
    assert {tuple(row) for row in drawn[:, :4].tolist()} == {tuple(row) for row in expected.tolist()}
    assert not torch.allclose(module.weight, case.fit("svr").weight, atol=1e-3)
