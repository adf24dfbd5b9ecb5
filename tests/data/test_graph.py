"""Graphs made of distances, coordinates and measurements."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries, load_series
from stlora.data.graph import from_coordinates, from_correlation, from_distances, great_circle_km
from stlora.data.graph_choice import make_graph, names_graph
from stlora.errors import InputError

INF = math.inf


def series_of(values, coordinates=None, freq="6h"):
    time = pd.date_range("2024-01-01", periods=len(values), freq=freq)
    names = tuple(f"s{i}" for i in range(values.shape[1]))
    return SensorSeries(values, time, names, coordinates=coordinates, adjacency=np.eye(len(names)))


@pytest.fixture
def alike():
    """Six sensors under one strong daily cycle; 0, 1, 2 share deviations of their own, 3 and 4 opposite ones."""
    random = np.random.default_rng(0)
    days = 60
    cycle = np.tile([10.0, 40.0, 70.0, 30.0], days)[:, None]
    first, second = random.normal(size=(2, 4 * days))
    own = 0.2 * random.normal(size=(4 * days, 6))
    values = cycle + own + np.stack([first, first, 0.5 * first, second, -second, 0 * first], axis=1)
    return series_of(values)


def test_distances_give_the_thresholded_kernel_edge_by_edge():
    weights = from_distances([[0, 1, INF], [2, 0, 6], [np.nan, INF, 0]])
    variance = np.var([0, 1, 2, 0, 6, 0])
    np.testing.assert_allclose(
        weights,
        [[1, math.exp(-1 / variance), 0], [math.exp(-4 / variance), 1, 0], [0, 0, 1]],
        rtol=1e-6,
    )
    assert weights.dtype == np.float32


def test_distances_keep_their_direction_and_no_loop_is_added():
    weights = from_distances([[INF, 1, 1.5], [INF, INF, 2], [INF, INF, INF]], threshold=0)
    assert np.array_equal(weights > 0, np.triu(np.ones((3, 3)), 1) > 0)
    assert weights[0, 1] == pytest.approx(math.exp(-1 / np.var([1, 1.5, 2])))


def test_threshold_decides_which_weights_stay():
    distances = [[0, 1, 2], [1, 0, 3], [2, 3, 0]]
    variance = np.var(distances)
    assert from_distances(distances, threshold=0.0)[1, 2] == pytest.approx(math.exp(-9 / variance), rel=1e-6)
    assert from_distances(distances, threshold=math.exp(-8 / variance))[1, 2] == 0


@pytest.mark.parametrize(
    ("distances", "message"),
    [
        ([[0, 1]], "shape [1, 2]"),
        ([[0, -1], [1, 0]], "from node 0 to node 1 is -1"),
        ([[2, 2], [2, 2]], "no scale follows"),
        ([[INF, np.nan], [INF, INF]], "no scale follows"),
    ],
)
def test_unusable_distances_are_refused(distances, message):
    with pytest.raises(InputError) as caught:
        from_distances(distances)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "place", "kilometres"),
    [
        ((0, 0), (0, 1), 111.195),
        ((0, 179.5), (0, -179.5), 111.195),  # across the date line
        ((60, 0), (60, 1), 55.597),  # a degree of longitude is half as long there
        ((90, 0), (-90, 0), 20015.1),
        ((48.8566, 2.3522), (51.5074, -0.1278), 343.56),  # Paris to London
    ],
)
def test_great_circle_distances(origin, place, kilometres):
    found = great_circle_km(np.array(origin, float), np.array([place], float))
    assert found[0] == pytest.approx(kilometres, rel=1e-4)


def test_coordinates_join_the_nearest_in_both_directions():
    # On the equator at 0, 1, 3 and 7 degrees: the nearest of each are 1, 0, 1, 2 at 1, 1, 2 and 4 degrees.
    weights = from_coordinates([[0, 0], [0, 1], [0, 3], [0, 7]], neighbours=1)
    near, mid, far = (math.exp(-((d / 1.5) ** 2)) for d in (1, 2, 4))
    np.testing.assert_allclose(
        weights, [[1, near, 0, 0], [near, 1, mid, 0], [0, mid, 1, far], [0, 0, far, 1]], rtol=1e-5
    )


def test_coordinates_equal_a_search_over_all_pairs():
    random = np.random.default_rng(3)
    places = np.stack([random.uniform(50, 51, 25), random.uniform(7, 9, 25)], axis=1)
    distances = np.stack([great_circle_km(place, places) for place in places])
    np.fill_diagonal(distances, INF)
    joined = distances <= np.sort(distances, axis=1)[:, 3:4]
    assert np.array_equal(from_coordinates(places, neighbours=4) > 0, joined | joined.T | np.eye(25, dtype=bool))


def test_a_remote_sensor_does_not_change_the_weights_of_the_others():
    places = [[0, i / 10] for i in range(10)]
    with_remote = from_coordinates([*places, [80, 0]], neighbours=2)
    np.testing.assert_allclose(with_remote[:10, :10], from_coordinates(places, neighbours=2), rtol=1e-4)


def test_sensors_at_one_place_are_joined_with_weight_1():
    assert (from_coordinates([[1, 1], [1, 1], [1, 1]], neighbours=8) == 1).all()
    assert from_coordinates([[1, 1]]).tolist() == [[1]]


@pytest.mark.parametrize(
    ("coordinates", "neighbours", "message"),
    [
        ([[1, 2], [np.nan, 2]], 8, "sensor 1 lies at latitude nan"),
        ([[1, 2], [91, 2]], 8, "sensor 1 lies at latitude 91"),
        ([1, 2], 8, "shape [2]"),
        ([[1, 2], [3, 4]], 0, "neighbours is 0"),
    ],
)
def test_unusable_coordinates_are_refused(coordinates, neighbours, message):
    with pytest.raises(InputError) as caught:
        from_coordinates(coordinates, neighbours)
    assert message in str(caught.value)


def test_correlation_joins_sensors_that_deviate_alike_and_not_those_that_share_the_day(alike):
    weights = from_correlation(alike, slice(None), neighbours=2)
    assert (np.diag(weights) == 1).all()
    assert np.array_equal(weights, weights.T)
    assert weights[:3, :3].min() > 0.8
    assert weights[:3, 3:].max() < 0.3  # plain correlation would be above 0.9 for all
    assert weights[3, 4] == 0  # opposite


def test_correlation_is_that_of_the_common_rows(alike):
    values = alike.values.copy()
    values[::3, 0] = np.nan
    values[1::7, 1] = np.nan
    gappy = series_of(values[:, :2])
    frame = pd.DataFrame(values[:, :2].astype(float), index=gappy.time)
    expected = (frame - frame.groupby(gappy.time.hour).transform("mean")).corr().iloc[0, 1]
    assert from_correlation(gappy, slice(None))[0, 1] == pytest.approx(expected, abs=5.1e-5)


def test_correlation_sees_no_row_outside_those_named(alike):
    rows = slice(0, 160)
    spoilt = alike.values.copy()
    spoilt[160:] = np.random.default_rng(1).normal(size=spoilt[160:].shape)
    before, after = from_correlation(alike, rows), from_correlation(series_of(spoilt), rows)
    assert np.array_equal(before, after)
    assert not np.array_equal(before, from_correlation(alike, slice(None)))


def test_silent_constant_and_rarely_common_sensors_stay_alone(alike):
    values = alike.values.copy()
    values[:, 0] = np.nan
    values[:, 1] = 7.0
    values[29:, 2] = np.nan
    weights = from_correlation(series_of(values), slice(None))
    assert np.array_equal(weights[:3], np.eye(6)[:3])


def test_correlation_needs_two_days(alike):
    with pytest.raises(InputError, match="no two observations at one time of day"):
        from_correlation(alike, slice(0, 4))
    with pytest.raises(InputError, match="no two observations at one time of day"):
        from_correlation(alike, slice(0, 0))


@pytest.mark.parametrize(
    ("choice", "is_name"),
    [("knn", True), ("knn:5", True), ("correlation", True), ("none", True), ("./knn", False), ("a.csv", False)],
)
def test_names_of_graphs_are_told_from_files(choice, is_name):
    assert names_graph(choice) is is_name


def test_choices_make_the_graph_of_their_name(alike):
    placed = series_of(alike.values, coordinates=np.arange(12.0).reshape(6, 2))
    rows = slice(0, 100)
    np.testing.assert_array_equal(
        make_graph(placed, "knn:2", rows).adjacency, from_coordinates(placed.coordinates, neighbours=2)
    )
    np.testing.assert_array_equal(make_graph(placed, "knn", rows).adjacency, from_coordinates(placed.coordinates))
    np.testing.assert_array_equal(
        make_graph(placed, "correlation:3", rows).adjacency, from_correlation(placed, rows, neighbours=3)
    )
    assert make_graph(placed, "none", rows).adjacency is None
    assert "3 that deviate" in make_graph(placed, "correlation:3", rows).notes[-1]


@pytest.mark.parametrize("choice", ["knn:", "knn:x", "knn:-1", "none:3", "correlation:1.5", "knn:0"])
def test_malformed_choices_are_refused(alike, choice):
    assert names_graph(choice)
    with pytest.raises(InputError):
        make_graph(series_of(alike.values, coordinates=np.zeros((6, 2))), choice, slice(None))


def test_knn_without_coordinates_says_what_to_do(alike):
    with pytest.raises(InputError, match=r"has no coordinates; put a file .*location"):
        make_graph(alike, "knn", slice(None))


def test_reading_takes_a_file_or_none(tmp_path):
    (tmp_path / "flow.csv").write_text("time,a,b\n2024-01-01 00:00,3,4\n2024-01-01 00:15,5,6\n")
    np.save(tmp_path / "adj.npy", np.eye(2))
    (tmp_path / "adj_1.pkl").write_bytes(b"damaged")
    assert load_series(tmp_path, graph="none").adjacency is None
    assert load_series(tmp_path, graph=tmp_path / "adj.npy").adjacency.tolist() == [[1, 0], [0, 1]]
    with pytest.raises(InputError, match="made when a model is trained"):
        load_series(tmp_path, graph="knn")
