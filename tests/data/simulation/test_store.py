"""A simulated network written a day at a time."""

import numpy as np
import pytest

from stlora import InputError
from stlora.data.simulation.store import simulate_store
from stlora.data.store import open_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large") / "store"
    simulate_store(folder, num_nodes=24, days=28, interval="30min", seed=3, missing=0.1)
    return folder


def test_size_period_and_sensors(folder):
    series = open_store(folder)
    assert series.values.shape == (28 * 48, 24)
    assert str(series.time[0]) == "2024-01-01 00:00:00"
    assert (series.node_ids[0], series.node_ids[-1], series.unit) == ("S001", "S024", "veh/h")
    assert series.coordinates.shape == (24, 2)
    assert series.adjacency is None


def test_share_of_missing_values_is_what_was_asked_for(folder):
    assert np.isnan(open_store(folder).values).mean() == pytest.approx(0.1, abs=0.02)


def test_weeks_repeat_and_days_differ(folder):
    values = open_store(folder).values
    weeks = np.array(values).reshape(4, 7 * 48, 24)
    seen = ~np.isnan(weeks[0]) & ~np.isnan(weeks[3])
    assert np.corrcoef(weeks[0][seen], weeks[3][seen])[0, 1] > 0.9
    assert (values[values == values] >= 0).all()


def test_equal_seeds_give_equal_folders(folder, tmp_path):
    for seed, same in ((3, True), (4, False)):
        simulate_store(tmp_path / str(seed), num_nodes=24, days=28, interval="30min", seed=seed, missing=0.1)
        assert (open_store(tmp_path / str(seed)).fingerprint() == open_store(folder).fingerprint()) == same


def test_arguments_are_checked(tmp_path):
    with pytest.raises(InputError, match="num_nodes is 2"):
        simulate_store(tmp_path, num_nodes=2)
