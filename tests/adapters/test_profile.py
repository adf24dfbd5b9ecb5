"""What is measured of each node, against explicit formulas."""

import math

import pytest
import torch

from stlora import STLoRA, STLoRAConfig
from stlora.adapters.profile import NEWEST, NodeProfile

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


def fitted(values, horizon, harmonics=1, neighbours=0):
    """A profile measured on two weeks of hours."""
    profile = NodeProfile(values.shape[1], 3, horizon, harmonics, neighbours)
    profile.fit(values, two_weeks())
    return profile


@pytest.mark.parametrize("last", [4 * STEPS + 20, 5 * STEPS + 3, 6 * STEPS + 22, 30])  # Friday night, …, Sunday night
def test_the_steps_to_come_have_their_own_clock(last):
    clock = two_weeks()
    weekend = clock[:, 1] > 4.5 / 7
    values = torch.where(weekend, 5.0, torch.cos(2 * math.pi * clock[:, 0])).unsqueeze(1)
    usual = fitted(values, horizon=8)(history(clock, last, nodes=1)).usual[0]
    torch.testing.assert_close(usual, values[last + 1 : last + 9], rtol=0.02, atol=0.05)


def test_the_step_is_that_of_the_training_period_whatever_the_window_holds():
    clock, values = two_weeks(), torch.cos(2 * math.pi * two_weeks()[:, :1])
    profile = fitted(values, horizon=5)
    assert float(profile.step) == pytest.approx(1 / STEPS)
    expected = profile(history(clock, 30, nodes=1)).usual
    assert torch.equal(profile(history(clock, 30, nodes=1, steps=1)).usual, expected)
    jump = history(clock, 30, nodes=1)
    jump[0, -2, :, 1] -= 1 / STEPS  # clocks were put forward
    assert torch.equal(profile(jump).usual, expected)


def test_past_values_are_departures_from_the_usual_ones():
    torch.manual_seed(0)
    clock, values = two_weeks(), torch.randn(14 * STEPS, 2)
    profile = fitted(values, horizon=2)
    x = history(clock, 50, nodes=2)
    x[0, ..., 0] = values[48:51]
    torch.testing.assert_close(profile(x).departure[0], values[48:51] - profile.day(clock[48:51]))


def test_the_spread_is_the_usual_size_of_departures():
    torch.manual_seed(0)
    clock = two_weeks()
    values = torch.randn(14 * STEPS, 1) * torch.where(clock[:, :1] < 0.5, 0.1, 3.0)
    profile = fitted(values, horizon=6, harmonics=3)
    morning, evening = (profile(history(clock, hour, nodes=1)).spread.mean() for hour in (2, 14))
    assert evening > 3 * morning >= 0
    spread = profile(history(clock, 14, nodes=1)).spread
    assert torch.equal(spread[0], profile.variance(clock[[15, 17, 20]]).clamp(min=0).sqrt())  # steps 1, 3 and 6 ahead


