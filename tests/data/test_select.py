"""A period of a series, named as its clock shows it."""

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries
from stlora.errors import InputError

ZONE = "Europe/Berlin"


def make(zone=None):
    time = pd.date_range("2024-10-20", periods=24 * 20, freq="1h", tz=zone)
    return SensorSeries(np.arange(len(time))[:, None], time, ("a",), name="net")


@pytest.mark.parametrize("zone", [None, ZONE])
@pytest.mark.parametrize("start", ["2024-10-22 05:00", pd.Timestamp("2024-10-22 05:00"), "2024-10-22 04:30"])
def test_a_time_is_what_the_clock_of_the_series_shows(zone, start):
    assert make(zone).select(start=start).time[0] == pd.Timestamp("2024-10-22 05:00", tz=zone)


@pytest.mark.parametrize(
    "start", ["2024-10-22 03:00Z", "2024-10-22T05:00+02:00", pd.Timestamp("2024-10-22 03:00", tz="UTC")]
)
def test_a_time_with_its_zone_is_that_instant(start):
    assert make(ZONE).select(start=start).time[0] == pd.Timestamp("2024-10-22 05:00", tz=ZONE)
    with pytest.raises(InputError, match="net knows no time zone"):
        make().select(start=start)


def test_a_day_means_all_of_its_hours():
    day = make(ZONE).select(start="2024-10-27", end="2024-10-27")
    assert day.num_steps == 25
    assert make().select(start="2024-10-27", end="2024-10-27").num_steps == 24
    assert make(ZONE).select(end="2024-10").time[-1] == pd.Timestamp("2024-10-31 23:00", tz=ZONE)


def test_the_hour_that_clocks_show_twice_is_meant_whole():
    twice = make(ZONE).select(start="2024-10-27 02:00", end="2024-10-27 02:00")
    assert [stamp.isoformat()[-6:] for stamp in twice.time] == ["+02:00", "+01:00"]


@pytest.mark.parametrize("given", ["soon", "", "NaT", "2024-13-01"])
def test_what_is_no_time_is_refused_in_one_line(given):
    with pytest.raises(InputError, match="expected a time such as") as caught:
        make(ZONE).select(end=given)
    assert "\n" not in str(caught.value)


def test_the_zone_is_part_of_the_fingerprint():
    here, there = make("Europe/Berlin"), make("America/Los_Angeles")
    shifted = SensorSeries(here.values, here.time.tz_convert("America/Los_Angeles"), here.node_ids)
    assert len({series.fingerprint() for series in (make(), here, there, shifted)}) == 4
