"""Clocks that are changed twice a year."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stlora import InputError
from stlora.data.time.axis import regular
from stlora.data.time.clock import clock, since_midnight
from stlora.data.time.stamps import parse
from stlora.data.time.zones import zone_name

ZONE = "Europe/Berlin"


def wall_clock(start, periods, freq="15min", zone=ZONE):
    """What clocks showed, and what was measured: the number of the step in real time."""
    real = pd.date_range(start, periods=periods, freq=freq, tz="UTC").tz_convert(zone)
    return real, real.tz_localize(None), np.arange(periods, dtype=np.float32)[:, None]


@pytest.mark.parametrize("start", ["2024-10-26 12:00", "2024-03-30 12:00", "2024-07-01"])
@pytest.mark.parametrize(("freq", "periods"), [("15min", 200), ("1h", 60), ("5min", 500)])
def test_a_wall_clock_becomes_the_real_axis(start, freq, periods):
    real, shown, values = wall_clock(start, periods, freq)
    axis, kept, notes, _ = regular(shown, values, ZONE)
    assert axis.equals(real.as_unit("ns"))
    np.testing.assert_array_equal(kept, values)
    assert notes == (f"Time stamps were taken for the wall clock of {ZONE}.",)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Australia/Sydney"])
def test_other_zones_change_on_other_days(zone):
    real, shown, values = wall_clock("2024-01-01", 24 * 366, "1h", zone)
    axis, kept, *_ = regular(shown, values, zone)
    assert axis.equals(real.as_unit("ns"))
    np.testing.assert_array_equal(kept, values)


def test_rows_of_the_doubled_hour_may_stand_together():
    real, shown, values = wall_clock("2024-10-26 12:00", 100)
    order = np.argsort(shown.asi8, kind="stable")  # 02:00, 02:00, 02:15, 02:15, …
    axis, kept, *_ = regular(shown[order], values[order], ZONE)
    assert axis.equals(real.as_unit("ns"))
    np.testing.assert_array_equal(kept, values)


def test_a_file_with_the_newest_row_first_is_turned_round():
    real, shown, values = wall_clock("2024-10-26 12:00", 100)
    axis, kept, *_ = regular(shown[::-1], values[::-1], ZONE)
    assert axis.equals(real.as_unit("ns"))
    np.testing.assert_array_equal(kept, values)


def test_a_regular_grid_of_local_time_loses_the_hour_that_never_was():
    shown = pd.date_range("2024-03-31", periods=24, freq="1h")
    values = np.arange(24, dtype=np.float32)[:, None]
    values[2] = np.nan
    axis, kept, notes, _ = regular(shown, values, ZONE)
    assert len(axis) == 23
    assert not np.isnan(kept).any()
    assert notes[1:] == ("1 rows without values at times that clocks skip were dropped.",)
    assert axis[2].hour == 3


def test_an_hour_that_stands_once_is_the_earlier_and_the_later_is_missing():
    shown = pd.date_range("2024-10-27", periods=24, freq="1h")
    axis, kept, notes, _ = regular(shown, np.ones((24, 1), dtype=np.float32), ZONE)
    assert len(axis) == 25
    assert np.flatnonzero(np.isnan(kept[:, 0])).tolist() == [3]
    assert "1 of 25 steps had no row (first: 2024-10-27 02:00:00+01:00)" in notes[1]  # for the second time


def test_windows_see_the_hour_that_clocks_show():
    _, shown, values = wall_clock("2024-10-26 12:00", 100)
    axis, *_ = regular(shown, values, ZONE)
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
    axis, kept, notes, _ = regular(shown, values)
    assert np.isnan(kept).sum() == 4
    assert axis.tz is None
    assert "4 of 104 steps had no row (first: 2024-03-31 02:00:00)" in notes[0]


def text_of(real):
    return [stamp.isoformat() for stamp in real]


def test_one_rule_finds_the_zone_of_offsets():
    summer = pd.date_range("2024-07-01", periods=30, freq="1h", tz=ZONE)
    year = pd.date_range("2024-01-01", periods=8784, freq="1h", tz=ZONE)
    assert zone_name(parse(text_of(summer))[0].tz) == "UTC+02:00"
    assert zone_name(parse(text_of(year))[0].tz) == ZONE
    assert parse(text_of(year))[0].equals(year.as_unit("ns"))


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Sydney", "Pacific/Auckland", "Europe/London"])
def test_offsets_of_a_clock_that_is_changed_name_its_zone_in_any_order(zone, order):
    year = pd.date_range("2023-01-01", periods=8760, freq="1h", tz=zone)[::order]
    found, notes, _ = parse(text_of(year))
    assert zone_name(found.tz) == zone
    assert (found == year).all()
    assert zone in notes[0]


def test_offsets_of_no_known_clock_become_utc_and_the_option_is_named():
    real = pd.date_range("2024-01-01", periods=8784, freq="1h", tz="UTC")
    text = [stamp.tz_convert("UTC+01:00" if i % 2 else "UTC+05:00").isoformat() for i, stamp in enumerate(real)]
    found, notes, _ = parse(text)
    assert zone_name(found.tz) == "UTC"
    assert (found == real).all()
    assert "--timezone" in notes[0]


def test_a_zone_that_the_stamps_name_is_kept():
    real = pd.date_range("2024-07-01", periods=4, freq="1h", tz="Asia/Tehran")
    found, _, _ = parse([f"{stamp.isoformat()}[Asia/Tehran]" for stamp in real])
    assert zone_name(found.tz) == "Asia/Tehran"
    assert (found == real).all()


def test_two_stations_in_two_zones_lie_at_their_instants():
    real = pd.date_range("2024-03-01", periods=24 * 60, freq="1h", tz="UTC")
    zones = ["America/Los_Angeles", "America/New_York"]
    text = [stamp.tz_convert(zone).isoformat() for stamp in real for zone in zones]
    found, _, _ = parse(text)
    assert (found[::2] == found[1::2]).all()
    assert zone_name(found.tz) == "UTC"


@pytest.mark.parametrize("hours", [2, 3, 4, 6, 8, 12])
def test_steps_of_hours_that_are_even_in_real_time_keep_their_zone(hours):
    real = pd.date_range("2024-01-01", periods=366 * 24 // hours, freq=f"{hours}h", tz="UTC").tz_convert(ZONE)
    values = np.arange(len(real), dtype=np.float32)[:, None]
    axis = regular(parse(text_of(real))[0], values)
    assert axis.time.equals(real.as_unit("ns"))
    assert axis.timezone == ZONE


@pytest.mark.parametrize("hours", [3, 4, 6, 12, 24, 168])
def test_steps_that_are_even_by_the_clock_alone_lie_on_that_clock(hours):
    shown = pd.date_range("2024-01-01", periods=366 * 24 // hours, freq=f"{hours}h")
    values = np.arange(len(shown), dtype=np.float32)[:, None]
    for axis in (regular(shown, values, ZONE), regular(parse(text_of(shown.tz_localize(ZONE)))[0], values)):
        assert axis.time.equals(shown.as_unit("ns"))
        assert axis.time.tz is None
        assert axis.timezone == ZONE
        np.testing.assert_array_equal(axis.values, values)


def test_a_stamp_in_a_zone_is_converted_to_the_one_that_is_asked_for():
    real = pd.date_range("2024-10-26", periods=72, freq="1h", tz="UTC")
    axis = regular(real, np.ones((72, 1), dtype=np.float32), ZONE)
    assert axis.timezone == ZONE
    assert axis.time.hour[:3].tolist() == [2, 3, 4]
    assert axis.time.equals(real.tz_convert(ZONE).as_unit("ns"))


ZONES = ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]


@given(st.sampled_from(ZONES), st.integers(0, 500), st.integers(1, 400))
def test_the_clock_shows_what_the_zone_says(zone, day, minutes):
    first = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=day)
    time = pd.date_range(first, periods=100, freq=f"{minutes}min").tz_convert(zone)
    expected = [((stamp.hour * 60 + stamp.minute) / 1440, stamp.day_of_week / 7) for stamp in time]
    np.testing.assert_allclose(clock(time), expected, atol=1e-6)
    assert (since_midnight(time) < 86_400 * 10**9).all()
