"""Data, runs and configurations as a person gives them in Python."""

import logging
import os
import random
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

import stlora
import stlora.serving
import stlora.studies
from stlora import InputError, backbones
from stlora.data import SensorSeries
from stlora.training import AdaptConfig, CompareConfig, FitConfig, Run, adapt, compare, evaluate, fit, predict
from stlora.training.resources import PeakMemory

SMALL = {"epochs": 1, "train_fraction": 0.1, "history": 4, "horizon": 3}


@pytest.fixture(scope="module")
def frame():
    time = pd.date_range("2024-01-01", periods=400, freq="1h")
    level = 10 + 5 * np.sin(2 * np.pi * np.arange(400) / 24)
    return pd.DataFrame({"a": level, "b": 2 * level}, index=time)


@pytest.fixture(scope="module")
def path(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "net.csv"
    frame.rename_axis("time").to_csv(path)
    return path


@pytest.fixture(scope="module")
def run(frame, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("runs") / "run")
    return fit(FitConfig(data="counts", backbone="lstm", out=out, **SMALL), frame)


def test_a_frame_a_series_and_a_path_are_the_same_data(run, frame, path, tmp_path):
    series = SensorSeries.from_dataframe(frame)
    for name, given in (("series", series), ("text", str(path)), ("path", path)):
        other = fit(FitConfig(data="counts", backbone="lstm", out=str(tmp_path / name), **SMALL), given)
        assert other.metrics["pooled"] == run.metrics["pooled"]
    from_folder = fit(FitConfig(data=path, backbone="lstm", out=tmp_path / "file", **SMALL))
    assert from_folder.metrics["pooled"] == run.metrics["pooled"]


def test_a_run_is_given_by_its_folder_too(run, frame, path):
    for given in (run, run.folder, str(run.folder)):
        for data in (frame, path):
            assert evaluate(given, series=data)["pooled"] == pytest.approx(run.metrics["pooled"])
            assert len(predict(given, data).table) == 3 * 2
    assert Run(run).folder == run.folder


def test_an_adapter_is_fitted_to_a_frame(run, frame, tmp_path):
    adapted = adapt(AdaptConfig(run=str(run.folder), out=str(tmp_path / "adapted"), epochs=1), frame)
    assert adapted.metrics["adapter"] == "stlora"
    options = {"backbones": ["naive"], "adapters": "none", "seeds": 0, "history": 4, "horizon": 3}
    assert len(compare(CompareConfig(data="counts", out=str(tmp_path / "table"), **options), frame).rows) == 1


def test_a_run_whose_data_were_given_in_python_says_how_to_give_them_again(run):
    with pytest.raises(InputError, match=r"--data .*series="):
        evaluate(run)


def test_options_of_reading_hold_for_data_at_hand(frame, tmp_path):
    zeros = frame.copy()
    zeros.iloc[::5, 0] = 0.0
    options = {"data": "x", "backbone": "naive", "history": 4, "horizon": 3, "zero_is_missing": True}
    run = fit(FitConfig(out=str(tmp_path / "r"), timezone="Europe/Berlin", start="2024-01-03", **options), zeros)
    assert run.record().timezone == "Europe/Berlin"
    assert run.record().zero_is_missing
    assert evaluate(run, series=zeros)["pooled"] == pytest.approx(run.metrics["pooled"])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda run, frame: SensorSeries.from_dataframe("x.csv"), "load_series"),
        (lambda run, frame: predict(run, frame.to_numpy()), "from_numpy"),
        (lambda run, frame: predict(7, frame), "the path of its folder"),
        (lambda run, frame: fit(frame), "expected a FitConfig"),
        (lambda run, frame: fit("x.csv", frame), "expected a FitConfig"),
        (lambda run, frame: adapt(run), "expected a AdaptConfig"),
        (lambda run, frame: compare(frame), "expected a CompareConfig"),
        (lambda run, frame: evaluate(None), "the path of its folder"),
        (lambda run, frame: evaluate(run, frame), "measurements as series="),
        (lambda run, frame: fit(FitConfig(data=frame, backbone="lstm", out="x")), "data is "),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(run, frame, call, said):
    with pytest.raises(InputError) as caught:
        call(run, frame)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("module", [stlora, stlora.training, stlora.backbones, stlora.serving, stlora.studies])
def test_completion_finds_every_public_name(module):
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_backbones_are_imported_by_their_classes():
    from stlora.backbones import STGCN, STID

    assert isinstance(backbones.create("stid", num_nodes=3), STID)
    assert STGCN.__module__ == "stlora.backbones.stgcn"


def surroundings():
    """What a program has of its own, which calls of a library should leave as it is."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),  # noqa: NPY002
        "torch": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "grad": torch.is_grad_enabled(),
        "path": list(sys.path),
        "environment": dict(os.environ),
        "loggers": {name: logging.getLogger(name).level for name in ("lightning", "lightning.pytorch", "root")},
        "filters": list(warnings.filters),
        "folder": os.getcwd(),
    }


def test_calls_leave_the_program_as_it_was(frame, tmp_path, monkeypatch):
    (tmp_path / "own_for_test.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self, history, horizon):\n"
        "        super().__init__()\n        self.linear = nn.Linear(history, horizon)\n\n    def forward(self, x):\n"
        "        return self.linear(x[..., 0].transpose(1, 2)).transpose(1, 2)[..., None]\n"
    )
    monkeypatch.chdir(tmp_path)
    logging.getLogger("lightning.pytorch").setLevel(logging.INFO)
    fit(FitConfig(data="counts", backbone="lstm", out="warm", **SMALL), frame)  # imports what is imported once
    before = surroundings()
    for backbone in ("lstm", "own_for_test:Net", "ha"):
        out = backbone[:3]
        fit(FitConfig(data="counts", backbone=backbone, out=out, **SMALL), frame)
        evaluate(out, series=frame, module="own_for_test:Net" if backbone.startswith("own") else None)
        predict(out, frame, module="own_for_test:Net" if backbone.startswith("own") else None)
    adapt(AdaptConfig(run="lst", out="adapted", epochs=1, train_fraction=0.1), frame)
    after = surroundings()
    assert [name for name in before if before[name] != after[name]] == []


def test_counts_of_memory_are_left_to_the_program(monkeypatch):
    monkeypatch.setattr("stlora.progress.is_command", False)
    held = np.ones(40_000_000)  # 320 MB
    del held
    memory = PeakMemory()
    assert memory.report()["resident_mb"] is None
    monkeypatch.setattr("stlora.progress.is_command", True)
    assert sys.platform != "linux" or PeakMemory().report()["resident_mb"] is not None


def test_adapter_that_never_measured_its_nodes_warns_once():
    steps = torch.arange(600)
    clock = torch.stack([steps % 24 / 24, steps // 24 % 7 / 7], dim=1)
    values = torch.randn(600, 2)
    model = stlora.STLoRA(backbones.create("lstm", num_nodes=2), num_nodes=2)
    x = torch.cat([values[..., None], clock[:, None].expand(-1, 2, -1)], dim=2)[None, :12]
    assert str(model.parameter_report()).endswith("(not yet: call learn_profile)")
    with pytest.warns(UserWarning, match="call learn_profile"):
        model(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(x)
        model.learn_profile(values, clock)
        fitted = stlora.STLoRA(backbones.create("lstm", num_nodes=2), num_nodes=2)
        fitted.learn_profile(values, clock)
        fitted(x)
        stlora.STLoRA(backbones.create("lstm", num_nodes=2), num_nodes=2).eval()(x)
    assert "not yet" not in str(model.parameter_report())
