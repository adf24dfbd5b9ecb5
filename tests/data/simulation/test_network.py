from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from stlora.data.simulation.network import SimulatedNetwork, simulate, travel
from stlora.data.simulation.profiles import KINDS
from stlora.data.simulation.roads import draw_roads
from stlora.errors import InputError

STEPS_PER_DAY = 96


@pytest.fixture(scope="module")
def network() -> SimulatedNetwork:
    return simulate()


@pytest.fixture(scope="module")
def large() -> SimulatedNetwork:
    return simulate(num_nodes=240, days=7, seed=3)


def _members(network: SimulatedNetwork, kind: str) -> np.ndarray:
    """The profiles of a kind, [n, day, step of day]."""
    return network.profiles[np.array(network.kinds) == kind].reshape(-1, 7, STEPS_PER_DAY)


def _residual(network: SimulatedNetwork) -> np.ndarray:
    """Relative deviation of the truth from the profile, [T, N]."""
    steps = np.arange(len(network.truth)) % network.profiles.shape[1]
    return network.truth / network.profiles.T[steps] - 1


def test_the_default_network_is_a_month_of_forty_sensors_from_a_monday(network: SimulatedNetwork) -> None:
    series = network.series
    assert series.values.shape == network.truth.shape == (2688, 40)
    assert network.profiles.shape == (40, 672)
    assert network.truth.dtype == network.profiles.dtype == series.values.dtype == np.float32
    assert str(series.time[0]) == "2024-01-01 00:00:00"
    assert series.time[0].day_of_week == 0
    assert (series.node_ids[0], series.node_ids[-1]) == ("S001", "S040")
    assert (series.name, series.unit) == ("simulated", "veh/h")
    assert np.nanmin(series.values) >= 0


def test_equal_seeds_give_equal_networks_to_the_bit(network: SimulatedNetwork) -> None:
    again = simulate()
    np.testing.assert_array_equal(again.series.values, network.series.values)
    np.testing.assert_array_equal(again.truth, network.truth)
    np.testing.assert_array_equal(again.series.coordinates, network.series.coordinates)
    assert again.series.fingerprint() == network.series.fingerprint()
    assert (again.kinds, again.stuck) == (network.kinds, network.stuck)


def test_another_seed_gives_another_town(network: SimulatedNetwork) -> None:
    other = simulate(seed=1)
    assert other.kinds != network.kinds
    assert not np.allclose(other.series.adjacency, network.series.adjacency)
    assert not np.allclose(other.truth, network.truth)


def test_the_share_of_gaps_does_not_change_the_truth(network: SimulatedNetwork) -> None:
    whole = simulate(missing=0.0)
    np.testing.assert_array_equal(whole.truth, network.truth)
    assert whole.series.observed.all()
    seen = network.series.observed
    np.testing.assert_array_equal(whole.series.values[seen], network.series.values[seen])


def test_kinds_are_equally_frequent(large: SimulatedNetwork) -> None:
    assert {kind: large.kinds.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, 40)


@pytest.mark.parametrize(
    ("kind", "peak_on_friday", "weekend_share"),
    [
        ("commuter-in", 7.5, (0.5, 0.8)),
        ("commuter-out", 17.0, (0.5, 0.8)),
        ("night", 22.5, (0.9, 1.3)),
        ("weekend", 14.5, (2.0, 3.5)),
        ("school", 7.6, (0.4, 0.7)),
        ("residential", 13.5, (0.95, 1.1)),
    ],
)
def test_each_kind_has_a_day_and_a_week_of_its_own(
    large: SimulatedNetwork, kind: str, peak_on_friday: float, weekend_share: tuple[float, float]
) -> None:
    days = _members(large, kind).mean(axis=0)
    assert days[4].argmax() * 24 / STEPS_PER_DAY == pytest.approx(peak_on_friday, abs=0.75)
    assert weekend_share[0] < days[5:].mean() / days[:5].mean() < weekend_share[1]


