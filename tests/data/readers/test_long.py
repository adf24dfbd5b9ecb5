"""Long tables: one row per time and sensor."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stlora.data import load_series
from stlora.data.readers import read_table
from stlora.data.readers.cells import of_frame
from stlora.data.readers.tables import find_roles
from stlora.errors import InputError

TIME = pd.date_range("2024-01-01", periods=3, freq="15min")
WIDE = np.array([[1, 2.5], [np.nan, 3], [4, 0]], dtype=np.float32)


def long_frame(values=WIDE, time=TIME, nodes=("a", "b"), names=("time", "sensor_id", "flow")):
    columns = np.repeat(time, len(nodes)), list(nodes) * len(time), values.reshape(-1)
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def save(tmp_path, frame, suffix):
    path = tmp_path / f"x{suffix}"
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def check(path, nodes=("a", "b"), **options):
    table = read_table(path, **options)
    assert table.node_ids == nodes
    assert table.time.tolist() == TIME.tolist()
    np.testing.assert_array_equal(table.values, WIDE)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("names", [("time", "sensor_id", "flow"), ("ds", "unique_id", "y"), ("date", "wo", "zahl")])
def test_round_trip(tmp_path, suffix, names):
    check(save(tmp_path, long_frame(names=names), suffix))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_numbers_as_sensor_ids_and_rows_in_any_order(tmp_path, suffix):
    frame = long_frame(nodes=(400001, 400017))
    path = save(tmp_path, frame.iloc[[0, 1, 5, 4, 3, 2]], suffix)
    check(path, ("400001", "400017"))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_absent_rows_are_missing_and_repeated_ones_dropped(tmp_path, suffix):
    frame = pd.concat([long_frame().drop(index=2), long_frame().iloc[[0]]])
    path = save(tmp_path, frame, suffix)
    check(path)
    assert "1 repeated rows were dropped." in read_table(path).notes


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_value_column_is_named_or_told(tmp_path, suffix):
    frame = long_frame().assign(speed=7.0, quality=1)
    path = save(tmp_path, frame, suffix)
    with pytest.raises(InputError, match=r"columns of values 'flow', 'speed'; choose one with --channel"):
        read_table(path)
    check(path, channel="flow")
    with pytest.raises(InputError, match="'density' is none of them"):
        read_table(path, channel="density")


def test_index_levels_of_time_and_sensor(tmp_path):
    check(save(tmp_path, long_frame().set_index(["time", "sensor_id"]), ".parquet"))


def test_two_spellings_of_one_time_are_one(tmp_path):
    (tmp_path / "x.csv").write_text("time,node,value\n2024-01-01 00:00,a,1\n2024-01-01 00:00:00,b,2\n")
    assert read_table(tmp_path / "x.csv").values.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("names", "rows", "expected"),
    [
        (["time", "a", "b"], [["2024-01-01", 1, 2]], False),
        (["time", "station", "temperature"], [["2024-01-01", 1, 2]], True),
        (["time", "place", "depth"], [["2024-01-01", "north", 2], ["2024-01-01", "south", 2]], True),
        (["time", "place", "depth"], [["2024-01-01", "north", 2], ["2024-01-02", "south", 2]], False),
        (["time", "place", "depth"], [["2024-01-01", "", 2]], False),
        (["time", "id", "a", "value"], [["2024-01-01", 1, 2, 3]], True),
        (["time", "value"], [["2024-01-01", 1]], False),
        (["", "sensor", "value"], [["2024-01-01", 1, 2]], True),
    ],
)
def test_long_and_wide_are_told_apart(names, rows, expected):
    assert bool(find_roles(of_frame(pd.DataFrame(rows, columns=names))).node) is expected


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["2024-01-01,a,1", "2024-01-01,a,2"], "two different rows have the time 2024-01-01"),
        (["2024-01-01,a,1", "2024-01-01,a,2", "2024-01-01,a,3"], "two values for sensor 'a' at 2024-01-01"),
        (["2024-01-01,a,1", "2024-01-01,a,2", *(f"2024-01-01,{n},3" for n in "bcd")], "two values for sensor 'a' at"),
        (["2024-01-01,a,1", ",a,2"], "row 2 has no time stamp"),
        (["2024-01-01,a,1", "2024-01-02,,2"], "row 2 names no sensor"),
        (["2024-01-01,a,1", "2024-01-02,b,x"], "column 'value', row 2 holds 'x'"),
        (["2024-01-01,a,1", "soon,b,2"], "has the time 'soon'"),
        (["2024-01-01,a,1e39"], "column 'a', row 1 holds 1e[+]39"),
    ],
)
def test_unusable_rows_are_named(tmp_path, rows, message):
    (tmp_path / "x.csv").write_text("\n".join(["time,node,value", *rows]))
    with pytest.raises(InputError, match=message):
        load_series(tmp_path / "x.csv")


def test_table_that_would_be_almost_empty_is_refused(tmp_path):
    time = pd.date_range("2024-01-01", periods=4000, freq="1min")
    frame = pd.DataFrame({"time": time, "node": [f"n{i}" for i in range(4000)], "value": 1.0})
    with pytest.raises(InputError, match="a table of 16000000 cells; expected most sensors"):
        read_table(save(tmp_path, frame, ".parquet"))


def test_time_zone_and_gap_are_dealt_with_as_in_wide_tables(tmp_path):
    time = pd.date_range("2024-01-01", periods=5, freq="15min", tz="Europe/Berlin")
    frame = long_frame(np.arange(10.0).reshape(5, 2), time).drop(index=[2, 3])
    series = load_series(save(tmp_path, frame, ".parquet"))
    assert series.time.equals(time.as_unit("ns"))
    assert series.timezone == "Europe/Berlin"
    assert np.isnan(series.values[1]).all()


@given(arrays(np.float32, (3, 2), elements=st.floats(width=32, allow_infinity=False)), st.permutations(range(6)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=10)
def test_any_values_in_any_order_round_trip(tmp_path, values, order):
    frame = long_frame(values).iloc[list(order)]
    series = load_series(save(tmp_path, frame, ".csv")).select(nodes=["a", "b"])
    np.testing.assert_array_equal(series.values, values)
