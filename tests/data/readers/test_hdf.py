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


def replace_array(path, name, make):
    """Delete an array and let ``make(group, name)`` put something in its place; attributes are kept."""
    with h5py.File(path, "a") as file:
        group, _, last = name.rpartition("/")
        attributes = dict(file[name].attrs)
        del file[name]
        make(file[group or "/"], last)
        if file[group or "/"].get(last, getlink=True).__class__ is h5py.HardLink:
            file[name].attrs.update(attributes)


OWN = ("axis0", "axis1", "block0_items", "block0_values")
ELSEWHERE = {
    "external link": lambda folder: (
        lambda group, name: group.__setitem__(name, h5py.ExternalLink("other.h5", f"/df/{name}"))
    ),
    "soft link": lambda folder: lambda group, name: group.__setitem__(name, h5py.SoftLink(f"/kept/{name}")),
    "raw file": lambda folder: (
        lambda group, name: group.create_dataset(name, (3,), dtype="i8", external=[(str(folder / "other.h5"), 0, 24)])
    ),
    "virtual": lambda folder: lambda group, name: group.create_virtual_dataset(name, _virtual(folder, name)),
}


def _virtual(folder, name):
    with h5py.File(folder / "other.h5") as other:
        source = h5py.VirtualSource(other[f"df/{name}"])
        layout = h5py.VirtualLayout(source.shape, source.dtype)
    layout[...] = source
    return layout


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("kind", ELSEWHERE)
def test_nothing_is_read_from_another_file(path, write_h5, tmp_path, kind, name):
    for each in (path, tmp_path / "other.h5"):
        write_h5(each, VALUES, STAMPS, [1, 2, 3])
    with h5py.File(path, "a") as file:
        file.copy("df", "kept")
        del file["kept"].attrs["pandas_type"]
    replace_array(path, f"df/{name}", ELSEWHERE[kind](tmp_path))
    with pytest.raises(InputError, match=r"is a link to .*, which is not followed|lie in another file") as error:
        read_table(path)
    check_one_line(error.value)


@pytest.mark.parametrize("link", [h5py.ExternalLink("other.h5", "/df"), h5py.SoftLink("/kept")])
def test_a_frame_that_is_a_link_is_not_followed(path, write_h5, tmp_path, link):
    write_h5(tmp_path / "other.h5", VALUES, STAMPS, [1, 2, 3])
    with h5py.File(path, "w") as file:
        file["df"] = link
    with pytest.raises(InputError, match=r"'/df' \(a link, which is not followed\)"):
        read_table(path)


def test_a_group_that_holds_itself_is_searched_once(path, write_h5):
    write_h5(path, VALUES, STAMPS, [1, 2, 3], key="deep/frame")
    with h5py.File(path, "a") as file:
        for i in range(20):
            file["deep"][f"loop{i}"] = file["deep"]
    assert read_table(path).node_ids == ("1", "2", "3")


def test_values_that_were_never_written_are_no_zeros(path, write_h5):
    for options in ({}, {"chunks": (2, 3)}):
        write_h5(path, VALUES, STAMPS, [1, 2, 3])
        replace_array(path, "df/block0_values", lambda g, name, o=options: g.create_dataset(name, (4, 3), "f8", **o))
        with h5py.File(path, "a") as file:
            if options:
                file["df/block0_values"][:2] = 1.0
        with pytest.raises(InputError, match="was not written whole"):
            read_table(path)


def test_sizes_beyond_the_file_are_refused_before_they_are_read(path, write_h5):
    write_h5(path, VALUES, STAMPS, [1, 2, 3])

    def bomb(group, name):
        group.create_dataset(name, (4, 3), "f8", chunks=(1 << 22, 3), maxshape=(None, 3), compression="gzip")

    replace_array(path, "df/block0_values", bomb)
    with pytest.raises(InputError, match="declares 100663296 bytes in a file of"):
        read_table(path)


