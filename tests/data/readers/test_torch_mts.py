"""Torch-MTS's and STAEformer's data.npz, and the clock in its channels."""

import numpy as np
import pandas as pd
import pytest

from stlora.data import load_series
from stlora.data.readers.undated import make_clock, time_axis
from stlora.errors import InputError

TIME = pd.date_range("2024-03-08 22:00", periods=30, freq="1h")  # a Friday
VALUES = np.random.default_rng(0).uniform(0, 70, (30, 2)).astype(np.float32)


def with_clock(time, values=VALUES, weekday=lambda time: time.day_of_week):
    day = np.asarray((time - time.normalize()) / pd.Timedelta("1D"))
    channels = [np.broadcast_to(np.asarray(c)[:, None], values.shape) for c in (day, weekday(time))]
    return np.stack([values, *channels], axis=-1)


def save(tmp_path, data):
    np.savez(tmp_path / "data.npz", data=data)
    np.savez(tmp_path / "index.npz", train=np.zeros((3, 3), int), val=np.zeros((1, 3), int), test=np.zeros((1, 3), int))
    return tmp_path / "data.npz"


def test_value_channel_with_interval_and_weekday_of_the_clock(tmp_path):
    series = load_series(save(tmp_path, with_clock(TIME)))
    np.testing.assert_array_equal(series.values, VALUES)
    assert series.interval == pd.Timedelta("1h")
    assert series.time[0] == pd.Timestamp("2018-01-05 22:00")  # the Friday of a made-up week
    assert "a Friday as in the file, start= gives the true one" in series.notes[0]


def test_start_gives_the_true_dates(tmp_path):
    path = save(tmp_path, with_clock(TIME))
    assert load_series(path, start=TIME[0]).time.tolist() == TIME.tolist()
    with pytest.raises(InputError, match="the first row is at 0 days 22:00:00 o'clock"):
        load_series(path, start="2024-03-08")


def test_folder_takes_the_data_and_not_the_index(tmp_path, write_graph):
    save(tmp_path, with_clock(TIME))
    write_graph(tmp_path / "adj_mx.pkl", ["0", "1"], np.eye(2))
    assert load_series(tmp_path).adjacency.tolist() == [[1, 0], [0, 1]]


def test_missing_rows_are_seen_in_the_clock(tmp_path):
    kept = np.r_[0:5, 8:30]
    series = load_series(save(tmp_path, with_clock(TIME[kept], VALUES[kept])), start=TIME[0])
    assert series.time.tolist() == TIME.tolist()
    assert np.isnan(series.values[5:8]).all()
    np.testing.assert_array_equal(series.values[8:], VALUES[8:])


def test_known_set_gets_its_dates_even_if_its_weekdays_count_from_the_first_row(tmp_path):
    time = pd.date_range("2016-07-01", periods=17_856, freq="5min")
    counted = lambda time: np.arange(len(time)) // 288 % 7  # noqa: E731
    data = with_clock(time, np.ones((17_856, 170), dtype=np.float32), counted).astype(np.float32)
    np.savez_compressed(tmp_path / "data.npz", data=data)
    series = load_series(tmp_path / "data.npz")
    assert series.time.tolist() == time.tolist()
    assert "PEMS08" in series.notes[0]
    assert "weekdays count from another day" in series.notes[0]


@pytest.mark.parametrize(("row", "channel", "value"), [(20, 1, 1.5), (20, 2, 9.0), (20, 1, np.nan)])
def test_clock_that_breaks_off_is_refused(tmp_path, row, channel, value):
    data = with_clock(TIME)
    data[row, :, channel] = value
    with pytest.raises(InputError, match=r"expected one clock|outside"):
        load_series(save(tmp_path, data))


def test_clock_that_differs_between_sensors_is_refused(tmp_path):
    data = with_clock(TIME)
    data[20, 1, 1] = 0.1
    with pytest.raises(InputError, match="differs from sensor to sensor"):
        load_series(save(tmp_path, data))


def test_fractions_and_whole_weekdays_are_one():
    assert make_clock([0.5], [6 / 7]).weekday.tolist() == make_clock([0.5, 0.5], [6, 6]).weekday[:1].tolist() == [6]
    assert make_clock([1.0]) is None
    assert make_clock([0.5], [0.4]) is None


def test_clock_without_weekday_and_daily_rows():
    clock = make_clock([0.0, 0.5, 0.0, 0.0])
    time, _ = time_axis(4, clock=clock)
    assert time.tolist() == pd.DatetimeIndex(["2018-01-01", "2018-01-01 12:00", "2018-01-02", "2018-01-03"]).tolist()


def test_axis_beyond_the_calendar_is_refused():
    with pytest.raises(InputError, match="leave the years 1678 to 2261"):
        time_axis(40_000, start=pd.Timestamp("2200-01-01"), interval=pd.Timedelta("1D"))
    with pytest.raises(InputError, match="expected a length of time"):
        time_axis(2**40, interval=pd.Timedelta("365D"))
