"""LargeST's HDF5 and training files."""

import numpy as np
import pandas as pd
import pytest

from stlora.data import load_series
from stlora.data.readers import largest_npz
from stlora.errors import InputError

TIME = pd.date_range("2019-01-01", "2019-12-31 23:00", freq="1h")
COUNTS = np.random.default_rng(0).poisson(80, (len(TIME), 3)).astype(np.float64)
COUNTS[5, 1] = 0
META = "ID,Lat,Lng,District,ID2\n1114091,32.7,-117.1,11,0\n1118326,32.8,-117.2,11,1\n1118333,32.9,-117.3,11,2\n"
IDS = ("1114091", "1118326", "1118333")
ADJACENCY = np.array([[1, 0.5, 0], [0, 1, 0.25], [0, 0, 1]], dtype=np.float32)


def write_his(folder, values, time=TIME, dtype=np.float64, **more):
    mean, std = values[:6000].mean(), values[:6000].std()
    day = np.asarray((time - time.normalize()) / pd.Timedelta("1D"))
    week = np.asarray(time.day_of_week) / 7
    channels = [(values - mean) / std, *(np.broadcast_to(c[:, None], values.shape) for c in (day, week))]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "his.npz", data=np.stack(channels, axis=-1).astype(dtype), mean=mean, std=std, **more)
    for part in ("train", "val", "test"):
        np.save(folder / f"idx_{part}.npy", np.arange(11, 20))
    return folder / "his.npz"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "sd"
    write_his(root / "2019", COUNTS)
    (root / "sd_meta.csv").write_text(META)
    np.save(root / "sd_rn_adj.npy", ADJACENCY)
    return root


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_physical_values_come_back(folder, dtype):
    write_his(folder / "2019", COUNTS, dtype=dtype)
    series = load_series(folder / "2019" / "his.npz")
    np.testing.assert_array_equal(series.values, np.where(COUNTS == 0, np.nan, COUNTS))
    assert series.time.tolist() == TIME.tolist()
    assert series.node_ids == IDS
    assert series.coordinates[0].tolist() == [32.7, -117.1]
    np.testing.assert_array_equal(series.adjacency, ADJACENCY)
    for statement in ("physical again", "rounded to them", "by the name of its folder", "1 zeros were taken"):
        assert any(statement in note for note in series.notes)


def test_folder_of_the_data_set_and_of_the_year(folder):
    for path in (folder, folder / "2019"):
        series = load_series(path)
        assert series.node_ids == IDS
        assert series.adjacency is not None
        assert not np.isnan(load_series(path, zero_is_missing=False).values).any()


def test_zeros_among_values_that_are_not_whole_are_put_right(tmp_path):
    speeds = COUNTS / 3
    series = load_series(write_his(tmp_path / "la" / "2012", speeds, dtype=np.float32), zero_is_missing=False)
    assert series.values[5, 1] == 0
    np.testing.assert_allclose(series.values, speeds, rtol=1e-5, atol=1e-4)
    assert any("1 values within 0.001 of zero were made zero" in note for note in series.notes)


def test_folder_name_is_no_date_unless_the_rows_fill_its_years(tmp_path):
    path = write_his(tmp_path / "x" / "2019", COUNTS[:500], TIME[:500])
    series = load_series(path)
    assert any("was assumed at 2018-01-02" in note for note in series.notes)  # a Tuesday as well
    assert load_series(path, start="2019-01-01").time.tolist() == TIME[:500].tolist()


def test_sensors_are_numbered_where_nothing_names_them(tmp_path):
    series = load_series(write_his(tmp_path / "x" / "2019", COUNTS))
    assert series.node_ids == ("0", "1", "2")
    assert series.adjacency is None


def test_unusable_list_of_sensors_is_left_out_with_a_note(folder):
    (folder / "sd_meta.csv").write_text("ID,Lat,Lng\n1,91,0\n")
    series = load_series(folder / "2019" / "his.npz")
    assert series.coordinates is None
    assert any("sd_meta.csv was not used: names a sensor twice or places one off" in note for note in series.notes)


@pytest.mark.parametrize(("mean", "std"), [(np.nan, 1.0), (0.0, 0.0), (np.zeros(3), 1.0), (0.0, -1.0)])
def test_unusable_mean_and_deviation_are_refused(tmp_path, mean, std):
    np.savez(tmp_path / "his.npz", data=np.zeros((4, 2, 3)), mean=mean, std=std)
    with pytest.raises(InputError, match="expected one finite number"):
        load_series(tmp_path / "his.npz")


def test_data_of_another_shape_are_refused(tmp_path):
    np.savez(tmp_path / "his.npz", data=np.zeros((4, 2)), mean=0.0, std=1.0)
    with pytest.raises(InputError, match=r"data of shape \(4, 2\); expected \(T, N, C\)"):
        load_series(tmp_path / "his.npz")


def test_hdf5_with_empty_gaps_keeps_zeros(folder, write_h5):
    values = COUNTS.copy()
    values[7, 0] = np.nan
    path = write_h5(folder / "sd_his_raw_2019.h5", values, TIME, np.array(IDS, dtype="S"), key="t")
    series = load_series(path)
    np.testing.assert_array_equal(series.values, values.astype(np.float32))
    np.testing.assert_array_equal(series.adjacency, ADJACENCY)
    assert series.coordinates.shape == (3, 2)
    assert series.unit == "vehicles per 5 min"


def test_hdf5_with_filled_gaps_and_sensors_in_another_order(folder, write_h5):
    ids = np.array(IDS[::-1], dtype="S")
    series = load_series(write_h5(folder / "sd_his_2019.h5", COUNTS[:, ::-1], TIME, ids, key="t"))
    assert np.isnan(series.values[5, 1])
    np.testing.assert_array_equal(series.adjacency, ADJACENCY[::-1, ::-1])
    assert series.coordinates[0].tolist() == [32.9, -117.3]


def test_rounding_of_large_arrays_goes_by_parts():
    values = np.full((1 << 12, 1 << 11), 2.0004, dtype=np.float32)
    largest_npz._round(values)
    assert (values == 2).all()
