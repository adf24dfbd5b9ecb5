"""The graph that the options of a run name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries, simulate
from stlora.data.graph import from_coordinates, from_correlation
from stlora.errors import InputError
from stlora.training import AdaptConfig, FitConfig, Run, adapt, evaluate, fit
from stlora.training.config import DataOptions
from stlora.training.prepare import open_series


@pytest.fixture(scope="module")
def network():
    return simulate(num_nodes=6, days=6).series


@pytest.fixture
def folder(tmp_path, network):
    """A folder with measurements, locations and two graphs that both fit."""
    frame = pd.DataFrame(network.values, index=network.time, columns=list(network.node_ids))
    frame.to_csv(tmp_path / "flow.csv", index_label="time")
    rows = [f"{node},{lat},{lon}" for node, (lat, lon) in zip(network.node_ids, network.coordinates, strict=True)]
    (tmp_path / "sensor_locations.csv").write_text("sensor_id,latitude,longitude\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_nearest_sensors_are_found_among_those_that_are_used(folder, network):
    series = open_series(DataOptions(data=str(folder), graph="knn:2"))
    np.testing.assert_array_equal(series.adjacency, from_coordinates(series.coordinates, neighbours=2))
    assert "2 nearest" in series.notes[-1]


def test_correlations_see_the_training_part_alone(folder):
    options = DataOptions(data=str(folder), graph="correlation:2", split=(0.5, 0.2, 0.3))
    series = open_series(options)
    windows = series.num_steps - 23
    rows = slice(0, round(0.5 * windows) + 11)
    np.testing.assert_array_equal(series.adjacency, from_correlation(series, rows, neighbours=2))
    changed = series.values.copy()
    changed[rows.stop :] = np.random.default_rng(0).uniform(0, 100, changed[rows.stop :].shape)
    again = open_series(options, replace(series, values=changed, adjacency=None))
    np.testing.assert_array_equal(again.adjacency, series.adjacency)


def test_none_takes_no_graph_and_a_series_at_hand_gets_the_named_one(network):
    assert network.adjacency is not None
    assert open_series(DataOptions(data="simulated", graph="none"), network).adjacency is None
    made = open_series(DataOptions(data="simulated", graph="knn:2"), network)
    assert not np.array_equal(made.adjacency, network.adjacency)
    assert open_series(DataOptions(data="simulated", graph="knn:2"), made).fingerprint() == made.fingerprint()
    assert open_series(DataOptions(data="simulated"), network) is network


def test_the_fingerprint_covers_the_made_graph(network):
    stated = open_series(DataOptions(data="simulated", graph="knn:2"), network).fingerprint()
    open_series(DataOptions(data="simulated", graph="knn:2", data_fingerprint=stated), network)
    with pytest.raises(InputError, match="has changed"):
        open_series(DataOptions(data="simulated", graph="knn:3", data_fingerprint=stated), network)


def test_knn_without_coordinates_is_refused(network):
    bare = SensorSeries(network.values, network.time, network.node_ids)
    with pytest.raises(InputError, match="has no coordinates"):
        open_series(DataOptions(data="simulated", graph="knn"), bare)


def test_a_run_on_a_made_graph_is_adapted_and_evaluated_on_the_same_graph(folder, tmp_path):
    common = {"epochs": 1, "train_fraction": 0.05, "device": "cpu"}
    config = FitConfig(
        data=str(folder),
        graph="correlation:2",
        backbone="stgcn",
        backbone_options={"temporal_channels": 4, "spatial_channels": 2, "output_channels": 8},
        out=str(tmp_path / "run"),
        **common,
    )
    run = fit(config)
    assert evaluate(run, device="cpu")["average"]["mae"] == pytest.approx(run.metrics["average"]["mae"], rel=1e-5)
    adapted = adapt(AdaptConfig(run=str(run.folder), out=str(tmp_path / "adapted"), **common))
    assert Run(adapted.folder).record().fit["graph"] == "correlation:2"
