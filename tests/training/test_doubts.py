"""Trainings that end badly say so: not finite, too short, or no better than the training mean."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from stlora import InputError
from stlora.cli import main
from stlora.data import SensorSeries, simulate
from stlora.training import AdaptConfig, FitConfig, adapt, fit
from stlora.training.config import DataOptions
from stlora.training.forecasts import mean_error
from stlora.training.prepare import prepare

SHORT = {"history": 4, "horizon": 3, "batch_size": 16}


@pytest.fixture(scope="module")
def series():
    return simulate(num_nodes=6, days=4).series


class Breaks(nn.Module):
    """A linear forecast whose weights become NaN after some steps of training."""

    def __init__(self, after, factor=1.0):
        super().__init__()
        self.linear, self.after, self.factor, self.calls = nn.Linear(4, 3), after, factor, 0
        self.history, self.horizon = 4, 3

    def forward(self, x):
        self.calls += self.training
        if self.calls > self.after and self.training:
            with torch.no_grad():
                self.linear.weight.fill_(float("nan"))
        return self.factor * self.linear(x[..., 0].transpose(1, 2)).transpose(1, 2)[..., None]


@pytest.mark.parametrize("patience", [0, 30])
def test_training_that_breaks_ends_and_says_so(series, tmp_path, caplog, patience):
    config = FitConfig(data="x", backbone="custom", epochs=9, patience=patience, out=str(tmp_path / "run"), **SHORT)
    with caplog.at_level(logging.WARNING, "stlora"):
        run = fit(config, series, module=Breaks(after=25))
    assert run.metrics["epochs"] == 2
    assert "epoch 2 was not finite" in run.metrics["warnings"][0]
    assert "weights of epoch 1 were kept" in run.metrics["warnings"][0]
    assert run.metrics["warnings"][0] in caplog.text
    assert np.isfinite(run.metrics["pooled"]["mae"])


def test_training_that_is_broken_from_the_start_is_no_run(series, tmp_path):
    config = FitConfig(data="x", backbone="custom", epochs=9, patience=0, out=str(tmp_path / "run"), **SHORT)
    with pytest.raises(InputError, match="did not reach a finite validation MAE"):
        fit(config, series, module=Breaks(after=0))
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_short_and_useless_trainings_are_told(series, tmp_path):
    config = FitConfig(data="x", backbone="custom", epochs=1, out=str(tmp_path / "bad"), **SHORT)
    few, worse = fit(config, series, module=Breaks(after=10**9, factor=1e12)).metrics["warnings"]
    assert "updated only 17 times" in few
    assert "worse than that of forecasting each sensor's training mean" in worse
    config = FitConfig(data="x", backbone="lstm", epochs=8, learning_rate=1e-2, out=str(tmp_path / "good"), **SHORT)
    assert fit(config, series).metrics["warnings"] == []


def test_adapters_and_commands_tell_too(series, tmp_path, capsys):
    pd.DataFrame(series.values, index=series.time.rename("time"), columns=series.node_ids).to_csv(tmp_path / "x.csv")
    fit_it = ["fit", f"--data={tmp_path / 'x.csv'}", "--backbone=lstm", "--epochs=1", f"--out={tmp_path / 'run'}"]
    assert main([*fit_it, "--history=4", "--horizon=3", "--train_fraction=0.1"]) == 0
    assert "warning: the weights were updated only" in capsys.readouterr().err
    config = AdaptConfig(run=str(tmp_path / "run"), epochs=1, train_fraction=0.1, out=str(tmp_path / "adapted"))
    assert any("updated only" in warning for warning in adapt(config).metrics["warnings"])


@pytest.mark.parametrize(("steps", "horizon"), [(60, 3), (40, 12)])
def test_error_of_the_mean_is_that_of_every_window_by_itself(steps, horizon):
    generator = np.random.default_rng(0)
    values = generator.normal(10, 3, (steps, 2))
    values[generator.random(values.shape) < 0.2] = np.nan
    time = pd.date_range("2024-01-01", periods=steps, freq="1h")
    series = SensorSeries(values, time, ("a", "b"))
    options = {"history": 4, "horizon": horizon, "split": (0.6, 0.2, 0.2), "fill": DataOptions.fill}
    data = prepare(series, options)
    mean = np.nanmean(series.values[: data.split.train.stop + 3], axis=0)
    windows = [series.values[start + 4 : start + 4 + horizon] for start in data.split.val]
    expected = np.nanmean(np.abs(np.stack(windows) - mean))
    assert mean_error(data.windows, data.split) == pytest.approx(expected, rel=1e-5)
