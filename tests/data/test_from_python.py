"""Series from data frames and arrays."""

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries
from stlora.errors import InputError

TIME = pd.date_range("2024-01-01", periods=3, freq="15min")
VALUES = np.array([[1, 2.5], [np.nan, 3], [4, 0]], dtype=np.float32)
FRAME = pd.DataFrame(VALUES, index=TIME, columns=["a", 7])


def check(series):
    assert series.node_ids == ("a", "7")
    assert series.time.tolist() == TIME.tolist()
    np.testing.assert_array_equal(series.values, VALUES)


def test_wide_frames():
    check(SensorSeries.from_dataframe(FRAME))
    check(SensorSeries.from_dataframe(FRAME.rename_axis(index="when").reset_index(names="time")))
    check(SensorSeries.from_dataframe(FRAME.iloc[[2, 0, 1]]))


def test_long_frames():
    long = FRAME.rename_axis(index="time").reset_index().melt("time", var_name="sensor")
    check(SensorSeries.from_dataframe(long).select(nodes=["a", "7"]))
    check(SensorSeries.from_dataframe(long.set_index(["time", "sensor"])).select(nodes=["a", "7"]))
    check(SensorSeries.from_dataframe(long.assign(speed=1.0), channel="value").select(nodes=["a", "7"]))


def test_graph_coordinates_unit_and_name():
    series = SensorSeries.from_dataframe(FRAME, adjacency=np.eye(2), coordinates=[[1, 2], [3, 4]], unit="mph", name="x")
    assert series.adjacency.tolist() == [[1, 0], [0, 1]]
    assert series.coordinates.tolist() == [[1, 2], [3, 4]]
    assert (series.unit, series.name) == ("mph", "x")
    with pytest.raises(InputError, match=r"the graph is \(3, 3\) for 2 sensors"):
        SensorSeries.from_dataframe(FRAME, adjacency=np.eye(3))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAME.reset_index(drop=True), "has no time column"),
        (FRAME.iloc[:0], "holds 0 rows"),
        (FRAME.astype(object).replace(3.0, "x"), "row 2 holds 'x'"),
    ],
)
def test_unusable_frames_are_refused(frame, message):
    with pytest.raises(InputError, match=message):
        SensorSeries.from_dataframe(frame)


def test_channel_of_a_wide_frame_is_refused():
    with pytest.raises(InputError, match="needs no channel"):
        SensorSeries.from_dataframe(FRAME, channel="a")


def test_arrays():
    check(SensorSeries.from_numpy(VALUES, "2024-01-01", "15min", node_ids=["a", "7"]))
    series = SensorSeries.from_numpy(np.array([[1, 2], [3, 4]]), TIME[0], pd.Timedelta("1h"))
    assert series.node_ids == ("0", "1")
    assert series.interval == pd.Timedelta("1h")


@pytest.mark.parametrize(
    ("values", "start", "interval", "message"),
    [
        ([1, 2], "2024-01-01", "1h", r"of shape \(2,\); expected numbers \[T, N\]"),
        ([["a"]], "2024-01-01", "1h", "expected numbers"),
        ([[1]], "soon", "1h", "start is 'soon'; expected"),
        ([[1]], "2024-01-01", "long", "interval is 'long'"),
        ([[1]], "2024-01-01T00:00Z", "1h", "without time zone"),
        ([[1]], None, "1h", "start is None"),
        ([[1]], "2024-01-01", "-1h", "interval is '-1h'"),
        (np.ones((0, 2)), "2024-01-01", "1h", "at least one step"),
        ([[np.inf]], "2024-01-01", "1h", "infinities"),
    ],
)
def test_unusable_arrays_are_refused(values, start, interval, message):
    with pytest.raises(InputError, match=message):
        SensorSeries.from_numpy(values, start, interval)
