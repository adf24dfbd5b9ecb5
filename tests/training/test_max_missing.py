"""Sensors are left out for what they miss in the training part, whatever the test part holds."""

import numpy as np
import pandas as pd
import pytest

from stlora.errors import InputError
from stlora.training.config import DataOptions
from stlora.training.prepare import open_series

STEPS = 400


def write(path, gaps):
    """A table of sensors, each with its missing rows."""
    values = np.random.default_rng(0).uniform(10, 90, (STEPS, len(gaps)))
    for column, rows in enumerate(gaps.values()):
        values[rows, column] = np.nan
    time = pd.date_range("2024-01-01", periods=STEPS, freq="15min", name="time")
    pd.DataFrame(values, time, list(gaps)).to_csv(path)
    return str(path)


def kept(path, **options):
    return open_series(DataOptions(data=path, history=4, horizon=3, **options)).node_ids


@pytest.fixture
def table(tmp_path):
    behind = round(0.7 * (STEPS - 6)) + 3  # the training histories
    gaps = {"whole": [], "train": slice(0, 100), "test": slice(behind, None), "early": slice(0, 60)}
    return write(tmp_path / "table.csv", gaps)


def test_the_training_part_alone_decides(table):
    assert kept(table, max_missing=0.3) == ("whole", "test", "early")
    assert kept(table, max_missing=0.1) == ("whole", "test")
    assert kept(table, max_missing=0.0) == ("whole", "test")
    assert kept(table, max_missing=1.0) == kept(table) == ("whole", "train", "test", "early")


def test_it_is_the_training_part_of_the_split_that_is_asked_for(table):
    assert kept(table, max_missing=0.3, split=(0.4, 0.3, 0.3)) == ("whole", "test")
    assert kept(table, max_missing=0.0, train_latest=0.5) == ("whole", "train", "test", "early")
    assert kept(table, max_missing=0.0, start="2024-01-02 01:00") == ("whole", "train", "early")


def test_what_was_left_out_is_noted(table):
    series = open_series(DataOptions(data=table, history=4, horizon=3, max_missing=0.3))
    assert any(note.startswith("1 of 4 sensors were left out") and "'train'" in note for note in series.notes)


def test_a_share_that_is_none_and_a_table_without_a_sensor_left_are_refused(table, tmp_path):
    for value in (35, -0.1, float("nan")):
        with pytest.raises(InputError, match="expected a share from 0 to 1"):
            kept(table, max_missing=value)
    empty = write(tmp_path / "empty.csv", {"a": slice(0, 200), "b": slice(10, 250)})
    with pytest.raises(InputError, match=r"each of its 2 sensors misses more than 0\.2 of the 279 steps"):
        kept(empty, max_missing=0.2)
