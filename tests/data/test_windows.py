"""Windows against a construction by hand, one value at a time."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stlora import InputError, SensorSeries
from stlora.data.scaling import Scaler
from stlora.data.time.clock import clock
from stlora.data.windows import Windows

SCALER = Scaler(mean=3.0, std=2.0)


def make(values, start="2024-01-01", freq="15min", history=3, horizon=2):
    values = np.asarray(values, dtype=np.float32)
    time = pd.date_range(start, periods=len(values), freq=freq)
    series = SensorSeries(values, time, tuple(f"n{i}" for i in range(values.shape[1])))
    return series, Windows(series, SCALER, history, horizon)


def by_hand(series, start, history):
    """One history, from the words of the documentation."""
    out = np.zeros((history, series.num_nodes, 4), dtype=np.float32)
    for node in range(series.num_nodes):
        held = 0.0
        for step in range(history):
            stamp = series.time[start + step]
            value = float(series.values[start + step, node])
            if not math.isnan(value):
                held = (value - SCALER.mean) / SCALER.std
            seconds = stamp.hour * 3600 + stamp.minute * 60 + stamp.second
            out[step, node] = held, seconds / 86400, stamp.weekday() / 7, not math.isnan(value)
    return out


@st.composite
def cases(draw):
    history, horizon = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    steps, nodes = history + horizon + draw(st.integers(0, 5)), draw(st.integers(1, 3))
    value = st.one_of(st.just(math.nan), st.integers(-5, 5).map(float))
    values = draw(st.lists(st.lists(value, min_size=nodes, max_size=nodes), min_size=steps, max_size=steps))
    start = draw(st.datetimes(pd.Timestamp("2020-01-01"), pd.Timestamp("2026-01-01"))).replace(microsecond=0)
    freq = draw(st.sampled_from(["5min", "1h", "7h", "1D"]))
    return make(values, start, freq, history, horizon)


@given(cases(), st.randoms(use_true_random=False))
@settings(max_examples=60, derandomize=True)
def test_windows_equal_the_construction_by_hand(case, random):
    series, windows = case
    assert len(windows) == series.num_steps - windows.history - windows.horizon + 1
    starts = [random.randrange(len(windows)) for _ in range(3)]
    inputs, targets = windows.inputs(torch.tensor(starts)), windows.targets(torch.tensor(starts))
    assert targets.shape == (3, windows.horizon, series.num_nodes, 1)
    for i, start in enumerate(starts):
        np.testing.assert_allclose(inputs[i], by_hand(series, start, windows.history), rtol=1e-6, atol=1e-7)
        first = start + windows.history
        np.testing.assert_array_equal(targets[i, ..., 0], series.values[first : first + windows.horizon])


def test_gap_is_filled_from_its_own_window_alone():
    nan = math.nan
    _, windows = make([[9.0], [nan], [5.0], [nan], [nan], [7.0]], history=3, horizon=0)
    values = windows.inputs(torch.arange(4))[:, :, 0, 0]
    assert values.tolist() == [[3, 3, 1], [0, 1, 1], [1, 1, 1], [0, 0, 2]]
    observed = windows.inputs(torch.arange(4))[:, :, 0, 3]
    assert observed.tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_clock_of_a_known_week():
    days = clock(pd.date_range("2024-01-01 18:00", periods=7, freq="1D"))  # a Monday
    assert days[:, 0].tolist() == [0.75] * 7
    np.testing.assert_allclose(days[:, 1], np.arange(7) / 7, rtol=1e-6)


@pytest.mark.parametrize("day", ["2024-03-31", "2024-10-27", "2024-07-01"])
def test_clock_is_what_clocks_show_when_they_are_changed(day):
    time = pd.date_range(day, f"{day} 23:45", freq="15min", tz="Europe/Berlin")
    shown = clock(time)[:, 0]
    np.testing.assert_allclose(shown, [(stamp.hour + stamp.minute / 60) / 24 for stamp in time], rtol=1e-6)
    assert shown.max() < 1


def test_last_second_of_a_day_is_below_one():
    assert clock(pd.DatetimeIndex(["2024-01-01 23:59:59"]))[0, 0] < 1


def test_every_batch_is_cut_from_the_one_array():
    series, windows = make(np.arange(20).reshape(10, 2))
    before = windows.targets(torch.tensor([0]))[0, 0, 0, 0].item()
    series.values[3, 0] += 100  # seen, so nothing was copied
    assert windows.targets(torch.tensor([0]))[0, 0, 0, 0].item() == before + 100


def test_moving_to_the_same_device_copies_nothing():
    series, windows = make(np.arange(20).reshape(10, 2))
    assert windows.to(torch.device("cpu")) is windows
    assert windows.device.type == "cpu"
    series.values[3, 0] = -7
    assert windows.targets(torch.tensor([0]))[0, 0, 0, 0].item() == -7


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["read-only", "backwards", "columns"])
def test_arrays_that_torch_cannot_share_are_taken_as_they_are(kind):
    values = np.arange(20, dtype=np.float32).reshape(10, 2)
    if kind == "read-only":
        values.setflags(write=False)
    given = {"read-only": values, "backwards": values[::-1], "columns": np.asfortranarray(values)}[kind]
    _, windows = make(given)
    np.testing.assert_array_equal(windows.targets(torch.tensor([1]))[0, :, :, 0], given[4:6])


def test_histories_alone_need_no_future():
    _, windows = make(np.ones((3, 2)), history=3, horizon=0)
    assert len(windows) == 1
    assert windows.targets(torch.tensor([0])).shape == (1, 0, 2, 1)


def test_series_shorter_than_a_window_is_refused():
    with pytest.raises(InputError, match=r"has 4 steps and one window needs 3 \+ 2"):
        make(np.ones((4, 2)))