def test_sensors_of_a_kind_differ_in_size_and_in_shape(large: SimulatedNetwork) -> None:
    days = _members(large, "commuter-in")
    size = days.mean(axis=(1, 2))
    assert size.std() / size.mean() > 0.2
    assert len(np.unique(days[:, 1].argmax(axis=1))) > 5


def test_the_roads_are_directed_and_have_self_loops(network: SimulatedNetwork) -> None:
    adjacency = network.series.adjacency
    assert adjacency.dtype == np.float32
    np.testing.assert_array_equal(adjacency.diagonal(), 1.0)
    assert adjacency[0, 1] > 0.5
    assert adjacency[1, 0] == 0.0
    assert adjacency[adjacency > 0].min() >= 0.1
    assert adjacency.max() == 1.0


def test_the_kernel_takes_the_shortest_drive() -> None:
    roads = draw_roads(np.random.default_rng(5), 30)
    adjacency = roads.adjacency()
    drive = np.full((30, 30), np.inf)
    drive[roads.source, roads.target] = roads.length
    np.fill_diagonal(drive, 0.0)
    for via in range(30):  # Floyd and Warshall
        drive = np.minimum(drive, drive[:, [via]] + drive[[via]])
    expected = np.exp(-((drive / 5.0) ** 2))
    clear = np.abs(expected - 0.1) > 1e-4
    np.testing.assert_allclose(adjacency[clear], np.where(expected < 0.1, 0, expected)[clear], atol=1e-5)


def test_sensors_are_as_far_apart_as_their_edge_says() -> None:
    roads = draw_roads(np.random.default_rng(5), 60)
    offset = roads.coordinates[roads.target] - roads.coordinates[roads.source]
    offset *= 111.2 * np.array([1.0, np.cos(np.radians(45.0))])
    np.testing.assert_allclose(np.abs(offset).sum(axis=1), roads.length, rtol=1e-6)  # roads cross at right angles


def test_an_incident_reaches_sensors_downstream_later_and_weaker() -> None:
    chain = SimpleNamespace(
        source=np.array([0, 1]), target=np.array([1, 2]), length=np.array([4.0, 2.0]), share=np.array([1.0, 1.0])
    )
    incidents = np.zeros((8, 3))
    incidents[1, 0] = -0.4
    waves = travel(incidents, chain, hours=0.25)  # 8 km/h: two steps for 4 km, one for 2 km
    expected = np.zeros((8, 3))
    expected[1, 0], expected[3, 1], expected[4, 2] = -0.4, -0.4 * 0.85, -0.4 * 0.85**2
    np.testing.assert_allclose(waves, expected)


def test_waves_show_downstream_some_steps_later_in_the_truth(large: SimulatedNetwork) -> None:
    change = np.diff(_residual(large), axis=0)  # differences take out the weather
    upstream, downstream = change[:, 0:8], change[:, 1:9]  # one road in driving order
    lags = np.arange(-4, 5)
    length = len(change) - 8
    correlation = [
        np.corrcoef(upstream[4 : 4 + length].ravel(), downstream[4 + lag : 4 + lag + length].ravel())[0, 1]
        for lag in lags
    ]
    assert lags[np.argmax(correlation)] == 1  # 2 km at 8 km/h are one step of 15 minutes
    assert max(correlation) > 0.3


def test_sensors_share_the_weather(network: SimulatedNetwork) -> None:
    daily = np.corrcoef(_residual(network).reshape(28, STEPS_PER_DAY, 40).mean(axis=1).T)
    assert np.median(daily[~np.eye(40, dtype=bool)]) > 0.5


def test_the_profile_is_the_mean_of_the_truth_over_many_weeks() -> None:
    network = simulate(num_nodes=12, days=7 * 150, interval="1h", seed=2)
    mean = network.truth.reshape(150, 168, 12).mean(axis=0).T
    error = mean / network.profiles - 1
    assert abs(error.mean()) < 0.03
    assert error.std() < 0.05


