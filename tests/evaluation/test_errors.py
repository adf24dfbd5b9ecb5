"""The errors of every window against a plain formulation in numpy, and their file."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import torch

from stlora import InputError
from stlora.evaluation.errors import TENSORS, WindowErrors, WindowSums
from stlora.evaluation.metrics import ForecastErrors
from stlora.files import read_metadata, read_tensors, write_tensors

FIRST, INTERVAL = pd.Timestamp("2024-03-04 00:05"), pd.Timedelta("5min")


def draw(windows=20, horizon=3, nodes=4):
    rng = np.random.default_rng(0)
    target = rng.normal(60, 10, (windows, horizon, nodes)).astype(np.float32)
    target[rng.random(target.shape) < 0.3] = np.nan
    target[4] = np.nan
    return (np.nan_to_num(target) + rng.normal(0, 5, target.shape)).astype(np.float32), target


def gather(forecast, target, batch_size=7):
    sums = WindowSums()
    for first in range(0, len(forecast), batch_size):
        part = slice(first, first + batch_size)
        sums.add(torch.from_numpy(forecast[part])[..., None], torch.from_numpy(target[part])[..., None])
    return sums.finish(FIRST, INTERVAL)


def test_sums_are_those_of_the_observed_targets():
    forecast, target = draw()
    found = gather(forecast, target)
    error = forecast.astype(np.float64) - target
    expected = {
        "absolute": np.nansum(np.abs(error), axis=2),
        "squared": np.nansum(error**2, axis=2),
        "observed": (~np.isnan(target)).sum(axis=2),
        "node_absolute": np.nansum(np.abs(error), axis=0).T,
        "node_squared": np.nansum(error**2, axis=0).T,
        "node_observed": (~np.isnan(target)).sum(axis=0).T,
    }
    for name in TENSORS:
        tensor = getattr(found, name)
        assert tensor.dtype == (torch.int32 if "observed" in name else torch.float32)
        np.testing.assert_allclose(tensor.numpy(), expected[name], rtol=1e-6)
    assert found.observed[4].tolist() == [0, 0, 0]


@pytest.mark.parametrize("batch_size", [1, 20])
def test_sums_of_windows_do_not_depend_on_the_batches(batch_size):
    forecast, target = draw()
    found, expected = gather(forecast, target, batch_size), gather(forecast, target)
    for name in TENSORS:
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-6, atol=0)


def test_they_come_to_the_metrics_of_the_same_forecasts():
    forecast, target = draw()
    found, metrics = gather(forecast, target), ForecastErrors(3, 4)
    metrics.update(torch.from_numpy(forecast)[..., None], torch.from_numpy(target)[..., None])
    pooled = metrics.compute()["pooled"]
    assert float(found.absolute.sum() / found.observed.sum()) == pytest.approx(pooled["mae"], rel=1e-6)
    assert float(found.node_absolute.sum() / found.node_observed.sum()) == pytest.approx(pooled["mae"], rel=1e-6)
    assert float(found.squared.sum() / found.observed.sum()) ** 0.5 == pytest.approx(pooled["rmse"], rel=1e-6)


def test_file_comes_back_to_the_bit_with_its_time(tmp_path):
    found = gather(*draw())
    found.save(tmp_path / "errors.safetensors")
    again = WindowErrors.load(tmp_path / "errors.safetensors")
    assert all(torch.equal(getattr(again, name), getattr(found, name)) for name in TENSORS)
    assert (again.first_target, again.interval) == (FIRST, INTERVAL)


def test_time_with_a_zone_and_an_odd_interval_come_back(tmp_path):
    first, interval = pd.Timestamp("2024-03-04 00:05", tz="Europe/Berlin"), pd.Timedelta("250ms")
    found = dataclasses.replace(gather(*draw()), first_target=first, interval=interval)
    found.save(tmp_path / "errors.safetensors")
    again = WindowErrors.load(tmp_path / "errors.safetensors")
    assert (again.first_target, again.interval) == (first, interval)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "errors.safetensors"
    with pytest.raises(InputError, match=r"there is no errors\.safetensors"):
        WindowErrors.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a safetensors file"):
        WindowErrors.load(path)
    write_tensors(path, {"a": torch.ones(1)})
    with pytest.raises(InputError, match="format_version None; this library reads 1"):
        WindowErrors.load(path)
    write_tensors(path, {"a": torch.ones(1)}, {"format_version": "1"})
    with pytest.raises(InputError, match="incomplete or damaged"):
        WindowErrors.load(path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("absolute", lambda t: t.double()),
        ("absolute", lambda t: t[:-1]),
        ("absolute", lambda t: t.flatten()),
        ("absolute", lambda t: -t - 1),
        ("squared", lambda t: t * math.nan),
        ("node_squared", lambda t: t + math.inf),
        ("observed", lambda t: t.float()),
        ("node_observed", lambda t: -t - 1),
        ("node_absolute", lambda t: t[:, :2]),
        ("node_absolute", lambda t: t[:0]),
    ],
)
def test_tensors_that_no_run_wrote_are_refused(tmp_path, name, change):
    path = tmp_path / "errors.safetensors"
    gather(*draw()).save(path)
    tensors, metadata = read_tensors(path), read_metadata(path)
    write_tensors(path, {**tensors, name: change(tensors[name])}, metadata)
    with pytest.raises(InputError, match="incomplete or damaged"):
        WindowErrors.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"first_target": "NaT"},
        {"first_target": "soon"},
        {"first_target": "9" * 30},
        {"timezone": "Europe/Nowhere"},
        {"timezone": "/etc/passwd"},
        {"interval_seconds": "nan"},
        {"interval_seconds": "-300"},
        {"interval_seconds": "1e300"},
    ],
)
def test_times_that_are_none_are_refused(tmp_path, change):
    path = tmp_path / "errors.safetensors"
    gather(*draw()).save(path)
    write_tensors(path, read_tensors(path), {**read_metadata(path), **change})
    with pytest.raises(InputError, match="incomplete or damaged"):
        WindowErrors.load(path)
