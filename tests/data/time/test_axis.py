"""A regular time axis, or the reason why there is none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stlora.data.time.axis import regular
from stlora.errors import InputError


def check_one_line(error):
    assert "\n" not in str(error)


def numbered(time):
    return np.arange(len(time), dtype=np.float32)[:, None]


def test_regular_axis_is_left_as_it_is():
    time = pd.date_range("2024-01-01 00:07", periods=5, freq="15min")
    axis, values, notes, _ = regular(time, numbered(time))
    assert axis.equals(time.as_unit("ns"))
    assert values[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert notes == ()


def test_gap_is_filled_with_missing_rows_and_stated():
    time = pd.date_range("2024-01-01", periods=10, freq="5min").delete([3, 4, 7])
    axis, values, notes, _ = regular(time, numbered(time))
    assert len(axis) == 10
    assert np.isnan(values[:, 0]).nonzero()[0].tolist() == [3, 4, 7]
    assert values[8, 0] == 5
    assert notes == ("3 of 10 steps had no row (first: 2024-01-01 00:15:00); filled as missing.",)


def test_repeated_rows_are_dropped_and_stated():
    time = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 00:05", "2024-01-01 00:05", "2024-01-01 00:10"])
    values = np.array([[1, np.nan], [2, np.nan], [2, np.nan], [3, 4]], dtype=np.float32)
    axis, kept, notes, _ = regular(time, values)
    assert len(axis) == 3
    np.testing.assert_array_equal(kept, values[[0, 1, 3]])
    assert notes == ("1 repeated rows were dropped.",)


def test_two_different_rows_of_one_time_are_refused_naming_the_first():
    time = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 00:05", "2024-01-01 00:05", "2024-01-01 00:00"])
    with pytest.raises(InputError, match="two different rows have the time 2024-01-01 00:00:00"):
        regular(time, numbered(time))


def test_value_beside_missing_is_a_different_row():
    time = pd.DatetimeIndex(["2024-01-01", "2024-01-01", "2024-01-02"])
    with pytest.raises(InputError, match="two different rows"):
        regular(time, np.array([[1], [np.nan], [2]], dtype=np.float32))


def test_jitter_is_moved_onto_the_round_grid_and_stated():
    seconds = np.array([0, 301, 599, 905, 1200, 1498, 2102])  # 5 min, one step missing
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds, unit="s")
    axis, values, notes, _ = regular(pd.DatetimeIndex(time), numbered(time))
    assert axis.equals(pd.date_range("2024-01-01", periods=8, freq="5min").as_unit("ns"))
    assert np.isnan(values[6, 0])
    assert notes[0] == "5 time stamps lay up to 0 days 00:00:05 off the grid of 0 days 00:05:00; moved onto it."


def test_jitter_beyond_the_tolerance_is_refused():
    time = pd.date_range("2024-01-01", periods=20, freq="5min").to_series().to_numpy().copy()
    time[7] += np.timedelta64(16, "s")
    with pytest.raises(InputError, match="2024-01-01 00:35:16 lies off that grid"):
        regular(pd.DatetimeIndex(time), numbered(time))


def test_two_rows_on_one_step_of_the_grid_are_refused():
    stamps = ["2024-01-01 00:00", "2024-01-01 00:05", "2024-01-01 00:05:01", "2024-01-01 00:10", "2024-01-01 00:15"]
    with pytest.raises(InputError, match="irregular"):
        regular(pd.DatetimeIndex(stamps), numbered(stamps))


def test_calendar_months_are_refused_as_irregular():
    time = pd.date_range("2024-01-01", periods=12, freq="MS")
    with pytest.raises(InputError, match="resample the data to one interval"):
        regular(time, numbered(time))


def test_one_wrong_year_is_refused_with_the_jump():
    time = pd.date_range("2024-01-01", periods=20, freq="5min").append(pd.DatetimeIndex(["2042-01-01"]))
    with pytest.raises(InputError, match="from 2024-01-01 01:35:00 to 2042-01-01 00:00:00"):
        regular(time, numbered(time))


def test_empty_time_stamp_is_refused_with_its_row():
    time = pd.DatetimeIndex(["2024-01-01", pd.NaT, "2024-01-03"])
    with pytest.raises(InputError, match="row 2 has no time stamp"):
        regular(time, numbered(time))


def test_time_stamps_out_of_range_are_refused():
    time = pd.DatetimeIndex(np.array(["9999-01-01", "9999-01-02"], dtype="M8[s]"))
    with pytest.raises(InputError, match="years 1678 to 2261"):
        regular(time, numbered(time))


def test_single_row_stays():
    time = pd.DatetimeIndex(["2024-01-01"])
    axis, values, notes, _ = regular(time, numbered(time))
    assert (len(axis), values.shape, notes) == (1, (1, 1), ())


@given(st.randoms(use_true_random=False), st.sets(st.integers(0, 40), min_size=2), st.integers(0, 3))
def test_order_and_repetition_of_rows_do_not_matter(random, steps, repeats):
    time = pd.Timestamp("2024-01-01 00:02") + pd.to_timedelta(np.array(sorted(steps)) * 15, unit="min")
    rows = [*range(len(time)), *(random.randrange(len(time)) for _ in range(repeats))]
    random.shuffle(rows)
    values = numbered(time)
    try:
        expected = regular(time, values)
    except InputError:  # too sparse or, of few steps, uneven
        with pytest.raises(InputError):
            regular(time[rows], values[rows])
        return
    axis, shuffled, notes, _ = regular(time[rows], values[rows])
    assert axis.equals(expected[0])
    np.testing.assert_array_equal(shuffled, expected[1])
    assert len(notes) >= len(expected[2])


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_any_axis_becomes_regular_or_is_refused(seconds):
    time = pd.DatetimeIndex(pd.Timestamp("2024-01-01") + pd.to_timedelta(np.array(seconds), unit="s"))
    try:
        axis, values, *_ = regular(time, numbered(time))
    except InputError as error:
        check_one_line(error)
        return
    assert len(axis) == len(values) <= 10 * len(time)
    assert len(np.unique(np.diff(axis.asi8))) <= 1
    assert set(values[~np.isnan(values)].astype(int)) <= set(range(len(seconds)))
