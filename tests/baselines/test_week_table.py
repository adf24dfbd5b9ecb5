"""Historical average and seasonal naive against sums and searches by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stlora.errors import InputError


def _candidates(case, step, node, weekly=True):
    """The observed training values of the node at the clock time of ``step``, in order of time."""
    day, slot = case.slot(step)
    rows = [t for t in range(case.end) if case.slot(t)[1] == slot and (not weekly or case.slot(t)[0] == day)]
    return [v for v in case.training[rows, node] if not np.isnan(v)]


def _expected(case, starts, choose, weekly=True):
    out = np.empty((len(starts), 3, 3))
    for b, start in enumerate(starts):
        for h in range(3):
            for node in range(3):
                found = _candidates(case, start + 4 + h, node, weekly)
                out[b, h, node] = choose(found or _candidates(case, start + 4 + h, node, weekly=False))
    return out


@pytest.mark.parametrize(
    ("name", "options", "choose"),
    [
        ("ha", {}, np.mean),
        ("seasonal", {}, lambda found: found[-1]),
        ("seasonal", {"period": "day"}, lambda found: found[-1]),
    ],
)
def test_forecasts_what_the_training_part_holds_for_the_clock_time(case, name, options, choose):
    starts = [*range(60), 90, 105]  # every slot of the week, and later windows
    got = case.forecast(case.fit(name, **options), torch.tensor(starts))
    weekly = options.get("period") != "day"
    np.testing.assert_allclose(got, _expected(case, starts, choose, weekly), rtol=1e-5)


@pytest.mark.parametrize("name", ["ha", "seasonal"])
def test_is_exact_on_a_periodic_series(make_case, name):
    week = np.random.default_rng(1).uniform(0, 100, (28, 2))
    case = make_case(np.tile(week, (4, 1)))
    starts = torch.arange(len(case.windows))
    got = case.forecast(case.fit(name), starts)
    np.testing.assert_allclose(got, case.windows.targets(starts).squeeze(-1).numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "choose"), [("ha", np.mean), ("seasonal", lambda found: found[-1])])
def test_falls_back_to_the_time_of_day_then_the_node_then_the_network(make_case, name, choose):
    values = np.random.default_rng(2).uniform(0, 100, (4 * 28, 3))
    by_hand = make_case(values)
    mondays = [t for t in range(len(values)) if by_hand.slot(t)[0] == 0]
    mornings = [t for t in range(len(values)) if by_hand.slot(t)[1] == 1]
    values[mondays, 0] = np.nan
    values[mornings, 1] = np.nan
    values[:, 2] = np.nan
    case = make_case(values)
    start = next(t for t in range(60) if case.slot(t + 4) == (0, 1))  # first step ahead: Monday, second slot
    got = case.forecast(case.fit(name), torch.tensor([start]))[0, 0]
    same_time = _candidates(case, start + 4, 0, weekly=False)
    expected = [choose(same_time), np.nanmean(case.training[:, 1]), np.nanmean(case.training)]
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["ha", "seasonal"])
def test_knows_every_five_minute_slot_of_a_week(make_case, name):
    week = np.random.default_rng(3).uniform(0, 100, (7 * 288, 1))
    case = make_case(np.tile(week, (2, 1)), interval="5min")
    starts = torch.arange(len(case.windows))
    got = case.forecast(case.fit(name), starts)
    np.testing.assert_allclose(got, case.windows.targets(starts).squeeze(-1).numpy(), rtol=1e-4, atol=1e-4)


def test_refuses_steps_that_do_not_divide_a_day(make_case):
    case = make_case(np.random.default_rng(4).uniform(0, 1, (100, 2)), interval="7min")
    with pytest.raises(InputError, match="a day is not 206 steps of 0 days 00:07:00"):
        case.fit("ha")


def test_refuses_another_period(case):
    with pytest.raises(InputError, match="period is 'month'; choose week or day"):
        case.fit("seasonal", period="month")
