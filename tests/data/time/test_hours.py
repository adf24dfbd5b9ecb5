"""Times of day beside dates, and days that end under the date on which they began."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stlora.cli import main
from stlora.data import SensorSeries, load_series
from stlora.data.time.hours import at_hours, next_days, seconds_of_day
from stlora.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("0", 0), ("6", 21600), ("6.0", 21600), ("06", 21600), ("6:30", 23400), ("06:30:15", 23415), ("24", 86400)),
        *(("6:00-6:59", 21600), ("06:00 - 07:00", 21600), ("23:00–24:00", 82800), ("6h30", 23400)),
        *(("25", None), ("6:60", None), ("24:01", None), ("", None), ("noon", None), ("-1", None), ("6,5", None)),
    ],
)
def test_times_of_day(text, seconds):
    assert seconds_of_day(text) == seconds


def test_what_is_no_time_of_day_is_named():
    with pytest.raises(InputError, match="row 2 has the time of day 'late'"):
        at_hours(pd.DatetimeIndex(["2024-01-01"] * 2), pd.Series(["1", "late"]))


def under_first_date(time, until="0h"):
    """Time stamps whose rows up to ``until`` of a day stand under the date before."""
    early = time - time.normalize() <= pd.Timedelta(until)
    return time.where(~early, time - pd.Timedelta("1D"))


@given(
    st.sampled_from(["1h", "15min", "30min", "5min"]),
    st.integers(30, 800),
    st.sampled_from(["0h", "5h"]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_days_that_end_under_their_first_date(step, count, until, descending, seed):
    time = pd.date_range("2024-03-01 06:00", periods=count, freq=step)
    time = time[np.random.default_rng(seed).random(count) > 0.1]  # some rows are absent
    time = time[::-1] if descending else time
    written = under_first_date(time, until)
    found, notes = next_days(written)
    longest = abs(time.to_series().diff()).max()
    first_day_alone = written.is_monotonic_increasing or written.is_monotonic_decreasing
    if longest <= pd.Timedelta("3h") and not first_day_alone:
        assert found.tolist() == time.tolist()
        assert len(notes) == 1
    else:
        assert found.tolist() in (time.tolist(), written.tolist())


@given(st.permutations(list(range(30))))
def test_shuffled_rows_are_left_alone(order):
    time = pd.date_range("2024-03-01 06:00", periods=30, freq="1h")[list(order)]
    found, notes = next_days(time)
    assert found.tolist() == time.tolist() or not notes or sorted(order) == order


def test_hour_that_stands_twice_in_autumn_is_left_alone():
    time = pd.date_range("2024-10-27", periods=27, freq="1h", tz="Europe/Berlin").tz_localize(None)
    assert next_days(time)[1] == ()


def test_files_and_frames(tmp_path):
    time = pd.date_range("2024-01-01 01:00", periods=120, freq="1h")
    values = np.arange(120.0)
    for written in (under_first_date(time), under_first_date(time).strftime("%d.%m.%Y %H:%M")):
        frame = pd.DataFrame({"time": written, "a": values, "b": -values})
        long = frame.melt("time", var_name="sensor", value_name="flow")
        mixed = long.sort_values("flow", key=abs, kind="stable")  # sensor by sensor at each time
        for one in (frame, long, mixed):
            series = SensorSeries.from_dataframe(one)
            assert series.time.equals(time.as_unit("ns"))
            assert series.values[:, 0].tolist() == values.tolist()
            assert any("5 rows at the end" in note or "10 rows at the end" in note for note in series.notes)
    frame.to_csv(tmp_path / "x.csv", index=False)
    assert load_series(tmp_path / "x.csv").time.equals(time.as_unit("ns"))
    whole = [str(stamp).replace(" 00:00:00", " 24:00") for stamp in under_first_date(time)]
    assert SensorSeries.from_dataframe(frame.assign(time=whole)).time.equals(time.as_unit("ns"))


def test_run_reads_later_dates_in_the_order_of_its_own(tmp_path, capsys):
    time = pd.date_range("2024-03-20", periods=600, freq="1h")

    def write(name, rows):
        frame = pd.DataFrame({"time": time[rows].strftime("%d/%m/%Y %H:%M"), "a": 1.0 + np.arange(600)[rows] % 24})
        frame.to_csv(tmp_path / name, index=False)
        return str(tmp_path / name)

    fit = ["fit", f"--data={write('all.csv', slice(None))}", "--backbone=lstm", "--epochs=1", "--device=cpu"]
    assert main([*fit, "--history=4", "--horizon=2", f"--out={tmp_path / 'run'}"]) == 0
    later = write("later.csv", slice(340, 350))  # within the third of April, or the fourth of March
    capsys.readouterr()
    assert main(["data", "check", later]) == 2
    assert "--day_first" in capsys.readouterr().err
    assert main(["data", "check", later, "--day_first=true"]) == 0
    out = tmp_path / "f.csv"
    assert main(["predict", str(tmp_path / "run"), f"--data={later}", f"--output={out}"]) == 0
    assert pd.read_csv(out)["time"][0] == str(time[350])


def test_years_far_away_are_left_to_the_axis():
    frame = pd.DataFrame({"time": ["2024-01-01", "2424-01-01", "2024-01-02"], "a": 1.0})
    frame["time"] = pd.to_datetime(frame["time"]).dt.as_unit("s")
    with pytest.raises(InputError, match="expected years 1678 to 2261"):
        SensorSeries.from_dataframe(frame)
