"""METR-LA's and PEMS-BAY's HDF5 layout."""

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stlora.data.readers import hdf, read_table
from stlora.errors import InputError

STAMPS = pd.date_range("2012-03-01", periods=4, freq="5min").to_numpy()
VALUES = np.array([[64.5, 0.0, 61.0], [65.0, 30.0, np.nan], [63.0, 31.0, 62.0], [60.0, 0.0, 63.0]])
SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)


def check_one_line(error):
    assert "\n" not in str(error)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "speeds.h5"


@pytest.mark.parametrize(
    ("key", "ids"),
    [("df", np.array([b"773869", b"767541", b"767542"])), ("speed", np.array([400001, 400017, 400030]))],
    ids=["METR-LA", "PEMS-BAY"],
)
def test_published_layouts(path, write_h5, key, ids):
    table = read_table(write_h5(path, VALUES, STAMPS, ids, key=key))
    assert table.node_ids == tuple(str(i) if isinstance(i, np.int64) else i.decode() for i in ids)
    assert table.time.tolist() == pd.DatetimeIndex(STAMPS).tolist()
    np.testing.assert_array_equal(table.values, VALUES.astype(np.float32))
    assert (table.unit, table.zero_is_missing, table.looks_beside) == ("mph", True, True)


def test_another_key_is_read_without_the_published_meaning_of_zero(path, write_h5):
    assert not read_table(write_h5(path, VALUES, STAMPS, [b"a", b"b", b"c"], key="t")).zero_is_missing


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_units_of_newer_pandas(path, write_h5, unit):
    table = read_table(write_h5(path, VALUES, STAMPS, [1, 2, 3], kind=f"datetime64[{unit}]", unit=unit))
    assert table.time[1] == pd.Timestamp("2012-03-01 00:05")


def test_time_zone_is_kept(path, write_h5):
    table = read_table(write_h5(path, VALUES, STAMPS, [1, 2, 3], tz="America/Los_Angeles"))
    assert table.time[0] == pd.Timestamp("2012-02-29 16:00", tz="America/Los_Angeles")
    assert table.time[0].hour == 16


def test_columns_of_several_blocks_come_in_their_order(path, write_h5):
    table = read_table(write_h5(path, VALUES, STAMPS, [b"a", b"b", b"c"], blocks=[[2], [0, 1]]))
    assert table.node_ids == ("a", "b", "c")
    np.testing.assert_array_equal(table.values, VALUES.astype(np.float32))


def test_frame_in_table_format_is_refused_with_the_way_out(path, write_h5):
    write_h5(path, VALUES, STAMPS, [1, 2, 3], pandas_type="frame_table")
    with pytest.raises(InputError, match="'frame_table'; write a DataFrame with to_hdf"):
        read_table(path)


def test_index_that_is_no_time_is_refused(path, write_h5):
    write_h5(path, VALUES, STAMPS, [1, 2, 3], kind="integer")
    with pytest.raises(InputError, match="the index is of kind 'integer'; expected time stamps"):
        read_table(path)


def test_several_frames_are_refused_and_named(path, write_h5, tmp_path):
    write_h5(path, VALUES, STAMPS, [1, 2, 3], key="a")
    other = write_h5(tmp_path / "other.h5", VALUES, STAMPS, [1, 2, 3], key="b")
    with h5py.File(path, "a") as file, h5py.File(other) as source:
        source.copy("b", file)
    with pytest.raises(InputError, match="holds '/a', '/b'; expected one data frame"):
        read_table(path)


def test_file_without_a_frame_is_refused(path):
    with h5py.File(path, "w") as file:
        file["numbers"] = np.ones(3)
    with pytest.raises(InputError, match="holds '/numbers'; expected one data frame"):
        read_table(path)


def test_values_that_do_not_fit_the_axes_are_refused(path, write_h5):
    write_h5(path, VALUES, STAMPS, [1, 2, 3])
    with h5py.File(path, "a") as file:
        del file["df/block0_values"]
        file["df/block0_values"] = VALUES[:2]
    with pytest.raises(InputError, match=r"\(2, 3\) values for 4 time stamps and 3 sensors"):
        read_table(path)


def test_values_that_are_text_are_refused(path, write_h5):
    write_h5(path, VALUES, STAMPS, [1, 2, 3])
    with h5py.File(path, "a") as file:
        del file["df/block0_values"]
        file["df/block0_values"] = np.full((4, 3), b"x")
    with pytest.raises(InputError, match="expected numbers"):
        read_table(path)


def test_infinite_value_is_named(path, write_h5):
    write_h5(path, np.where(VALUES == 30, np.inf, VALUES), STAMPS, [1, 2, 3])
    with pytest.raises(InputError, match="column '2', row 2 holds inf"):
        read_table(path)


@pytest.mark.parametrize("size", [9, 500, 2000, -1])
def test_cut_file_is_refused(path, write_h5, size):
    raw = write_h5(path, VALUES, STAMPS, [1, 2, 3]).read_bytes()
    path.write_bytes(raw[:size])
    with pytest.raises(InputError, match=r"cannot be read as HDF5 .* the file is damaged"):
        read_table(path)


def test_web_page_saved_as_h5_is_refused(path):
    path.write_text("\n <html><body>Quota exceeded</body></html>")
    with pytest.raises(InputError, match="is a web page, not data"):
        read_table(path)


@given(arrays(np.float32, (4, 3), elements=st.floats(width=32, allow_infinity=False)))
@SHARED_FOLDER
def test_values_round_trip(path, write_h5, values):
    np.testing.assert_array_equal(hdf.read(write_h5(path, values, STAMPS, [1, 2, 3])).values, values)


@given(position=st.integers(8, 10**6), junk=st.binary(min_size=1, max_size=4), cut=st.booleans())
@SHARED_FOLDER
def test_damaged_files_are_read_or_refused_in_one_line(path, write_h5, position, junk, cut):
    raw = write_h5(path, VALUES, STAMPS, [1, 2, 3]).read_bytes()
    position = max(8, position % len(raw))
    path.write_bytes(raw[:position] + junk + (b"" if cut else raw[position + len(junk) :]))
    try:
        table = read_table(path)
    except InputError as error:
        check_one_line(error)
    else:
        assert table.values.shape == (len(table.time), len(table.node_ids))