def test_what_is_usual_is_what_was_usual_lately():
    days = 2 * 120
    step = torch.arange(days * STEPS)
    clock = torch.stack([(step % STEPS) / STEPS, (step // STEPS % 7) / 7], dim=1)
    values = torch.where(step < days * STEPS // 2, 0.0, 1.0).unsqueeze(1)  # the level rose 120 days before the end
    profile = NodeProfile(1, history=3, horizon=2, harmonics=1, neighbours=0)
    profile.fit(values, clock)
    newer, older = 1 - 0.5**2, 0.5**2 - 0.5**4  # weights of the two halves, with a half-life of 60 days
    torch.testing.assert_close(
        profile.day(clock[:STEPS]).mean(), torch.tensor(newer / (newer + older)), rtol=0.01, atol=0
    )


def test_persistence_is_least_squares_over_pairs_that_were_both_observed():
    torch.manual_seed(0)
    values = torch.randn(14 * STEPS, 2).cumsum(0).sin()
    values[torch.rand(values.shape) < 0.2] = torch.nan
    profile = fitted(values, horizon=3)
    departures = (values - profile.day(two_weeks())).numpy()
    for node in range(2):
        for ahead in (1, 2, 3):
            pairs = [
                (before, after, 0.5 ** ((len(values) - 1 - row) / STEPS / 60))  # half the weight after 60 days
                for row, before, after in zip(
                    range(ahead, len(values)), departures[:-ahead, node], departures[ahead:, node], strict=True
                )
                if before == before and after == after
            ]
            slope = sum(w * b * a for b, a, w in pairs) / (sum(w * b * b for b, _, w in pairs) + 1)
            assert float(profile.persistence[ahead - 1, node]) == pytest.approx(slope, abs=1e-4)


def test_what_is_expected_is_the_usual_value_and_what_is_left_of_the_newest_departure():
    torch.manual_seed(0)
    profile = fitted(torch.randn(14 * STEPS, 2).cumsum(0).sin(), horizon=3)
    x = history(two_weeks(), 40, nodes=2)
    x[..., 0] = torch.randn(1, 3, 2)
    context = profile(x)
    for ahead in range(3):
        faded = profile.persistence[ahead] * context.departure[0, -1]
        torch.testing.assert_close(context.expected[0, ahead], context.usual[0, ahead] + faded)


def test_only_the_newest_steps_of_neighbours_are_looked_at():
    torch.manual_seed(0)
    profile = fitted(torch.randn(14 * STEPS, 4), horizon=2, neighbours=2)
    x = history(two_weeks(), 40, nodes=4, steps=NEWEST + 3)
    x[..., 0] = torch.randn(1, NEWEST + 3, 4)
    context = profile(x)
    assert torch.equal(torch.stack(context.around), profile.neighbours(context.departure[:, -NEWEST:]))
    assert fitted(torch.randn(14 * STEPS, 4), horizon=2)(x).around == ()


def test_a_node_that_was_never_observed_is_expected_at_the_training_mean():
    values = torch.randn(14 * STEPS, 2)
    values[:, 1] = torch.nan
    context = fitted(values, horizon=4, harmonics=2, neighbours=1)(history(two_weeks(), 50, nodes=2))
    assert not context.expected[..., 1].any()
    assert all(bool(part.isfinite().all()) for part in (context.spread, *context.around))


def test_an_adapter_learns_its_profile_once_and_is_still_the_identity():
    backbone = torch.nn.Identity()
    backbone.history, backbone.horizon, backbone.forward = 3, 3, lambda x: x[..., :1]
    model = STLoRA(backbone, 2, STLoRAConfig(profile=2))
    model.learn_profile(torch.randn(14 * STEPS, 2), two_weeks())
    assert model.adapter.profile.day.coefficients.abs().sum() > 0
    assert model.adapter.profile.neighbours.weight.any()
    assert not set(map(id, model.adapter.profile.buffers())) & set(map(id, model.parameters()))
    x = history(two_weeks(), 40, nodes=2)
    assert torch.equal(model.eval()(x), x[..., :1])
    STLoRA(backbone, 2, STLoRAConfig.paper()).learn_profile(torch.randn(14 * STEPS, 2), two_weeks())  # has none


def days_from_a_monday(count, days):
    """Clock ``[T, 2]`` of so many steps of so many days, the first on a Monday at midnight."""
    at = torch.arange(count, dtype=torch.float64) * days
    return torch.stack([at % 1, at.floor() % 7 / 7], dim=1).float()


@pytest.mark.parametrize(
    ("days", "step"), [(1.0, 1.0), (1.5, 1.5), (2.0, 2.0), (7.0, 7.0), (8.0, 1.0), (1 / 24, 1 / 24)]
)
def test_steps_of_a_day_and_longer_have_their_own_days_ahead(days, step):
    clock = days_from_a_monday(60, days)
    profile = NodeProfile(1, 3, 9, 1, 0)
    profile.fit(torch.randn(50, 1), clock[:50])
    assert float(profile.step) == pytest.approx(step, abs=1e-5)
    ahead = profile._ahead(clock[49:50])[0]
    torch.testing.assert_close(ahead[:, 0] % 1, clock[50:59, 0], atol=1e-4, rtol=0)
    torch.testing.assert_close(ahead[:, 1], clock[50:59, 1], atol=1e-4, rtol=0)


def test_a_weekend_is_expected_of_daily_values():
    clock = days_from_a_monday(7 * 20, 1.0)
    values = torch.where(clock[:, 1] > 4.5 / 7, 10.0, 2.0).unsqueeze(1)
    profile = NodeProfile(1, 3, 7, 1, 0)
    profile.fit(values, clock)
    friday = 7 * 10 + 4
    usual = profile(history(clock, friday, nodes=1)).usual[0, :, 0]
    torch.testing.assert_close(usual, torch.tensor([10.0, 10.0, 2.0, 2.0, 2.0, 2.0, 2.0]), rtol=0.05, atol=0.1)
