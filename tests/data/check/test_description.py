"""What ``stlora data check`` says about a series."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries
from stlora.data.check.description import describe, format_description
from stlora.errors import InputError
from stlora.training import FitConfig
from stlora.training.prepare import open_series

NAN = np.nan


@pytest.fixture
def series():
    """100 steps of 5 minutes of eight sensors, each with its own trouble."""
    values = np.tile(np.arange(1.0, 11.0), 10)[:, None].repeat(8, axis=1) + np.arange(8)
    values[10:40, 1] = NAN  # a long gap
    values[60, 1] = NAN
    values[20:23, :] = NAN  # the whole network, within the gap for sensor b
    values[30:60, 2] = 7.0  # stuck for 30 steps
    values[50:90, 3] = 0.0  # zeros are never stuck
    values[:, 4] = np.where(np.isnan(values[:, 4]), NAN, 5.0)  # constant, hence stuck as well
    values[:, 5] = NAN  # never observed
    values[70, 6] = 900.0  # an outlier
    values[:, 7] = values[:, 0]  # a copy
    adjacency = np.zeros((8, 8))
    adjacency[0, 1] = adjacency[1, 0] = adjacency[1, 2] = 1.0
    adjacency[4, 3] = 0.5
    adjacency[0, 0] = 1.0
    return SensorSeries(
        values,
        pd.date_range("2024-01-01", periods=100, freq="5min"),
        tuple("abcdefgh"),
        adjacency=adjacency,
        unit="veh/h",
        name="town",
        notes=("Rows were sorted.",),
    )


@pytest.fixture
def facts(series):
    return describe(series)


def test_facts_are_plain_json(facts):
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_size_and_period(facts):
    assert (facts["nodes"], facts["steps"], facts["interval"]) == (8, 100, "00:05:00")
    assert (facts["start"], facts["end"]) == ("2024-01-01 00:00:00", "2024-01-01 08:15:00")
    assert facts["notes"] == ["Rows were sorted."]


def test_missing_shares(facts, series):
    assert facts["missing"]["share"] == pytest.approx(np.isnan(series.values).mean())
    worst = facts["missing"]["worst"]
    assert [entry["node"] for entry in worst] == ["f", "b", "a", "c", "d"]
    assert [entry["share"] for entry in worst[:3]] == pytest.approx([1.0, 0.31, 0.03])


def test_share_of_every_sensor(facts, series):
    shares = np.isnan(series.values).mean(axis=0)
    assert list(facts["missing"]["by_node"]) == list(series.node_ids)
    assert list(facts["missing"]["by_node"].values()) == pytest.approx(shares)


def test_every_finding_says_what_is_done_about_it(facts):
    assert facts["treatment"].keys() == {
        "missing",
        "network gaps",
        "never observed",
        "constant",
        "stuck",
        "outliers",
        "same values",
        "zeros",
        "graph",
    }
    assert "sensors without neighbours" in facts["treatment"]["graph"]


def test_gaps(facts):
    assert facts["gaps"]["count"] == 1 + 2 + 6  # f, b twice, and a c d e g h
    assert facts["gaps"]["longest"] == {
        "node": "f",
        "start": "2024-01-01 00:00:00",
        "steps": 100,
        "duration": "08:20:00",
    }


def test_gaps_of_the_whole_network(facts):
    assert facts["network_gaps"]["count"] == 1
    assert facts["network_gaps"]["steps"] == 3
    assert facts["network_gaps"]["longest"]["start"] == "2024-01-01 01:40:00"


def test_zeros_constant_and_silent_sensors(facts, series):
    assert facts["zero_share"] == pytest.approx(40 / series.observed.sum())
    assert facts["constant"] == ["e"]
    assert facts["unobserved"] == ["f"]


def test_stuck_values(facts):
    stuck = facts["stuck"]
    assert stuck["minimum_steps"] == 24
    assert (stuck["count"], stuck["nodes"]) == (2, 2)  # c for 30 steps, e for 77; e's first 20 are too few
    assert stuck["longest"] == {"node": "e", "start": "2024-01-01 01:55:00", "steps": 77, "value": 5.0}


@pytest.mark.parametrize(("interval", "minimum"), [("1min", 120), ("5min", 24), ("15min", 24), ("1h", 24)])
def test_stuck_is_two_hours_or_24_steps_whichever_is_more(interval, minimum):
    time = pd.date_range("2024-01-01", periods=400, freq=interval)
    for steps, count in ((minimum - 1, 0), (minimum, 1)):
        values = np.arange(1.0, 401.0)
        values[10 : 10 + steps] = values[10]
        stuck = describe(SensorSeries(values[:, None], time, ("a",)))["stuck"]
        assert (stuck["minimum_steps"], stuck["count"]) == (minimum, count)


@pytest.mark.parametrize(("interval", "minimum"), [("5min", 288), ("1h", 24), ("1D", 24)])
def test_silent_is_a_day_or_24_steps_of_zeros_whichever_is_more(interval, minimum):
    time = pd.date_range("2024-01-01", periods=800, freq=interval)
    for steps, count in ((minimum - 1, 0), (minimum, 1)):
        values = np.arange(1.0, 1601.0).reshape(800, 2)
        values[10 : 10 + steps, 1] = 0
        series = SensorSeries(np.hstack([values, np.zeros((800, 1))]), time, ("a", "b", "never counts"))
        facts = describe(series)
        assert (facts["silent"]["minimum_steps"], facts["silent"]["count"]) == (minimum, count)
        assert facts["stuck"]["count"] == 0
        assert ("silent" in facts["treatment"]) == bool(count)
    assert facts["silent"] == {
        "minimum_steps": minimum,
        "count": 1,
        "nodes": 1,
        "longest": {"node": "b", "start": str(time[10]), "steps": minimum, "value": 0.0},
    }
    assert f"  silent         1 times nothing but zeros for {minimum} steps or more" in format_description(facts)


def test_outliers(facts):
    assert facts["outliers"]["count"] == 1
    assert facts["outliers"]["worst"] == {"node": "g", "time": "2024-01-01 05:50:00", "value": 900.0}


def test_what_a_skewed_sensor_often_shows_is_no_outlier():
    rng = np.random.default_rng(0)
    speed = np.where(rng.random(2000) < 0.04, rng.uniform(5, 30, 2000), rng.normal(65, 1, 2000))  # jams
    time = pd.date_range("2024-01-01", periods=2000, freq="5min")
    assert describe(SensorSeries(speed[:, None], time, ("a",)))["outliers"]["count"] == 0


def test_copies(facts):
    assert facts["duplicates"] == [["a", "h"]]


def test_graph(facts):
    graph = facts["graph"]
    assert (graph["edges"], graph["self_loops"], graph["one_way_edges"]) == (4, 1, 2)
    assert graph["mean_degree"] == 0.5
    assert graph["components"] == 5  # abc, de, f, g, h
    assert graph["isolated"] == ["f", "g", "h"]
    assert not graph["symmetric"]


def test_windows(facts):
    assert facts["windows"] == {"train": 54, "val": 8, "test": 15}


def test_page_names_what_an_engineer_must_know(facts):
    page = format_description(facts)
    assert page.startswith("town: 8 sensors, 100 steps of 00:05:00\n")
    for text in (
        "veh/h",
        "most: f 100.0%, b 31.0%",
        "9; longest 100 steps (08:20:00)",
        "all sensors at once",
        "never observed f",
        "constant e",
        "2 times one non-zero value for 24 steps or more",
        "worst 900 at g, 2024-01-01 05:50:00",
        "same values a, h",
        "4 edges (directed, 2 one-way)",
        "without neighbours: f, g, h",
        "54 train, 8 validation, 15 test",
        "Rows were sorted.",
        "missing: left out of loss, metrics and scaling",
        "sensors by their share: 0 complete, 8 above 1%, 2 above 5%, 2 above 20%, 1 above 50%",
    ):
        assert text in " ".join(page.split())
    assert len(page.splitlines()) <= 45
    assert max(map(len, page.splitlines())) <= 120
    assert all(line == line.rstrip() for line in page.splitlines())


def test_sound_series_raises_no_doubts():
    values = np.random.default_rng(0).normal(50, 5, size=(60, 2))
    facts = describe(SensorSeries(values, pd.date_range("2024-01-01", periods=60, freq="15min"), ("a", "b")))
    assert facts["gaps"] == {"count": 0, "longest": None}
    assert facts["missing"] == {"share": 0.0, "worst": [], "by_node": {"a": 0.0, "b": 0.0}}
    assert facts["graph"] is None
    assert (facts["stuck"]["count"], facts["outliers"]["count"], facts["duplicates"]) == (0, 0, [])
    page = format_description(facts)
    assert "network gaps" not in page
    assert "left out of loss" not in page
    assert facts["treatment"].keys() == {"graph"}
    assert "name a file with --graph" in page


@pytest.mark.parametrize("values", [[[1.0]], [[NAN]], [[NAN, NAN], [NAN, NAN]]])
def test_degenerate_series_are_described_too(values):
    time = pd.date_range("2024-01-01", periods=len(values), freq="1h")
    facts = describe(SensorSeries(np.array(values), time, tuple("ab"[: len(values[0])])))
    assert facts["windows"] is None
    assert "too short" in format_description(facts)
    json.dumps(facts, allow_nan=False)


def _without_graph(values, freq="1h", coordinates=None):
    time = pd.date_range("2024-01-01", periods=len(values), freq=freq)
    names = tuple("abcd"[: values.shape[1]])
    return SensorSeries(values, time, names, coordinates=coordinates)


_COMMON = np.random.default_rng(0).normal(0, 1, (24 * 14, 1)) + 50
_NOISY = _COMMON + np.random.default_rng(1).normal(0, 0.2, (24 * 14, 4))
_PLACES = np.array([[51.9, 7.6], [51.91, 7.6], [51.9, 7.61], [51.92, 7.6]])


@pytest.mark.parametrize(
    ("values", "places", "made"),
    [
        (_NOISY, None, ["correlation"]),
        (_NOISY, _PLACES, ["knn", "correlation"]),
        (np.full((24 * 14, 4), 7.0), None, []),  # constant sensors
        (np.full((24 * 14, 4), 7.0), _PLACES, ["knn"]),
        (np.full((24 * 14, 4), NAN), None, []),  # never observed
        (np.where(np.arange(24 * 14)[:, None] < 250, NAN, _NOISY), None, []),  # not in the training part
        (_NOISY[:30], None, []),  # too few steps for two days of training
        (_NOISY[:20], None, []),  # too few for windows
        (_NOISY[:, :1], None, []),  # one sensor
        (np.where(np.arange(4) < 3, 7.0, _NOISY), None, []),  # one that varies
        (np.concatenate([_COMMON, -_COMMON], axis=1), None, []),  # alike in nothing
    ],
)
def test_graph_is_advised_if_it_can_be_made(values, places, made):
    series = _without_graph(values, coordinates=places)
    facts = describe(series)
    assert facts["graphs_to_make"] == made
    assert ("or make it" in facts["treatment"]["graph"]) == bool(made)
    assert ("none can be made" in facts["treatment"]["graph"]) == (not made)
    options = FitConfig(data="x", backbone="stgcn", out="x")
    for kind in made:
        assert (open_series(replace(options, graph=kind), series).adjacency > 0).sum() > series.num_nodes


def test_graph_of_few_steps_is_refused_and_not_advised():
    series = _without_graph(_NOISY[:30])
    with pytest.raises(InputError, match="no two observations at one time of day"):
        open_series(FitConfig(data="x", backbone="stgcn", out="x", graph="correlation"), series)
    assert describe(series)["graphs_to_make"] == []
