"""The typical day of each node, against an explicit least-squares fit."""

import math

import numpy as np
import pytest
import torch

from stlora.adapters import typical_day as room
from stlora.adapters.typical_day import TypicalDay

STEPS = 24  # a day of hours


def two_weeks(steps=STEPS):
    """Clock ``[T, 2]`` of two weeks, from a Monday."""
    step = torch.arange(14 * steps)
    return torch.stack([(step % steps) / steps, (step // steps % 7) / 7], dim=1)


def test_fit_is_ridge_regression_on_each_nodes_observed_values():
    torch.manual_seed(0)
    clock, values = two_weeks(), torch.randn(14 * STEPS, 3)
    values[torch.rand(values.shape) < 0.3] = torch.nan
    day = TypicalDay(num_nodes=3, harmonics=2)
    day.fit(values, clock)
    tod, weekend = clock[:, 0].double().numpy(), (clock[:, 1] > 4.5 / 7).numpy()
    angles = 2 * np.pi * tod[:, None] * np.array([1, 2])
    basis = np.concatenate([np.ones((len(tod), 1)), np.sin(angles), np.cos(angles)], axis=1)
    for kind, rows in enumerate((~weekend, weekend)):
        for node in range(3):
            seen = rows & ~np.isnan(values[:, node].numpy())
            normal = basis[seen].T @ basis[seen] + np.eye(5)
            expected = np.linalg.solve(normal, basis[seen].T @ values[seen, node].double().numpy())
            np.testing.assert_allclose(day.coefficients[kind, :, node].numpy(), expected, rtol=1e-4, atol=1e-5)


def test_a_step_of_weight_two_counts_as_two_steps():
    torch.manual_seed(0)
    clock, values = two_weeks(), torch.randn(14 * STEPS, 2)
    weighted, repeated = TypicalDay(num_nodes=2, harmonics=2), TypicalDay(num_nodes=2, harmonics=2)
    weighted.fit(values, clock, torch.where(torch.arange(len(values)) < 7 * STEPS, 2.0, 1.0))
    repeated.fit(torch.cat([values, values[: 7 * STEPS]]), torch.cat([clock, clock[: 7 * STEPS]]))
    torch.testing.assert_close(weighted.coefficients, repeated.coefficients)


def test_it_gives_back_the_day_that_it_was_fitted_to():
    clock = two_weeks()
    values = torch.where(clock[:, 1] > 4.5 / 7, 5.0, torch.cos(2 * math.pi * clock[:, 0])).unsqueeze(1)
    day = TypicalDay(num_nodes=1, harmonics=1)
    day.fit(values, clock)
    torch.testing.assert_close(day(clock), values, rtol=0.05, atol=0.1)
    assert day(clock.reshape(2, -1, 2)).shape == (2, 7 * STEPS, 1)


def test_times_that_come_often_are_looked_up_once_and_answered_each():
    torch.manual_seed(0)
    day = TypicalDay(num_nodes=3, harmonics=2)
    day.coefficients.normal_()
    clock = two_weeks()[torch.randint(14 * STEPS, (5, 40))]
    clock[0, :2, 0] += 3  # hours of a later day, which the day of the week is of
    expected = torch.stack([day(one.unsqueeze(0))[0] for one in clock.flatten(0, 1)]).view(5, 40, 3)
    torch.testing.assert_close(day(clock), expected)
    torch._dynamo.reset()
    exported = torch.export.export(day, (clock,)).module()
    torch.testing.assert_close(exported(clock), expected)


def test_a_day_of_few_steps_carries_no_harmonics_that_it_cannot_tell_apart():
    clock = two_weeks(steps=6)
    day = TypicalDay(num_nodes=1, harmonics=8)
    day.fit(torch.randn(14 * 6, 1), clock)
    assert day.coefficients[:, [1, 2, 9, 10]].abs().min() > 0
    assert not day.coefficients[:, [*range(3, 9), *range(11, 17)]].any()


@pytest.mark.parametrize("days", [5, 14])
def test_a_node_or_a_kind_of_day_that_was_never_observed_is_flat_at_zero(days):
    clock = two_weeks()[: days * STEPS]
    values = torch.randn(len(clock), 2)
    values[:, 1] = torch.nan
    day = TypicalDay(num_nodes=2, harmonics=2)
    day.fit(values, clock)
    assert not day(two_weeks())[:, 1].any()
    assert bool(day(two_weeks())[-1, 0]) == (days == 14)  # a Sunday


def test_nodes_fitted_a_few_at_a_time_are_all_fitted(monkeypatch):
    clock = two_weeks()
    values = torch.randn(len(clock), 7, generator=torch.Generator().manual_seed(0))
    values[values > 1.5] = torch.nan
    whole, pieces = (TypicalDay(7, harmonics=3) for _ in range(2))
    whole.fit(values, clock)
    monkeypatch.setattr(room, "_NODES", 3)
    pieces.fit(values, clock)
    assert whole.coefficients.abs().amin(dim=1).gt(0).all()
    torch.testing.assert_close(pieces.coefficients, whole.coefficients)


def test_times_of_the_day_looked_at_a_few_at_a_time_are_all_counted(monkeypatch):
    torch.manual_seed(2)
    clock = torch.stack([torch.arange(96) % 48 / 48, torch.arange(96) // 48 / 7], dim=1)
    values = torch.randn(96, 3)
    whole, parts = TypicalDay(3, 4), TypicalDay(3, 4)
    whole.fit(values, clock)
    monkeypatch.setattr(room, "_TIMES", 7)
    parts.fit(values, clock)
    torch.testing.assert_close(parts.coefficients, whole.coefficients)
