"""Values that stand for missing ones, and readings of meters."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stlora import load_series
from stlora.data import SensorSeries
from stlora.data.check.description import describe, format_description
from stlora.data.check.doubts import TYPICAL, cumulative, sentinels, with_doubts
from stlora.data.store import write_store
from stlora.training import FitConfig
from stlora.training.prepare import open_series

STEPS = 96 * 7


def series_of(values, freq="15min"):
    time = pd.date_range("2024-03-04", periods=len(values), freq=freq)
    return SensorSeries(np.asarray(values), time, tuple(f"s{i}" for i in range(np.shape(values)[1])))


def counts(nodes=4, seed=0, steps=STEPS):
    """Counts with a daily course, zeros at night."""
    hour = np.arange(steps) / 4 % 24
    level = 40 + 50 * np.sin(2 * np.pi * (hour - 9) / 24)
    return np.random.default_rng(seed).poisson(level.clip(0.05)[:, None], (steps, nodes)).astype(float)


def temperatures(nodes=4, seed=0, digits=0):
    rng = np.random.default_rng(seed)
    days = np.arange(STEPS) / 96
    course = 4 + 5 * np.sin(2 * np.pi * days) + np.cumsum(rng.normal(0, 0.1, STEPS))
    return np.round(course[:, None] + rng.normal(0, 0.5, (STEPS, nodes)), digits)


def found(values):
    return {sentinel.value: dict(zip(sentinel.columns, sentinel.counts, strict=True)) for sentinel in sentinels(values)}


@pytest.mark.parametrize("share", [0.01, 0.024, 0.3, 0.45])
@pytest.mark.parametrize(
    "value", [9999, -999, 32767, 65535, -1, -9, -99.0, -9999, 1e20, 2147483647, -32768, 5000, -777]
)
def test_value_that_stands_for_missing_ones_is_found_at_any_share(value, share):
    values = counts()
    marked = np.random.default_rng(1).random(values.shape) < share
    marked[[20, 40, 60]] = True
    values[marked] = value
    expected = {column: count for column, count in enumerate(marked.sum(axis=0)) if count}
    assert found(series_of(values)) == {float(np.float32(value)): expected}
    facts = describe(series_of(values))
    assert facts["outliers"]["count"] >= marked.sum()
    assert facts["sentinels"][0]["count"] == marked.sum()
    assert facts["treatment"]["sentinels"].endswith("empty the cells if no measurement is meant.")
    assert f"{np.float32(value):.9g} seems to mark missing values" in " ".join(format_description(facts).split())
    json.dumps(facts, allow_nan=False)


@pytest.mark.parametrize("value", [9999, -999, 32767, -9, 1e20])
def test_single_typical_value_is_found_too(value):
    values = counts()
    values[17, 2] = value
    assert found(series_of(values)) == {float(np.float32(value)): {2: 1}}


def test_sensors_may_have_different_ones_and_several():
    values = counts()
    values[10:20, 0] = -1
    values[50:53, 1] = 9999
    values[60:63, 1] = -999
    values[70:72, 1] = 32767
    values[80:90, 2] = -9
    values[90:91, 2] = -99
    assert found(series_of(values)) == {
        -1: {0: 10},
        9999: {1: 3},
        -999: {1: 3},
        32767: {1: 2},
        -9: {2: 10},
        -99: {2: 1},
    }


@pytest.mark.parametrize("value", [255, 127, -99, 9999])
def test_value_not_far_from_the_others_is_found_by_how_often_it_is_there(value):
    values = np.random.default_rng(0).exponential(abs(value) / 12, (STEPS, 2)).round().clip(0, 0.7 * abs(value))
    values[100:140, 1] = value
    assert found(series_of(values)) == {value: {1: 40}}
    values[:, 1] = np.random.default_rng(0).exponential(60, STEPS).round().clip(0, 255)  # the end of a scale
    assert found(series_of(values)) == {}


def test_among_temperatures_what_is_far_is_found():
    values = temperatures(digits=1)
    values[100:130, 1] = -999
    values[100:130, 2] = 9999
    assert found(series_of(values)) == {-999: {1: 30}, 9999: {2: 30}}


def test_dead_sensor_that_sends_a_sentinel_alone():
    values = counts()
    values[:, 3] = -999
    assert found(series_of(values)) == {-999: {3: STEPS}}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "make",
    [
        lambda rng: counts(seed=rng.integers(100)),
        lambda rng: temperatures(seed=rng.integers(100)),
        lambda rng: temperatures(seed=rng.integers(100), digits=1),
        lambda rng: (cold := temperatures(seed=rng.integers(100))) - cold.min() - 1,
        lambda rng: rng.integers(0, 2, (STEPS, 3)),  # occupied or not
        lambda rng: np.where(rng.random((STEPS, 2)) < 0.9, 0, np.round(rng.exponential(2, (STEPS, 2)), 1)),  # rain
        lambda rng: rng.pareto(1.2, (STEPS, 3)).round(),
        lambda rng: rng.lognormal(0, 2, (STEPS, 3)),
        lambda rng: np.full((STEPS, 2), 7.0),
        lambda rng: np.zeros((STEPS, 2)),
        lambda rng: rng.normal(0, 1, (STEPS, 3)),
        lambda rng: np.where(rng.random((STEPS, 1)) < 0.1, 0, 50_000 + counts(1)),  # zeros have a rule of their own
        lambda rng: np.where(rng.random((STEPS, 1)) < 0.01, 12, 0),  # a counter that hardly counts
        lambda rng: np.full((STEPS, 2), np.nan),
    ],
)
def test_plain_measurements_give_no_alarm(make, seed):
    assert sentinels(series_of(make(np.random.default_rng(seed)))) == []


@given(st.lists(st.floats(width=32, allow_infinity=False) | st.sampled_from(TYPICAL.tolist()), min_size=1, max_size=40))
def test_any_values_are_looked_at_without_failing(values):
    series = series_of(np.array([values, values[::-1]]).T)
    for sentinel in sentinels(series):
        column, count = sentinel.columns[0], sentinel.counts[0]
        assert (series.values[:, column] == np.float32(sentinel.value)).sum() == count
    cumulative(series)
    json.dumps(describe(series), allow_nan=False)


def test_negative_values_are_counted_where_few():
    values = counts()
    values[5, 0], values[6, 0], values[7, 1] = -17, -3, -4
    facts = describe(series_of(values))
    assert facts["sentinels"] == []
    assert facts["negative_share"] == pytest.approx(3 / values.size)
    assert "negative" in facts["treatment"]
    assert "  negative       0.11% of the observed values" in format_description(facts)
    cold = describe(series_of(temperatures(digits=1) - 5))
    assert cold["negative_share"] > 0.5
    assert "negative" not in cold["treatment"]


def test_meters_are_found():
    values = counts(6)
    values[:, 1] = np.cumsum(values[:, 1])
    values[:, 2] = np.cumsum(values[:, 2]) % 5000  # begins again
    values[:, 3] = 2.0**24 + np.cumsum(values[:, 3])
    values[:, 4] = np.where(np.arange(STEPS) % 7 == 0, np.nan, np.cumsum(values[:, 4]))
    assert cumulative(series_of(values)).tolist() == [False, True, True, True, True, False]
    facts = describe(series_of(values))
    assert facts["cumulative"] == ["s1", "s2", "s3", "s4"]
    assert "what was counted in each step" in facts["treatment"]["cumulative"]
    note = "4 of 6 sensors only rise (first: 's1'); if they are readings of meters, give what was counted in each step."
    assert with_doubts(series_of(values)).notes == (note,)


def test_morning_is_no_meter():
    assert not cumulative(series_of(np.arange(60.0)[:, None])).any()


def test_of_a_very_large_series_a_part_is_looked_at(monkeypatch):
    monkeypatch.setattr("stlora.data.check.doubts._WHOLE", STEPS)
    values = counts()
    values[100:140, 1] = 9999
    values[:, 2] = np.cumsum(values[:, 2])
    sentinel, rising = with_doubts(series_of(values)).notes
    assert sentinel.startswith("Kept as measured in every 4th step: 9999 (10 values at 1 sensor)")
    assert rising.startswith("1 of 4 sensors only rise (first: 's2')")


def test_reading_says_so_once(tmp_path):
    values = counts()
    values[100:150, 1] = 9999
    frame = pd.DataFrame(values, index=pd.date_range("2024-03-04", periods=STEPS, freq="15min"), columns=list("abcd"))
    frame.rename_axis("time").to_csv(tmp_path / "x.csv")
    note = "Kept as measured: 9999 (50 values at 1 sensor); empty the cells if it stands for missing values."
    assert load_series(tmp_path / "x.csv").notes == (note,)
    config = FitConfig(data=str(tmp_path / "x.csv"), backbone="lstm", out=str(tmp_path / "run"))
    assert open_series(config, frame).notes == (note,)
    done = subprocess.run(
        [sys.executable, "-m", "stlora.cli", "data", "convert", "x.csv", "--output", "again.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stderr.count(note) == 1, done.stderr
    write_store(load_series(tmp_path / "x.csv"), tmp_path / "store")
    assert load_series(tmp_path / "store").notes.count(note) == 1
