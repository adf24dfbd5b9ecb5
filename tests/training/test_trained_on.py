"""The backbone alone, trained on: for how long, how, and never to a worse validation."""

import dataclasses

import pytest
import torch
import yaml

from stlora import InputError
from stlora.files import write_json
from stlora.training import Run, evaluate
from stlora.training.trained_on import TrainOnConfig, epochs_for, train_on


def finished(folder, **metrics):
    write_json(folder / "metrics.json", metrics)
    return Run(folder)


def test_epochs_are_those_that_the_longest_adaptation_had_time_for(tmp_path):
    alone = finished(tmp_path / "alone", epochs=10, seconds={"fit": 50.0, "adapt": 0.0})
    adapted = [
        finished(tmp_path / str(seconds), epochs=1, seconds={"fit": 50.0, "adapt": seconds}) for seconds in (11.0, 2.0)
    ]
    assert epochs_for(alone, adapted) == 3
    assert epochs_for(alone, adapted[1:]) == 1
    with pytest.raises(InputError, match="no adapter on the frozen backbone has a result"):
        epochs_for(alone, [])
    with pytest.raises(InputError, match="no trained epoch"):
        epochs_for(finished(tmp_path / "taken", epochs=0, seconds={"fit": 0.0}), adapted)


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
    run = train_on(configs[1], tiny.series)
    assert tiny.results(run) == tiny.results(expected)
    assert tiny.weights(run) == tiny.weights(expected)
