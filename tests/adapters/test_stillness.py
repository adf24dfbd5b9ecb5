"""Nodes that have gone dead, against a loop over windows."""

import math

import pytest
import torch

from stlora.adapters.stillness import Stillness


def explicit(values, departures, history):
    """How far from usual the stillest windows of each node were, one window at a time."""
    seen = [0.0] * values.shape[1]
    for node in range(values.shape[1]):
        for first in range(len(values) - history + 1):
            window = values[first : first + history, node].tolist()
            if all(value == window[0] for value in window):
                away = departures[first : first + history, node].abs().mean().item()
                seen[node] = max(seen[node], away)
    return torch.tensor(seen)


@pytest.mark.parametrize("history", [1, 2, 3, 6])
def test_what_was_seen_is_the_most_of_all_still_windows(history):
    torch.manual_seed(history)
    values = torch.randint(0, 2, (80, 4)).float()
    values[:, 3] = torch.rand(80)  # never still
    values[torch.rand(80, 4) < 0.05] = math.nan
    departures = torch.randn(80, 4)
    stillness = Stillness(4, history)
    stillness.fit(values, departures)
    torch.testing.assert_close(stillness.seen, explicit(values, departures, history))
    assert (stillness.seen[3] == 0) == (history > 1)


def test_a_series_shorter_than_a_window_has_shown_nothing():
    stillness = Stillness(2, history=12)
    stillness.seen.fill_(3.0)
    stillness.fit(torch.zeros(5, 2), torch.ones(5, 2))
    assert stillness.seen.tolist() == [0, 0]


def test_only_what_is_still_and_farther_from_usual_than_ever_is_strange():
    stillness = Stillness(4, history=3)
    stillness.seen.copy_(torch.tensor([0.0, 1.0, 1.0, 1.0]))
    values = torch.tensor([[5.0, 5.0, 5.0, 5.0], [5.0, 5.0, 5.0, 5.1], [5.0, 5.0, 5.0, 5.0]])[None]
    departures = torch.tensor([0.1, 0.9, -1.1, 9.0]).expand(1, 3, 4)
    assert stillness(values, departures).tolist() == [[True, False, True, False]]


def test_one_step_cannot_show_that_a_node_stands_still():
    stillness = Stillness(2, history=1)
    stillness.fit(torch.tensor([[1.0, 2.0], [2.0, 3.0]]), torch.tensor([[0.5, 0.5], [0.5, 0.5]]))
    values = torch.tensor([[[9.0, torch.nan]]])  # a record
    assert stillness(values, values).tolist() == [[False, False]]
