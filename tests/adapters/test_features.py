"""What a predictor sees, computed by hand."""

import math

import pytest
import torch

from stlora import InputError, STLoRAConfig
from stlora.adapters.features import check_channels, num_features, window_features
from stlora.adapters.profile import Context

NODES, STEPS, HORIZON = 2, 3, 2


def window(day=0, time_of_day=0.25, channels=4):
    """One window: node 0 has seen 1, 2, 3, node 1 has seen -1, (missing, carried) -1, 5."""
    x = torch.zeros(1, STEPS, NODES, 4)
    x[0, :, :, 0] = torch.tensor([[1.0, -1.0], [2.0, -1.0], [3.0, 5.0]])
    x[0, :, :, 1] = torch.tensor([0.9, 0.95, time_of_day])[:, None]  # only the last step's clock may matter
    x[0, :, :, 2] = torch.tensor([3 / 7, 3 / 7, day / 7])[:, None]
    x[0, :, :, 3] = torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x[..., :channels]


FORECAST = torch.tensor([[7.0, 8.0], [9.0, 10.0]]).reshape(1, HORIZON, NODES)


def features(**choices):
    off = {"gaps": False, "harmonics": 0, "weekday": False, "profile": 0, "neighbours": 0}
    channels = choices.pop("channels", 4)
    day = choices.pop("day", 0)
    config = STLoRAConfig(**{**off, **choices})
    found = window_features(window(day=day, channels=channels), FORECAST, config)
    assert found.shape == (1, NODES, num_features(config, STEPS, HORIZON, drafted=True))
    return found[0]


def test_values_and_forecast_come_first():
    assert features().tolist() == [[1, 2, 3, 7, 9], [-1, -1, 5, 8, 10]]


def test_gaps_are_marked_where_a_value_is_missing():
    assert features(gaps=True)[:, 5:].tolist() == [[0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("channels", [1, 3])
def test_history_without_observed_channel_counts_as_observed(channels):
    assert features(gaps=True, channels=channels)[:, 5:].tolist() == [[0, 0, 0], [0, 0, 0]]


def test_harmonics_are_sines_then_cosines_of_the_newest_time_of_day():
    angle = 2 * math.pi * 0.25
    expected = [math.sin(angle), math.sin(2 * angle), math.sin(3 * angle)]
    expected += [math.cos(angle), math.cos(2 * angle), math.cos(3 * angle)]
    for node in features(harmonics=3)[:, 5:]:
        assert node.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("day", range(7))
def test_weekday_says_weekend_and_where_in_the_week(day):
    expected = [float(day >= 5), math.sin(2 * math.pi * day / 7), math.cos(2 * math.pi * day / 7)]
    for node in features(weekday=True, day=day)[:, 5:]:
        assert node.tolist() == pytest.approx(expected, abs=1e-6)


def test_everything_together_keeps_the_order():
    found = features(gaps=True, harmonics=1, weekday=True, day=6)[1]
    clock = [1.0, 0.0, 1.0, math.sin(12 * math.pi / 7), math.cos(12 * math.pi / 7)]
    assert found.tolist() == pytest.approx([-1, -1, 5, 8, 10, 0, 1, 0, *clock], abs=1e-6)


def test_what_is_known_of_the_nodes_follows_the_forecast_and_past_values_are_departures():
    config = STLoRAConfig(gaps=False, harmonics=0, weekday=False)
    made = {name: torch.rand(1, STEPS, NODES) for name in ("departure", "alike", "ahead")}
    known = {name: torch.rand(1, HORIZON, NODES) for name in ("usual", "spread", "expected")}
    context = Context(made["departure"], **known, around=(made["alike"], made["ahead"]))
    found = window_features(window(), FORECAST, config, context)
    assert found.shape[-1] == num_features(config, STEPS, HORIZON, drafted=True)
    parts = [made["departure"], FORECAST, known["usual"], known["spread"], made["alike"], made["ahead"]]
    assert torch.equal(found, torch.cat([part.transpose(1, 2) for part in parts], dim=-1))


def test_without_a_draft_its_place_is_left_out():
    config = STLoRAConfig(profile=0, neighbours=0)
    drafted, alone = (window_features(window(), forecast, config) for forecast in (FORECAST, None))
    assert alone.shape[-1] == num_features(config, STEPS, HORIZON, drafted=False)
    assert torch.equal(alone, torch.cat([drafted[..., :STEPS], drafted[..., STEPS + HORIZON :]], dim=-1))


def test_of_the_gaps_the_newest_are_seen():
    config = STLoRAConfig(harmonics=0, weekday=False, neighbours=0)
    x = torch.rand(1, 6, NODES, 4)
    usual, spread, expected = (torch.rand(1, steps, NODES) for steps in (12, 3, 12))
    context = Context(x[..., 0], usual, spread, expected, around=())
    found = window_features(x, None, config, context)
    assert found.shape[-1] == num_features(config, 6, 12, drafted=False)
    parts = [x[..., 0], usual, spread, 1 - x[:, -3:, :, 3]]
    assert torch.equal(found, torch.cat([part.transpose(1, 2) for part in parts], dim=-1))


@pytest.mark.parametrize("choice", [{"harmonics": 1}, {"weekday": True}, {"profile": 1}])
def test_clock_features_need_clock_channels(choice):
    config = STLoRAConfig(**{"harmonics": 0, "weekday": False, "profile": 0, "neighbours": 0, **choice})
    with pytest.raises(InputError, match=r"2 channel.*harmonics=0, weekday=False, profile=0 and neighbours=0"):
        check_channels(window(channels=2), config)
    check_channels(window(channels=3), config)