def _categories(group, name, codes=(1, 0, 2)):
    group[name] = np.array(codes, dtype="i1")
    group[name].attrs["kind"] = np.bytes_("category")
    group[f"{name}_categories"] = np.array([b"a", b"b", b"c"])


def test_categories_are_the_names(path, write_h5):
    write_h5(path, VALUES, STAMPS, [1, 2, 3])
    for name in ("axis0", "block0_items"):
        replace_array(path, f"df/{name}", _categories)
    assert read_table(path).node_ids == ("b", "a", "c")
    replace_array(path, "df/axis0", lambda group, name: _categories_again(group, name))
    with pytest.raises(InputError, match="some columns have no name"):
        read_table(path)


def _categories_again(group, name):
    del group[f"{name}_categories"]
    _categories(group, name, (-1, 0, 2))


@pytest.mark.parametrize(
    ("names", "expected"), [([773869.0, 1e5, 3.0], ("773869", "100000", "3")), ([0.5, 1.0, 2.0], ("0.5", "1", "2"))]
)
def test_names_that_are_numbers(path, write_h5, names, expected):
    assert read_table(write_h5(path, VALUES, STAMPS, names)).node_ids == expected


def test_columns_that_are_dates_are_refused(path, write_h5):
    write_h5(path, VALUES, STAMPS, STAMPS[:3].astype("M8[ns]").astype("i8"))
    with h5py.File(path, "a") as file:
        file["df/axis0"].attrs["kind"] = file["df/block0_items"].attrs["kind"] = np.bytes_("datetime64[ns]")
    with pytest.raises(InputError, match="the columns are dates"):
        read_table(path)


def test_a_column_of_dates_is_no_measurement(path, write_h5):
    write_h5(path, VALUES, STAMPS, [1, 2, 3])
    replace_array(path, "df/block0_values", lambda g, name: g.create_dataset(name, data=np.ones((4, 3), "i8")))
    with h5py.File(path, "a") as file:
        file["df/block0_values"].attrs["value_type"] = np.bytes_("datetime64[ns]")
    with pytest.raises(InputError, match=r"values of type datetime64\[ns\]; expected numbers"):
        read_table(path)


@pytest.fixture
def levels(path, write_h5):
    """A frame with columns (7, flow), (7, speed), (8, flow)."""
    write_h5(path, VALUES, STAMPS, [1, 2, 3])
    with h5py.File(path, "a") as file:
        group = file["df"]
        for name in ("axis0", "block0_items"):
            del group[name]
            group.attrs[f"{name}_variety"], group.attrs[f"{name}_nlevels"] = np.bytes_("multi"), 2
            group[f"{name}_level0"], group[f"{name}_level1"] = np.array([7, 8]), np.array([b"flow", b"speed"])
            group[f"{name}_label0"] = np.array([0, 0, 1], dtype="i1")
            group[f"{name}_label1"] = np.array([0, 1, 0], dtype="i1")
    return path


def test_columns_of_several_levels_are_refused_with_the_channels(levels):
    with pytest.raises(InputError, match=r"columns of 2 levels, such as .*'7', 'flow'.* choose a channel"):
        read_table(levels)


def test_a_channel_among_several_levels(levels):
    table = read_table(levels, channel="flow")
    assert table.node_ids == ("7", "8")
    np.testing.assert_array_equal(table.values, VALUES[:, [0, 2]].astype(np.float32))
    with pytest.raises(InputError, match="no channel 'occupancy'"):
        read_table(levels, channel="occupancy")


def test_a_channel_among_several_frames(path, write_h5, tmp_path):
    write_h5(path, VALUES, STAMPS, [1, 2, 3], key="flow")
    other = write_h5(tmp_path / "other.h5", VALUES + 1, STAMPS, [1, 2, 3], key="more")
    with h5py.File(path, "a") as file, h5py.File(other) as source:
        source.copy("more", file)
    assert read_table(path, channel="more").values[0, 0] == 65.5
    assert read_table(path, channel="flow").notes == ("The frame /flow was read; the file also holds /more.",)


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
