"""Clocks that are changed twice a year."""

import numpy as np
import pandas as pd
import pytest

from stlora import InputError
from stlora.data.time.axis import regular
from stlora.data.time.clock import clock

ZONE = "Europe/Berlin"


def wall_clock(start, periods, freq="15min", zone=ZONE):
    """What clocks showed, and what was measured: the number of the step in real time."""
    real = pd.date_range(start, periods=periods, freq=freq, tz="UTC").tz_convert(zone)
    return real, real.tz_localize(None), np.arange(periods, dtype=np.float32)[:, None]


@pytest.mark.parametrize("start", ["2024-10-26 12:00", "2024-03-30 12:00", "2024-07-01"])
@pytest.mark.parametrize(("freq", "periods"), [("15min", 200), ("1h", 60), ("5min", 500)])
def test_a_wall_clock_becomes_the_real_axis(start, freq, periods):
    real, shown, values = wall_clock(start, periods, freq)
    axis, kept, notes = regular(shown, values, ZONE)
    assert axis.equals(real.as_unit("ns"))
    np.testing.assert_array_equal(kept, values)
    assert notes == (f"Time stamps were taken for the wall clock of {ZONE}; the notes that follow are in UTC.",)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Australia/Sydney"])
def test_other_zones_change_on_other_days(zone):
    real, shown, values = wall_clock("2024-01-01", 24 * 366, "1h", zone)
    axis, kept, _ = regular(shown, values, zone)
    assert axis.equals(real.as_unit("ns"))
    np.testing.assert_array_equal(kept, values)


def test_rows_of_the_doubled_hour_may_stand_together():
    real, shown, values = wall_clock("2024-10-26 12:00", 100)
    order = np.argsort(shown.asi8, kind="stable")  # 02:00, 02:00, 02:15, 02:15, …
    axis, kept, _ = regular(shown[order], values[order], ZONE)
    assert axis.equals(real.as_unit("ns"))
    np.testing.assert_array_equal(kept, values)


def test_a_file_with_the_newest_row_first_is_turned_round():
    real, shown, values = wall_clock("2024-10-26 12:00", 100)
    axis, kept, _ = regular(shown[::-1], values[::-1], ZONE)
    assert axis.equals(real.as_unit("ns"))
    np.testing.assert_array_equal(kept, values)


def test_a_regular_grid_of_local_time_loses_the_hour_that_never_was():
    shown = pd.date_range("2024-03-31", periods=24, freq="1h")
    values = np.arange(24, dtype=np.float32)[:, None]
    values[2] = np.nan
    axis, kept, notes = regular(shown, values, ZONE)
    assert len(axis) == 23
    assert not np.isnan(kept).any()
    assert notes[1:] == ("1 rows without values at times that clocks skipped were dropped.",)
    assert axis[2].hour == 3


def test_an_hour_that_stands_once_is_the_earlier_and_the_later_is_missing():
    shown = pd.date_range("2024-10-27", periods=24, freq="1h")
    axis, kept, notes = regular(shown, np.ones((24, 1), dtype=np.float32), ZONE)
    assert len(axis) == 25
    assert np.flatnonzero(np.isnan(kept[:, 0])).tolist() == [3]
    assert "1 of 25 steps had no row (first: 2024-10-27 01:00:00)" in notes[1]  # 02:00 for the second time


def test_windows_see_the_hour_that_clocks_show():
    _, shown, values = wall_clock("2024-10-26 12:00", 100)
    axis, _, _ = regular(shown, values, ZONE)
    np.testing.assert_array_equal(clock(axis), clock(shown))


def test_a_value_at_a_time_that_never_was_is_refused():
    shown = pd.date_range("2024-03-31", periods=24, freq="1h")
    with pytest.raises(InputError, match=r"2024-03-31 02:00:00 has values, and clocks in Europe/Berlin skipped"):
        regular(shown, np.ones((24, 1), dtype=np.float32), ZONE)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd", "Europe"])
def test_a_name_that_is_no_zone_is_refused(zone):
    with pytest.raises(InputError, match="expected a name such as Europe/Berlin"):
        regular(pd.date_range("2024-01-01", periods=3, freq="1h"), np.ones((3, 1), dtype=np.float32), zone)


def test_without_a_zone_the_doubled_hour_is_refused_and_the_option_named():
    _, shown, values = wall_clock("2024-10-26 12:00", 100)
    with pytest.raises(InputError, match=r"2024-10-27 02:00:00; .*timezone=, --timezone"):
        regular(shown, values)


def test_without_a_zone_the_skipped_hour_is_missing():
    _, shown, values = wall_clock("2024-03-30 12:00", 100)
    axis, kept, notes = regular(shown, values)
    assert np.isnan(kept).sum() == 4
    assert axis.tz is None
    assert "4 of 104 steps had no row (first: 2024-03-31 02:00:00)" in notes[0]
