"""The typical day of each node, against an explicit least-squares fit."""

import math

import numpy as np
import pytest
import torch

from stlora import STLoRA, STLoRAConfig
from stlora.adapters.profile import NodeProfile

STEPS = 24  # a day of hours


def two_weeks():
    """Clock ``[T, 2]`` of two weeks of hours, from a Monday."""
    step = torch.arange(14 * STEPS)
    return torch.stack([(step % STEPS) / STEPS, (step // STEPS % 7) / 7], dim=1)


def history(clock, last, nodes, steps=3):
    """A window whose newest step is row ``last`` of the clock."""
    x = torch.zeros(1, steps, nodes, 3)
    x[0, :, :, 1:] = clock[last - steps + 1 : last + 1].unsqueeze(1)
    return x


def test_fit_is_ridge_regression_on_each_nodes_observed_values():
    torch.manual_seed(0)
    clock, values = two_weeks(), torch.randn(14 * STEPS, 3)
    values[torch.rand(values.shape) < 0.3] = torch.nan
    profile = NodeProfile(num_nodes=3, harmonics=2)
    profile.fit(values, clock)
    tod, weekend = clock[:, 0].double().numpy(), (clock[:, 1] > 4.5 / 7).numpy()
    angles = 2 * np.pi * tod[:, None] * np.array([1, 2])
    basis = np.concatenate([np.ones((len(tod), 1)), np.sin(angles), np.cos(angles)], axis=1)
    for kind, rows in enumerate((~weekend, weekend)):
        for node in range(3):
            seen = rows & ~np.isnan(values[:, node].numpy())
            normal = basis[seen].T @ basis[seen] + np.eye(5)
            expected = np.linalg.solve(normal, basis[seen].T @ values[seen, node].double().numpy())
            np.testing.assert_allclose(profile.coefficients[kind, :, node].numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("last", [4 * STEPS + 20, 5 * STEPS + 3, 6 * STEPS + 22, 30])  # Friday night, …, Sunday night
def test_the_steps_to_come_have_their_own_clock(last):
    clock = two_weeks()
    weekend = clock[:, 1] > 4.5 / 7
    values = torch.where(weekend, 5.0, torch.cos(2 * math.pi * clock[:, 0])).unsqueeze(1)
    profile = NodeProfile(num_nodes=1, harmonics=1)
    profile.fit(values, clock)
    usual = profile(history(clock, last, nodes=1), horizon=8)[0, 0]
    torch.testing.assert_close(usual, values[last + 1 : last + 9, 0], rtol=0.02, atol=0.05)


def test_the_step_is_that_of_the_training_period_whatever_the_window_holds():
    clock, values = two_weeks(), torch.cos(2 * math.pi * two_weeks()[:, :1])
    profile = NodeProfile(num_nodes=1, harmonics=1)
    profile.fit(values, clock)
    assert float(profile.step) == pytest.approx(1 / STEPS)
    expected = profile(history(clock, 30, nodes=1), horizon=5)
    assert torch.equal(profile(history(clock, 30, nodes=1, steps=1), horizon=5), expected)
    jump = history(clock, 30, nodes=1)
    jump[0, -2, :, 1] -= 1 / STEPS  # clocks were put forward
    assert torch.equal(profile(jump, horizon=5), expected)


def test_a_node_that_was_never_observed_is_at_the_training_mean():
    profile = NodeProfile(num_nodes=2, harmonics=2)
    values = torch.randn(14 * STEPS, 2)
    values[:, 1] = torch.nan
    profile.fit(values, two_weeks())
    assert profile(history(two_weeks(), 50, nodes=2), horizon=4)[0, 1].tolist() == [0, 0, 0, 0]


def test_an_adapter_learns_its_profile_once_and_is_still_the_identity():
    backbone = torch.nn.Identity()
    backbone.history, backbone.horizon, backbone.forward = 3, 3, lambda x: x[..., :1]
    model = STLoRA(backbone, 2, STLoRAConfig(profile=2))
    model.learn_profile(torch.randn(14 * STEPS, 2), two_weeks())
    assert model.adapter.profile.coefficients.abs().sum() > 0
    assert not any(p is model.adapter.profile.coefficients for p in model.parameters())
    x = history(two_weeks(), 40, nodes=2)
    assert torch.equal(model.eval()(x), x[..., :1])
    STLoRA(backbone, 2, STLoRAConfig.paper()).learn_profile(torch.randn(14 * STEPS, 2), two_weeks())  # has none
