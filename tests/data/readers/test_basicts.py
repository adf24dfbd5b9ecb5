"""BasicTS's two layouts."""

import json

import numpy as np
import pandas as pd
import pytest

from stlora.data import load_series
from stlora.errors import InputError

TIME = pd.date_range("2024-01-02 22:00", periods=20, freq="15min")  # a Tuesday
VALUES = np.random.default_rng(0).uniform(0, 70, (20, 3)).astype(np.float32)
STAMPS = np.stack([(TIME - TIME.normalize()) / pd.Timedelta("1D"), TIME.day_of_week / 7], axis=1).astype(np.float32)
NAMES = ["time of day", "day of week"]


def write_old(folder, values=VALUES, null=np.nan, **more):
    clock = [np.broadcast_to(STAMPS[:, i : i + 1], values.shape) for i in (0, 1)]
    data = np.stack([values, *clock], axis=-1).astype(np.float32)
    data.tofile(folder / "data.dat")
    description = {
        "name": "X",
        "shape": data.shape,
        "num_time_steps": 20,
        "frequency (minutes)": 15,
        "feature_description": ["traffic speed", *NAMES],
        "regular_settings": {"NULL_VAL": null},
    }
    (folder / "desc.json").write_text(json.dumps(description | more))
    return folder


def write_new(folder, values=VALUES, null=np.nan, stamps=STAMPS, **more):
    for part, rows in (("train", slice(14)), ("val", slice(14, 16)), ("test", slice(16, None))):
        np.save(folder / f"{part}_data.npy", values[rows])
        if stamps is not None:
            np.save(folder / f"{part}_timestamps.npy", stamps[rows])
    meta = {"num_vars": 3, "timestamps_description": NAMES, "frequency (minutes)": 15, "shape": values.shape}
    (folder / "meta.json").write_text(json.dumps(meta | {"regular_settings": {"null_val": null}} | more))
    return folder


@pytest.fixture(params=[write_old, write_new], ids=["0.5", "1.0"])
def write(request):
    return request.param


def test_values_and_clock(tmp_path, write):
    series = load_series(write(tmp_path), start=TIME[0])
    np.testing.assert_array_equal(series.values, VALUES)
    assert series.time.tolist() == TIME.tolist()


def test_start_is_assumed_on_the_same_weekday(tmp_path, write):
    series = load_series(write(tmp_path))
    assert series.time[0] == pd.Timestamp("2018-01-02 22:00")
    assert any("a Tuesday as in the file" in note for note in series.notes)


def test_zero_is_missing_where_the_description_says_so(tmp_path, write):
    values = VALUES.copy()
    values[3, 1] = 0
    assert np.isnan(load_series(write(tmp_path, values, null=0.0)).values[3, 1])
    assert load_series(write(tmp_path, values, null=0.0), zero_is_missing=False).values[3, 1] == 0
    assert load_series(write(tmp_path, values)).values[3, 1] == 0


def test_other_null_values_are_missing(tmp_path, write):
    values = VALUES.copy()
    values[3, 1] = -1
    series = load_series(write(tmp_path, values, null=-1.0))
    assert np.isnan(series.values[3, 1])
    assert any("1 values of -1" in note for note in series.notes)
    with pytest.raises(InputError, match="declares the null value 'none'"):
        load_series(write(tmp_path, null="none"))


def test_bare_matrix_beside_is_the_graph(tmp_path, write, write_graph):
    import pickle

    write(tmp_path)
    (tmp_path / "adj_mx.pkl").write_bytes(pickle.dumps(np.eye(3, k=1), protocol=2))
    assert load_series(tmp_path).adjacency.tolist() == np.eye(3, k=1).tolist()


def test_numbers_file_may_be_named_itself(tmp_path):
    write_old(tmp_path)
    np.testing.assert_array_equal(load_series(tmp_path / "data.dat").values, VALUES)
    np.testing.assert_array_equal(load_series(tmp_path / "desc.json").values, VALUES)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([20, 3, 2], "20 steps|480 bytes, and data.dat has 720"),
        ([20, 3], r"the shape \[20, 3\]; expected \[steps, sensors, channels\]"),
        ([20, 3, -3], "expected"),
        ([20, 3, 2**50], "expected"),
        ("big", "expected"),
    ],
)
def test_shape_that_does_not_fit_is_refused(tmp_path, shape, message):
    with pytest.raises(InputError, match=message):
        load_series(write_old(tmp_path, shape=shape))


def test_channels_without_a_clock_fall_back_on_the_frequency(tmp_path):
    series = load_series(write_old(tmp_path, feature_description=["speed", "rain", "wind"]))
    assert series.interval == pd.Timedelta("15min")
    assert series.time[0] == pd.Timestamp("2018-01-01")


def test_parts_without_time_stamps_fall_back_on_the_frequency(tmp_path):
    series = load_series(write_new(tmp_path, stamps=None))
    np.testing.assert_array_equal(series.values, VALUES)
    assert series.interval == pd.Timedelta("15min")


def test_our_additions_to_the_description_name_start_and_sensors(tmp_path):
    series = load_series(write_new(tmp_path, start_time="2024-01-02 22:00:00", node_ids=["a", "b", "c"]))
    assert series.time.tolist() == TIME.tolist()
    assert series.node_ids == ("a", "b", "c")
    with pytest.raises(InputError, match="has the start_time 'soon'"):
        load_series(write_new(tmp_path, start_time="soon"))


def test_missing_part_is_named(tmp_path):
    write_new(tmp_path)
    (tmp_path / "val_data.npy").unlink()
    with pytest.raises(InputError, match=r"has no val_data\.npy beside it"):
        load_series(tmp_path)


def test_parts_that_do_not_fit_are_refused(tmp_path):
    write_new(tmp_path)
    np.save(tmp_path / "val_data.npy", VALUES[:2, :2])
    with pytest.raises(InputError, match=r"val_data.npy has shape \(2, 2\) and train_data.npy \(14, 3\)"):
        load_series(tmp_path)
    np.save(tmp_path / "val_data.npy", VALUES[:1])
    with pytest.raises(InputError, match="has 20 rows of time stamps for 19 of values"):
        load_series(tmp_path)


def test_damaged_description_is_refused(tmp_path):
    write_new(tmp_path)
    for text in ("{", "[" * 100_000, "[1]"):
        (tmp_path / "meta.json").write_text("{" + text if text != "[1]" else text)
        with pytest.raises(InputError, match=r"meta.json: "):
            load_series(tmp_path / "meta.json")