def test_measurements_are_whole_vehicles_scattered_around_the_truth(network: SimulatedNetwork) -> None:
    values, seen = network.series.values, network.series.observed.copy()
    for node, start, end in network.stuck:
        seen[start:end, node] = False
    np.testing.assert_array_equal(values[seen] % 4, 0)  # a vehicle in 15 minutes is 4 an hour
    error = (values - network.truth)[seen]
    assert abs(error.mean()) < 0.02 * network.truth.mean()
    assert 0.05 < np.abs(error).mean() / network.truth.mean() < 0.15


def test_noise_is_autocorrelated(network: SimulatedNetwork) -> None:
    error = network.series.values / network.truth - 1
    error = np.where((network.truth > 1000) & network.series.observed, error, np.nan)  # where counting noise is small
    now, later = error[:-1].ravel(), error[1:].ravel()
    both = ~np.isnan(now) & ~np.isnan(later)
    assert np.corrcoef(now[both], later[both])[0, 1] > 0.25


@pytest.mark.parametrize("missing", [0.02, 0.05, 0.2, 0.6])
def test_about_the_wanted_share_is_missing(missing: float) -> None:
    series = simulate(num_nodes=100, days=14, missing=missing).series
    assert 1 - series.observed.mean() == pytest.approx(missing, rel=0.1)


def test_gaps_are_short_and_long(network: SimulatedNetwork) -> None:
    lengths = []
    for gone in ~network.series.observed.T:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], gone, [False]])))
        lengths.append(edges[1::2] - edges[::2])
    assert all(node.max() >= 12 for node in lengths)
    assert np.mean(np.concatenate(lengths) <= 4) > 0.8


def test_stuck_sensors_repeat_one_value(large: SimulatedNetwork) -> None:
    assert len(large.stuck) == 240 // 20
    for node, start, end in large.stuck:
        assert 24 <= end - start <= 96
        repeated = large.series.values[start:end, node]
        assert len(np.unique(repeated[~np.isnan(repeated)])) <= 1
        assert large.truth[start:end, node].std() > 0


@settings(max_examples=25, deadline=None)
@given(
    num_nodes=st.integers(6, 150),
    days=st.integers(1, 15),
    interval=st.sampled_from(["30min", "1h", "3h", "1D"]),
    seed=st.integers(0, 2**32),
    missing=st.floats(0, 0.95),
)
def test_any_size_gives_a_connected_town_with_sane_traffic(
    num_nodes: int, days: int, interval: str, seed: int, missing: float
) -> None:
    network = simulate(num_nodes, days, interval, seed, missing)
    series = network.series
    assert series.num_nodes == len(network.kinds) == num_nodes
    assert set(network.kinds) == set(KINDS)
    assert np.isfinite(network.truth).all()
    assert (network.truth > 0).all()
    assert (network.profiles > 0).all()
    assert (series.values[series.observed] >= 0).all()
    assert connected_components(series.adjacency, connection="weak")[0] == 1


@settings(max_examples=60, deadline=None)
@given(num_nodes=st.integers(6, 400), seed=st.integers(0, 2**32))
def test_every_road_crosses_the_others(num_nodes: int, seed: int) -> None:
    roads = draw_roads(np.random.default_rng(seed), num_nodes)
    assert connected_components(roads.adjacency() >= 0.1, connection="weak")[0] == 1
    shares = np.bincount(roads.source, weights=roads.share, minlength=num_nodes)
    np.testing.assert_allclose(shares[np.unique(roads.source)], 1.0)
    assert (roads.length > 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_nodes": 5}, "num_nodes is 5"),
        ({"num_nodes": 7.5}, "num_nodes is 7.5"),
        ({"days": 0}, "days is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"missing": 1.0}, "missing is 1.0"),
        ({"missing": float("nan")}, "missing is nan"),
        ({"interval": "7min"}, "interval is '7min'"),
        ({"interval": "2D"}, "interval is '2D'"),
        ({"interval": "0min"}, "interval is '0min'"),
        ({"interval": "-1h"}, "interval is '-1h'"),
        ({"interval": "soon"}, "interval is 'soon'"),
    ],
)
def test_nonsense_is_refused_in_one_line(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        simulate(**arguments)
    assert "\n" not in str(caught.value)
    assert "give" in str(caught.value)
