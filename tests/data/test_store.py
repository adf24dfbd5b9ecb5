"""A series in a folder of its own: written in parts, opened without being read."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stlora import InputError, SensorSeries
from stlora.data.mapped import is_mapped
from stlora.data.store import is_store, open_store, write_chunks, write_store


def make(zone=None):
    values = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    values[7, 1] = np.nan
    adjacency = np.array([[0, 0.25, 0], [0, 0, 0], [1.5, 0, 1]], dtype=np.float32)
    return SensorSeries(
        values,
        pd.date_range("2024-03-30 22:00", periods=40, freq="15min", tz=zone),
        ("a", "ü", "c/1"),
        adjacency=adjacency,
        coordinates=np.array([[45.5, 9.0], [45.0, 9.1], [44.0, np.nan]]),
        unit="veh/h",
        name="town",
        notes=("One.", "Two."),
    )


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_everything_comes_back(tmp_path, zone):
    series = make(zone)
    write_store(series, tmp_path / "store")
    opened = open_store(tmp_path / "store")
    np.testing.assert_array_equal(opened.values, series.values)
    assert opened.time.equals(series.time)
    assert str(opened.time.tz) == str(series.time.tz)
    np.testing.assert_array_equal(opened.adjacency, series.adjacency)
    np.testing.assert_array_equal(opened.coordinates, series.coordinates)
    for name in ("node_ids", "unit", "name", "notes"):
        assert getattr(opened, name) == getattr(series, name)
    facts = json.loads((tmp_path / "store" / "series.json").read_text(encoding="utf-8"))
    assert facts["fingerprint"] == opened.fingerprint() == series.fingerprint()


def test_a_bare_series_of_one_step_comes_back(tmp_path):
    series = SensorSeries(np.ones((1, 2)), pd.DatetimeIndex(["2024-01-01"]), ("a", "b"))
    write_store(series, tmp_path)
    opened = open_store(tmp_path)
    assert opened.fingerprint() == series.fingerprint()
    assert opened.adjacency is None
    assert opened.coordinates is None


def test_values_stay_on_disk(tmp_path):
    write_store(make(), tmp_path)
    series = open_store(tmp_path)
    assert is_mapped(series.values)
    assert is_mapped(series.select(start="2024-03-31").values)
    assert not series.values.flags.writeable


def test_parts_make_the_same_folder_as_the_whole(tmp_path):
    series = make()
    write_store(series, tmp_path / "whole")
    parts = (series.values[first : first + 7] for first in range(0, 40, 7))
    write_chunks(tmp_path / "parts", series.time, series.node_ids, parts, adjacency=series.adjacency)
    whole, made = open_store(tmp_path / "whole"), open_store(tmp_path / "parts")
    assert (tmp_path / "whole/values.npy").read_bytes() == (tmp_path / "parts/values.npy").read_bytes()
    assert whole.fingerprint() == made.fingerprint()


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([np.ones((39, 3))], "39 rows together; expected 40"),
        ([np.ones((40, 2))], r"shape \(40, 2\)"),
        ([np.full((40, 3), np.inf)], "infinities"),
    ],
)
def test_chunks_that_do_not_fit_are_refused_and_leave_nothing(tmp_path, chunks, message):
    series = make()
    with pytest.raises(InputError, match=message):
        write_chunks(tmp_path / "store", series.time, series.node_ids, chunks)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_folder_with_something_in_it_is_not_written_to(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        write_store(make(), tmp_path)


def test_an_unfinished_folder_is_no_store(tmp_path):
    write_store(make(), tmp_path)
    assert is_store(tmp_path)
    (tmp_path / "series.json").unlink()
    assert not is_store(tmp_path)


def test_a_later_format_is_refused(tmp_path):
    write_store(make(), tmp_path)
    facts = json.loads((tmp_path / "series.json").read_text())
    (tmp_path / "series.json").write_text(json.dumps(facts | {"format_version": 2}))
    with pytest.raises(InputError, match="upgrade stlora"):
        open_store(tmp_path)


@pytest.mark.parametrize("change", [{"node_ids": ["a"]}, {"start": "soon"}, {"interval": None}, {"timezone": "Mars"}])
def test_facts_that_do_not_fit_are_refused(tmp_path, change):
    write_store(make(), tmp_path)
    facts = json.loads((tmp_path / "series.json").read_text())
    (tmp_path / "series.json").write_text(json.dumps(facts | change))
    with pytest.raises(InputError, match="cannot be opened as a series"):
        open_store(tmp_path)


@given(name=st.sampled_from(["values.npy", "network.npz", "series.json"]), data=st.data())
@settings(max_examples=50, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_an_error_or_another_sound_series(tmp_path, name, data):
    folder = tmp_path / "store"
    if not folder.exists():
        write_store(make(), folder)
    content = (folder / name).read_bytes()
    first = data.draw(st.integers(0, len(content) - 1))
    inserted = data.draw(st.binary(max_size=6))
    (folder / name).write_bytes(content[:first] + inserted + content[first + data.draw(st.integers(0, 9)) :])
    message = ""
    try:
        assert open_store(folder).values.shape[1] == 3
    except InputError as error:
        message = str(error)
    finally:
        (folder / name).write_bytes(content)
    assert "\n" not in message
