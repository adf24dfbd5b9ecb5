"""The backbone alone, trained on: for how long, how, and never to a worse validation."""

import dataclasses
import math
import time

import pytest
import torch
import yaml

from stlora import InputError
from stlora.training import evaluate
from stlora.training.comparing import pace
from stlora.training.comparing.trained_on import TrainOnConfig, begun_epochs, epochs_for, pace_of, train_on
from stlora.training.prepare import open_run


def test_epochs_are_those_that_the_longest_adaptation_had_time_for(tmp_path, pretend):
    adapted = [
        pretend(tmp_path / str(seconds), epochs=1, seconds={"fit": 50.0, "adapt": seconds}) for seconds in (11.0, 2.0)
    ]
    assert epochs_for(adapted, an_epoch=5.0) == 3
    assert epochs_for(adapted[1:], an_epoch=5.0) == 1
    with pytest.raises(InputError, match="no adapter on the frozen backbone has a result"):
        epochs_for([], an_epoch=5.0)


def test_pace_is_measured_now_and_leaves_the_run_as_it_is(tiny, fitted, tmp_path):
    """Whatever the run says of its own time, which may be of another day."""
    weights = tiny.weights(fitted)
    options = TrainOnConfig.of(fitted, str(tmp_path / "run"), 1, None, "cpu")
    started = time.perf_counter()
    train_on(options, tiny.series)
    whole = time.perf_counter() - started
    assert 0 < pace_of(options, tiny.series) < 5 * whole
    assert tiny.weights(fitted) == weights


def test_an_epoch_counts_every_batch_of_training_and_validation(tiny, fitted, tmp_path, monkeypatch):
    """With a clock that counts batches, an epoch lasts as long as it has batches."""
    clock = Clock()
    monkeypatch.setattr(pace.time, "perf_counter", clock.now)
    monkeypatch.setattr(pace.ForecastTask, "training_step", clock.after(pace.ForecastTask.training_step, 2.0))
    monkeypatch.setattr(pace.ForecastTask, "validation_step", clock.after(pace.ForecastTask.validation_step, 0.5))
    options = dataclasses.replace(TrainOnConfig.of(fitted, str(tmp_path), 1, None, "cpu"), batch_size=4)
    data = open_run(fitted.record(), tiny.series)
    drawn = max(1, round(options.train_fraction * len(data.split.train)))
    expected = 2.0 * math.ceil(drawn / 4) + 0.5 * math.ceil(len(data.split.val) / 4)
    assert pace_of(options, tiny.series) == pytest.approx(expected)


class Clock:
    """Goes on by a given time with every call of a method."""

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return self.seconds

    def after(self, method, seconds):
        def timed(*arguments):
            self.seconds += seconds
            return method(*arguments)

        return timed


def test_trains_on_from_the_weights_at_a_tenth_of_the_rate(tiny, fitted, tmp_path):
    config = TrainOnConfig.of(fitted, str(tmp_path / "run"), 3, None, "cpu")
    run = train_on(config, tiny.series)
    stored = yaml.safe_load((run.folder / "config.yaml").read_text())
    before = fitted.record().fit
    assert stored["epochs"] == 3
    assert stored["learning_rate"] == pytest.approx(before["learning_rate"] / 10)
    assert stored["schedule"] == "cosine"
    assert (stored["batch_size"], stored["seed"]) == (before["batch_size"], before["seed"])
    metrics = run.metrics
    assert (metrics["adapter"], metrics["mode"], metrics["epochs"]) == ("trained-on", "fit", 3)
    assert metrics["val_mae"] < fitted.metrics["val_mae"]
    assert metrics["seconds"]["fit"] == fitted.metrics["seconds"]["fit"]
    assert metrics["seconds"]["adapt"] > 0
    assert metrics["parameters"] == fitted.metrics["parameters"]
    assert evaluate(run, series=tiny.series, device="cpu")["average"] == metrics["average"]


def test_weights_stay_if_no_epoch_is_better_on_validation(tiny, fitted, tmp_path):
    config = TrainOnConfig.of(fitted, str(tmp_path / "run"), 1, None, "cpu")
    run = train_on(dataclasses.replace(config, learning_rate=20.0), tiny.series)
    before, after = fitted.load().state_dict(), run.load().state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert run.metrics["average"] == fitted.metrics["average"]
    assert run.metrics["val_mae"] == pytest.approx(fitted.metrics["val_mae"], rel=1e-6)


def test_interrupted_training_on_goes_on(tiny, fitted, tmp_path, interrupt):
    configs = [TrainOnConfig.of(fitted, str(tmp_path / name), 4, None, "cpu") for name in ("whole", "run")]
    expected = train_on(configs[0], tiny.series)
    with pytest.raises(interrupt(epoch=2)):
        train_on(configs[1], tiny.series)
    assert begun_epochs(tmp_path / "run") == 4
    assert begun_epochs(tmp_path / "other") is None
    run = train_on(configs[1], tiny.series)
    assert tiny.results(run) == tiny.results(expected)
    assert tiny.weights(run) == tiny.weights(expected)
