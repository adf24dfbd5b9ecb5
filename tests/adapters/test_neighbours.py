"""Neighbours found by correlation, against explicit loops."""

import numpy as np
import pandas as pd
import pytest
import torch

from stlora.adapters import neighbours as room
from stlora.adapters.neighbours import AHEAD, ALIKE, Neighbours


def waves(nodes=5, steps=400, seed=0):
    """Departures in which node i follows node i - 1 by two steps."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randn(steps + 2 * nodes, generator=generator)
    smooth = (source[2:] + source[1:-1] + source[:-2]) / 3
    columns = [smooth[2 * (nodes - i) : 2 * (nodes - i) + steps - nodes] for i in range(nodes)]
    noise = 0.1 * torch.randn(steps - nodes, nodes, generator=generator)
    return torch.stack(columns, dim=1) + noise


def expected_weights(departures, lag, count):
    """Both kinds, node by node with pandas, which leaves out a pair of which one is missing: ``[2, N, N]``."""
    table = pd.DataFrame(departures.double().numpy())
    found = np.zeros((2, len(table.columns), len(table.columns)))
    for i in table:
        before, after = table[i].iloc[:-lag], table[i].shift(-lag).iloc[:-lag]
        both = before.notna() & after.notna()
        rest = pd.Series(np.nan, before.index)
        if both.sum() > 2:
            known = pd.DataFrame({"change": (after - before)[both], "before": before[both]})
            slope = known.cov().loc["change", "before"] / known["before"].var()
            rest[both] = known["change"] - slope * known["before"]
        for j in table:
            if i != j:
                found[ALIKE, i, j] = table[i].corr(table[j], min_periods=30)
                found[AHEAD, i, j] = rest.corr(table[j].iloc[:-lag], min_periods=30)
    found = np.nan_to_num(found)
    for kind in found:
        for row in kind:
            row[np.argsort(np.abs(row))[:-count]] = 0
            row /= max(np.abs(row).sum(), 1e-9)
    return found


def as_matrices(neighbours):
    """The weights as ``[2, N, N]``."""
    nodes = neighbours.index.shape[1]
    return torch.zeros(2, nodes, nodes).scatter_add_(2, neighbours.index, neighbours.weight).numpy()


def with_gaps(departures, share, seed=1):
    """The same with a share missing: half of it value by value, half in stretches of 20 steps."""
    generator = torch.Generator().manual_seed(seed)
    steps, nodes = departures.shape
    single = torch.rand(steps, nodes, generator=generator) < share / 2
    stretches = (torch.rand(steps // 20 + 1, nodes, generator=generator) < share / 2).repeat_interleave(20, 0)[:steps]
    return departures.masked_fill(single | stretches, torch.nan)


def shifted(departures):
    """The same with gaps where values are large: means over what two nodes share are then not their own means."""
    return departures.masked_fill(departures > 0.8 * departures.std(dim=0), torch.nan)


def lone_gap(departures):
    """The same with a single gap: other columns are complete."""
    departures[7, 2] = torch.nan
    return departures


@pytest.mark.parametrize(
    "gaps",
    [
        lambda whole: whole,
        lone_gap,
        lambda whole: with_gaps(whole, 0.05),
        lambda whole: with_gaps(whole, 0.3),
        lambda whole: with_gaps(whole, 0.6),
        shifted,
    ],
    ids=["none", "one", "5 %", "30 %", "60 %", "where values are large"],
)
def test_weights_are_the_largest_correlations(monkeypatch, gaps):
    departures = gaps(waves())
    neighbours = Neighbours(5, count=2)
    neighbours.fit(departures, lag=2)
    expected = expected_weights(departures, lag=2, count=2)
    np.testing.assert_allclose(as_matrices(neighbours), expected, atol=1e-4)
    monkeypatch.setattr(room, "_ROWS", 2)  # a few nodes at a time
    pieces = Neighbours(5, count=2)
    pieces.fit(departures, lag=2)
    np.testing.assert_allclose(as_matrices(pieces), expected, atol=1e-4)


def test_gaps_do_not_make_a_leader_of_a_node_that_shows_the_same_level():
    rng = np.random.default_rng(0)
    steps, lag = 6000, 1
    leader, shocks, noise = rng.normal(size=(3, steps))
    node = np.zeros(steps)
    for step in range(1, steps):
        node[step] = 0.9 * node[step - 1] + 0.15 * leader[step - 1] + 0.5 * shocks[step]
    twin = node + 0.3 * noise  # tells no more of the next change than the node's own departure does
    departures = torch.from_numpy(np.stack([node, leader, twin], axis=1)).float()
    departures[torch.from_numpy(rng.random(steps) < 0.3), 0] = torch.nan
    neighbours = Neighbours(3, count=1)
    neighbours.fit(departures, lag)
    assert neighbours.index[AHEAD, 0].tolist() == [1]


def test_two_nodes_that_are_hardly_ever_observed_together_are_no_neighbours():
    departures = waves()
    departures[: len(departures) // 2, 1] = torch.nan
    departures[len(departures) // 2 + 10 :, 2] = torch.nan  # 10 common steps
    neighbours = Neighbours(5, count=4)
    neighbours.fit(departures, lag=2)
    found = as_matrices(neighbours)
    assert not found[:, 1, 2].any()
    assert not found[:, 2, 1].any()
    assert found[ALIKE, 1, 0] != 0 != found[ALIKE, 2, 3]


def test_the_node_that_goes_ahead_is_found():
    neighbours = Neighbours(5, count=1)
    neighbours.fit(waves(), lag=2)
    assert neighbours.index[AHEAD, 1:, 0].tolist() == [0, 1, 2, 3]


def test_departures_of_neighbours_are_added_with_their_weights():
    neighbours = Neighbours(5, count=3)
    neighbours.fit(waves(), lag=2)
    departures = torch.randn(2, 4, 5)
    by_hand = torch.einsum("kij,btj->kbti", torch.from_numpy(as_matrices(neighbours)), departures)
    torch.testing.assert_close(neighbours(departures), by_hand)


def test_fewer_nodes_than_neighbours_and_too_short_a_period_are_no_defect():
    few = Neighbours(2, count=8)
    few.fit(torch.randn(50, 2), lag=3)
    assert few.weight.abs().sum(dim=-1).allclose(torch.ones(2, 2))
    assert few.weight[..., 1:].any() == 0
    short = Neighbours(2, count=1)
    short.fit(torch.randn(4, 2), lag=3)
    assert not short.weight.any()
    alone = Neighbours(1, count=2)
    alone.fit(torch.randn(50, 1), lag=3)
    assert not alone(torch.ones(1, 1)).any()


def test_a_node_without_observations_has_no_say():
    departures = waves()
    departures[:, 3] = torch.nan
    neighbours = Neighbours(5, count=4)
    neighbours.fit(departures, lag=2)
    assert not as_matrices(neighbours)[:, :, 3].any()
    assert not as_matrices(neighbours)[:, 3].any()


def test_of_many_nodes_a_draw_of_the_steps_is_looked_at(monkeypatch):
    departures = waves()
    monkeypatch.setattr(room, "MANY", 4)
    monkeypatch.setattr(room, "MOMENTS", 100)
    drawn, all_steps = Neighbours(5, count=2), Neighbours(5, count=2)
    drawn.fit(departures, lag=2)
    alike, ahead = room._moments(len(departures), 5), room._moments(len(departures) - 2, 5)
    assert len(alike.unique()) == len(ahead.unique()) == 100
    assert alike.max() > 350 > 50 > alike.min()
    by_hand = np.corrcoef(departures[alike].T.numpy())
    strongest = np.argsort(-np.abs(by_hand - np.eye(5)), axis=1)[:, :2]
    np.testing.assert_array_equal(drawn.index[ALIKE].numpy(), strongest)
    monkeypatch.undo()
    all_steps.fit(departures, lag=2)
    assert (drawn.index[AHEAD, 1:, 0] == all_steps.index[AHEAD, 1:, 0]).all()
    assert not torch.equal(drawn.weight, all_steps.weight)
