"""Wide CSV and Parquet files."""

import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stlora.data.readers import read_table
from stlora.errors import InputError

TIME = pd.date_range("2024-01-01", periods=4, freq="15min", name="time")
FRAME = pd.DataFrame({"a": [1.0, np.nan, 3.5, 0.0], "7": [4, 5, 6, 7]}, index=TIME)
# A folder shared by the examples of one property does no harm: each example overwrites its file.
SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)


def check_one_line(error):
    assert "\n" not in str(error)


def csv_of(tmp_path, text, name="counts.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def parquet_of(tmp_path, frame, **options):
    path = tmp_path / "counts.parquet"
    frame.to_parquet(path, **options)
    return path


def check_is_frame(table):
    assert table.node_ids == ("a", "7")
    assert table.time.tolist() == TIME.tolist()
    np.testing.assert_array_equal(table.values, FRAME.to_numpy(np.float32))
    assert not table.zero_is_missing
    assert table.values.dtype == np.float32


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_round_trip(tmp_path, separator, encoding):
    path = tmp_path / "counts.csv"
    FRAME.to_csv(path, sep=separator, encoding=encoding)
    check_is_frame(read_table(path))


def test_csv_with_the_time_in_another_column_and_windows_line_ends(tmp_path):
    frame = FRAME.reset_index()[["a", "time", "7"]].rename(columns={"time": " Date_Time"})
    check_is_frame(read_table(csv_of(tmp_path, frame.to_csv(index=False, lineterminator="\r\n"))))


def test_csv_whose_first_column_has_no_name(tmp_path):
    check_is_frame(read_table(csv_of(tmp_path, FRAME.rename_axis(None).to_csv())))


@pytest.mark.parametrize("word", ["", "NaN", "nan", "NA", "null", "NULL", "None", " "])
def test_words_for_missing(tmp_path, word):
    table = read_table(csv_of(tmp_path, f"time,a\n2024-01-01,{word}\n2024-01-02,2\n"))
    assert np.isnan(table.values[0, 0])
    assert table.values[1, 0] == 2


def test_column_without_any_value_is_kept(tmp_path):
    table = read_table(csv_of(tmp_path, "time,a,b\n2024-01-01,,1\n2024-01-02,,2\n"))
    assert np.isnan(table.values[:, 0]).all()


def test_name_without_suffix_is_read_by_content(tmp_path):
    check_is_frame(read_table(csv_of(tmp_path, FRAME.to_csv(), name="counts")))


@pytest.mark.parametrize("text", ["1,2,5", "True", "n.v.", "0x10", "1_000", "12-", "3 4"])
def test_cell_that_is_no_number_is_named(tmp_path, text):
    path = csv_of(tmp_path, f"time;a;b\n2024-01-01;1;1\n2024-01-02;1;{text}\n")
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert f"column 'b', row 2 holds {text!r}" in str(caught.value)


def test_column_of_truth_values_is_refused(tmp_path):
    with pytest.raises(InputError, match="column 'a', row 1 holds 'True'"):
        read_table(csv_of(tmp_path, "time,a\n2024-01-01,True\n2024-01-02,False\n"))


@pytest.mark.parametrize("text", ["inf", "-inf", "1e400", "1e39", "Infinity"])
def test_infinite_value_is_named(tmp_path, text):
    with pytest.raises(InputError, match="column 'a', row 2 holds"):
        read_table(csv_of(tmp_path, f"time,a\n2024-01-01,1\n2024-01-02,{text}\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,a,b\n2024-01-01,1,2\n2024-01-02,3", "row 2 has 2 cells and the header 3"),
        ("time,a\n2024-01-01,1\n2024-01-02,3,4\n", "row 2 has 3 cells and the header 2"),
        ("time,a\n2024-01-01,1\n\n2024-01-32,3\n", "row 2 has the time '2024-01-32'"),
        ("time,a\n2024-01-01,1\n,3\n", "row 2 has the time ''"),
        ("time,a,a\n2024-01-01,1,2\n", "column 'a' appears more than once"),
        ("time,a,\n2024-01-01,1,2\n", "column 3 has no name"),
        ("time,a\n", "holds no rows"),
        ("\n\n", "holds no rows"),
        ("time\n2024-01-01\n", "1 rows of 0 sensors"),
        ("x,y\n1,2\n3,4\n", "has no time column"),
        ("date,time,a\n2024-01-01 00:05,2024-01-01 00:10,2\n", "all look like the time"),
        ("date,time,a\n2024-01-02,2024-01-01 00:10,2\n", "all look like the time"),
        ("time,a\n1330560000,2\n", "expected a time stamp such as"),
        ('time,a\n2024-01-01,"1\n', "cannot be read as CSV"),
        ("time,Stra\u00dfe\n2024-01-01,1\n".encode().replace(b"\n2024", b"\xff\n2024"), "is not UTF-8 text"),
        (b"time,a\n\x00\x00", "which is no format read here"),
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "is a web page, not data"),
    ],
)
def test_unusable_csv_is_refused(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        read_table(csv_of(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(arrays(np.float32, (3, 2), elements=st.floats(width=32, allow_infinity=False)))
@SHARED_FOLDER
def test_values_round_trip_through_both_formats(tmp_path, values):
    frame = pd.DataFrame(values, index=TIME[:3], columns=["a", "b"])
    for path in (csv_of(tmp_path, frame.to_csv()), parquet_of(tmp_path, frame)):
        np.testing.assert_array_equal(read_table(path).values, values)


@given(raw=st.binary(max_size=120))
@SHARED_FOLDER
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path, raw):
    for name in ("a.csv", "a", "a.parquet", "a.h5"):
        try:
            table = read_table(csv_of(tmp_path, raw, name=name))
        except InputError as error:
            check_one_line(error)
        else:
            assert table.values.shape == (len(table.time), len(table.node_ids))


@given(position=st.integers(0, 10**6), junk=st.binary(min_size=1, max_size=3), cut=st.booleans())
@SHARED_FOLDER
def test_damaged_files_are_read_or_refused_in_one_line(tmp_path, position, junk, cut):
    for path in (csv_of(tmp_path, FRAME.to_csv()), parquet_of(tmp_path, FRAME)):
        raw = path.read_bytes()
        position %= len(raw)
        path.write_bytes(raw[:position] + junk + (b"" if cut else raw[position + len(junk) :]))
        try:
            table = read_table(path)
        except InputError as error:
            check_one_line(error)
        else:
            assert table.values.shape == (len(table.time), len(table.node_ids))


@pytest.mark.parametrize("index", [True, False])
def test_parquet_with_time_as_index_or_column(tmp_path, index):
    check_is_frame(read_table(parquet_of(tmp_path, FRAME if index else FRAME.reset_index())))


def test_parquet_with_time_as_text_and_nullable_numbers(tmp_path):
    frame = FRAME.reset_index().astype({"time": str, "7": "Int64"})
    check_is_frame(read_table(parquet_of(tmp_path, frame)))


def test_parquet_with_decimals(tmp_path):
    frame = FRAME.assign(**{"7": [Decimal(4), Decimal(5), Decimal(6), Decimal(7)]})
    check_is_frame(read_table(parquet_of(tmp_path, frame)))


def test_time_zone_of_parquet_is_kept(tmp_path):
    table = read_table(parquet_of(tmp_path, FRAME.tz_localize("Europe/Berlin")))
    assert table.time.tolist() == TIME.tz_localize("Europe/Berlin").tolist()


def test_parquet_with_text_among_the_numbers_is_named(tmp_path):
    with pytest.raises(InputError, match="column '7', row 3 holds 'broken'"):
        read_table(parquet_of(tmp_path, FRAME.astype({"7": str}).assign(**{"7": ["4", "5", "broken", "7"]})))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAME.reset_index(drop=True), "has no time column"),
        (FRAME.iloc[:0], "holds 0 rows"),
        (FRAME.set_index("7", append=True), "several index levels"),
        (FRAME.assign(time=1.0), "all look like the time"),
        (FRAME.assign(b=[1.0, np.inf, 2, 3]), "column 'b', row 2 holds inf"),
    ],
)
def test_unusable_parquet_is_refused(tmp_path, frame, message):
    with pytest.raises(InputError) as caught:
        read_table(parquet_of(tmp_path, frame))
    assert message in str(caught.value)


def test_cut_parquet_is_refused(tmp_path):
    path = parquet_of(tmp_path, FRAME)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"cannot be read as Parquet .* the file is damaged"):
        read_table(path)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    path = parquet_of(tmp_path, FRAME)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r'pip install "stlora\[parquet\]"'):
        read_table(path)


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
def test_csv_under_another_name_is_refused(tmp_path, suffix):
    with pytest.raises(InputError, match=rf"is called {suffix} but holds CSV .* name it .csv"):
        read_table(csv_of(tmp_path, FRAME.to_csv(), name="counts" + suffix))


def test_parquet_called_csv_is_refused(tmp_path):
    path = parquet_of(tmp_path, FRAME).rename(tmp_path / "counts.csv")
    with pytest.raises(InputError, match=r"is called .csv but holds Parquet"):
        read_table(path)
