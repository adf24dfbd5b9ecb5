"""Signs of changed clocks on an axis that does not know of them."""

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries
from stlora.data.check.daylight import daylight
from stlora.data.check.description import describe, format_description
from stlora.data.time.axis import regular


def as_logged(zone, start, days, freq="15min", summed=False):
    """What a logger with a wall clock leaves: skipped hours without rows, doubled hours once."""
    real = pd.date_range(start, periods=int(days * pd.Timedelta(days=1) / pd.Timedelta(freq)), freq=freq, tz="UTC")
    shown = real.tz_convert(zone).tz_localize(None)
    hour = np.asarray(shown.hour + shown.minute / 60)
    counts = pd.Series(100 + 50 * np.sin(hour / 24 * 2 * np.pi), index=shown).groupby(level=0)
    counts = counts.sum() if summed else counts.first()
    values = np.stack([counts.to_numpy(), 2 * counts.to_numpy()], axis=1).astype(np.float32)
    time, values, *_ = regular(pd.DatetimeIndex(counts.index), values)
    return SensorSeries(values, time, ("a", "b"))


@pytest.mark.parametrize(
    ("zone", "skipped", "repeated"),
    [
        ("Europe/Berlin", "2024-03-31 02:00:00", "2024-10-27 02:00:00"),
        ("Europe/London", "2024-03-31 01:00:00", "2024-10-27 01:00:00"),
        ("America/New_York", "2024-03-10 02:00:00", "2024-11-03 01:00:00"),
        ("Australia/Sydney", "2024-10-06 02:00:00", "2024-04-07 02:00:00"),
    ],
)
def test_clock_is_recognised_by_the_hour_that_it_skips(zone, skipped, repeated):
    found = daylight(as_logged(zone, "2024-01-05", 330, "30min"))
    assert (found["clock"], found["real_time"], found["skipped"]) == (zone, False, [skipped])
    assert [hour["time"] for hour in found["repeated"]] == [repeated]
    assert found["repeated"][0]["usual"] == pytest.approx(1.0)


def test_clock_of_another_american_zone_is_told_by_its_rule():
    assert daylight(as_logged("America/Los_Angeles", "2024-02-01", 60))["clock"] == "America/New_York"


def test_hours_that_were_added_up_are_recognised():
    found = daylight(as_logged("Europe/Berlin", "2024-03-01", 250, summed=True))
    assert found["repeated"][0]["usual"] == pytest.approx(2.0)


def test_unchanged_clock_leaves_no_sign():
    time = pd.date_range("2024-03-01", periods=96 * 60, freq="15min")
    values = np.ones((len(time), 2))
    assert daylight(SensorSeries(values, time, ("a", "b"))) is None
    values[2000:2100] = np.nan  # an outage elsewhere
    assert daylight(SensorSeries(values, time, ("a", "b"))) is None


def test_outage_over_the_whole_night_is_no_sign():
    time = pd.date_range("2024-03-01", periods=96 * 60, freq="15min")
    values = np.ones((len(time), 2))
    values[(time >= "2024-03-31 00:00") & (time < "2024-03-31 05:00")] = np.nan
    assert daylight(SensorSeries(values, time, ("a", "b"))) is None


def test_one_sensor_alone_is_no_sign():
    time = pd.date_range("2024-03-01", periods=96 * 60, freq="15min")
    values = np.ones((len(time), 2))
    values[(time >= "2024-03-31 02:00") & (time < "2024-03-31 03:00"), 0] = np.nan
    assert daylight(SensorSeries(values, time, ("a", "b"))) is None


def test_axis_with_a_zone_tells_itself():
    time = pd.date_range("2024-03-30", "2024-11-01", freq="1h", tz="Europe/Berlin")
    facts = describe(SensorSeries(np.ones((len(time), 1)), time, ("a",)))
    assert facts["clock_changes"]["real_time"]
    assert facts["clock_changes"]["skipped"] == ["2024-03-31 02:00:00"]
    assert facts["clock_changes"]["repeated"] == [{"time": "2024-10-27 02:00:00", "usual": None}]
    assert "evenly spaced in real time of Europe/Berlin" in format_description(facts)
    assert "clock" not in facts["treatment"]


def test_page_names_the_hours_and_the_option():
    page = " ".join(format_description(describe(as_logged("Europe/Berlin", "2024-03-01", 250, summed=True))).split())
    assert "wall clock of Europe/Berlin" in page
    assert "skipped, all sensors silent: the hour from 2024-03-31 02:00:00" in page
    assert "2024-10-27 02:00:00 (2.0 times the usual sum)" in page
    assert "timezone=Europe/Berlin" in page


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_short_and_coarse_axes_are_left_alone(steps):
    time = pd.date_range("2024-03-25", periods=steps, freq="1D")
    assert daylight(SensorSeries(np.ones((steps, 1)), time, ("a",))) is None


def test_real_muenster_bikes(real_data):
    pytest.importorskip("pyarrow")
    from stlora import load_series

    found = daylight(load_series(real_data / "muenster-bikes"))
    assert found["clock"] == "Europe/Berlin"
    assert len(found["skipped"]) == 3
    assert all(hour["usual"] > 2 for hour in found["repeated"])
