"""Neighbours found by correlation, against explicit loops."""

import numpy as np
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
    """Both kinds by loops over pairs of nodes: ``[2, N, N]``."""
    values = np.nan_to_num(departures.double().numpy())
    nodes = values.shape[1]
    found = np.zeros((2, nodes, nodes))
    for i in range(nodes):
        before, change = values[:-lag, i], values[lag:, i] - values[:-lag, i]
        slope = np.cov(before, change, bias=True)[0, 1] / before.var()
        rest = change - slope * before
        for j in range(nodes):
            if i != j:
                found[ALIKE, i, j] = np.corrcoef(values[:, i], values[:, j])[0, 1]
                found[AHEAD, i, j] = np.corrcoef(rest, values[:-lag, j])[0, 1]
    for kind in found:
        for row in kind:
            row[np.argsort(np.abs(row))[:-count]] = 0
            row /= np.abs(row).sum()
    return found


def as_matrices(neighbours):
    """The weights as ``[2, N, N]``."""
    nodes = neighbours.index.shape[1]
    return torch.zeros(2, nodes, nodes).scatter_add_(2, neighbours.index, neighbours.weight).numpy()


def test_weights_are_the_largest_correlations(monkeypatch):
    departures = waves()
    departures[7, 2] = torch.nan
    neighbours = Neighbours(5, count=2)
    neighbours.fit(departures, lag=2)
    expected = expected_weights(departures, lag=2, count=2)
    np.testing.assert_allclose(as_matrices(neighbours), expected, atol=1e-4)
    monkeypatch.setattr(room, "_ROWS", 2)  # a few nodes at a time
    pieces = Neighbours(5, count=2)
    pieces.fit(departures, lag=2)
    np.testing.assert_allclose(as_matrices(pieces), expected, atol=1e-4)


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
