"""What stands in histories where nothing was observed: against a construction by hand, and never in targets."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stlora import InputError, SensorSeries, backbones
from stlora.data.filling import Filling, carry_forward, interpolate
from stlora.data.scaling import Scaler
from stlora.data.time.clock import daily_profile
from stlora.data.windows import Windows

NAN = math.nan
columns = st.lists(st.one_of(st.just(NAN), st.integers(-8, 8).map(float)), min_size=1, max_size=9)


def as_window(column):
    x = torch.tensor(column).reshape(1, -1, 1)
    return x, ~x.isnan()


@given(columns)
@settings(max_examples=80, derandomize=True)
def test_linear_is_what_numpy_interpolates(column):
    seen = np.flatnonzero(~np.isnan(column))
    expected = np.interp(np.arange(len(column)), seen, np.array(column)[seen]) if len(seen) else np.zeros(len(column))
    np.testing.assert_allclose(interpolate(*as_window(column)).flatten(), expected, atol=1e-6)


@given(columns)
@settings(max_examples=80, derandomize=True)
def test_last_is_what_pandas_carries_forward(column):
    expected = pd.Series(column).ffill().fillna(0.0)
    assert carry_forward(*as_window(column)).flatten().tolist() == expected.tolist()


def series_of(values, freq="6h"):
    values = np.asarray(values, dtype=np.float32)
    time = pd.date_range("2024-01-01", periods=len(values), freq=freq)
    return SensorSeries(values, time, tuple(f"n{i}" for i in range(values.shape[1])))


@pytest.mark.parametrize("fill", ["last", "linear", "profile"])
def test_observed_values_targets_and_mask_are_never_touched(fill):
    rng = np.random.default_rng(0)
    values = rng.normal(5, 2, (40, 3)).astype(np.float32)
    values[rng.random(values.shape) < 0.4] = np.nan
    profile = np.ones((4, 3), dtype=np.float32) if fill == "profile" else None
    windows = Windows(series_of(values), Scaler(0.0, 1.0), 6, 2, Filling(fill, profile))
    start = torch.arange(len(windows))
    x, rows = windows.inputs(start), start[:, None] + torch.arange(6)
    seen = torch.from_numpy(~np.isnan(values))[rows]
    assert torch.equal(x[..., 3].bool(), seen)
    assert torch.equal(x[..., 0][seen], torch.from_numpy(values)[rows][seen])
    assert not x.isnan().any()
    np.testing.assert_array_equal(windows.targets(start)[:, 0, :, 0], values[6 : 6 + len(windows)])


def test_profile_fills_with_the_sensors_mean_at_that_time_of_day():
    values = np.array([[1, 0], [2, 0], [3, 0], [4, 0], [3, 0], [NAN, 0], [5, 0], [NAN, NAN]], dtype=np.float32)
    profile = daily_profile(values[:4], np.array([0.0, 0.25, 0.5, 0.75]), slots=4)
    windows = Windows(series_of(values), Scaler(1.0, 2.0), 4, 0, Filling("profile", profile))
    x = windows.inputs(torch.tensor([4]))[0, :, :, 0]
    assert x[:, 0].tolist() == [1.0, 0.5, 2.0, 1.5]  # (3, profile 2, 5, profile 4) scaled
    assert x[:, 1].tolist() == [-0.5, -0.5, -0.5, -0.5]


def test_profile_of_a_sensor_never_seen_is_the_training_mean():
    profile = daily_profile(np.full((4, 1), np.nan, dtype=np.float32), np.array([0.0, 0.25, 0.5, 0.75]), slots=4)
    windows = Windows(series_of(np.full((5, 1), np.nan)), Scaler(7.0, 2.0), 4, 0, Filling("profile", profile))
    assert windows.inputs(torch.tensor([1]))[..., 0].tolist() == [[[0.0]] * 4]


def test_profile_slot_without_observation_takes_the_overall_mean():
    profile = daily_profile(np.array([[2.0], [np.nan], [4.0]], dtype=np.float32), np.array([0.0, 0.5, 0.0]), slots=2)
    assert profile[:, 0].tolist() == [3.0, 3.0]


def test_time_of_day_in_float32_falls_into_its_own_slot():
    time = pd.date_range("2024-01-01", periods=288, freq="5min")
    values = np.arange(288, dtype=np.float32)[:, None]
    windows = Windows(SensorSeries(values, time, ("a",)), Scaler(0.0, 1.0), 1, 0)
    tod = windows.inputs(torch.arange(288))[:, 0, 0, 1].numpy()
    np.testing.assert_array_equal(daily_profile(values, tod, slots=288), values)


@pytest.mark.parametrize(("fill", "profile"), [("mean", None), ("profile", None), ("last", np.ones((1, 1)))])
def test_ways_that_do_not_exist_are_refused(fill, profile):
    with pytest.raises(InputError, match="fill is"):
        Filling(fill, profile)


def test_backbone_of_four_channels_is_told_what_was_observed():
    values = np.ones((20, 3), dtype=np.float32)
    values[11, 1] = np.nan  # filled with the 1 before it: only the mask tells
    windows = Windows(series_of(values, "15min"), Scaler(0.0, 1.0), 12, 2)
    backbone = backbones.create("lstm", 3, history=12, horizon=2, in_channels=4).eval()
    x = windows.inputs(torch.tensor([0]))
    assert x.shape[-1] == backbone.in_channels
    told = backbone(x)[0, :, :, 0]
    assert not torch.equal(told[:, 0], told[:, 1])
    assert torch.equal(told[:, 0], told[:, 2])
