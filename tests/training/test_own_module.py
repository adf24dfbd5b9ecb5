"""A backbone of the user's own, from the command line to the forecast."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest
import torch

from stlora.cli import main
from stlora.data import simulate
from stlora.errors import InputError
from stlora.training import AdaptConfig, CompareConfig, Run

CODE = """
from pathlib import Path

import torch
from torch import nn

from stlora.backbones.layouts import from_btn

Path("code_was_run").touch()


class Linear(nn.Module):
    def __init__(self, history, horizon, steps):
        super().__init__()
        self.layer = nn.Linear(history, horizon)
        self.register_buffer("steps", torch.tensor(steps))

    def forward(self, x):
        return self.layer(x.transpose(1, 2)).transpose(1, 2)


def linear(history, horizon, steps_per_day):
    return from_btn(Linear(history, horizon, steps_per_day), history, horizon)


def wrong(history, horizon):
    return nn.Linear(3, 1)


def failing():
    return nn.Linear(5, 1)
"""
QUICK = ["--epochs", "1", "--train_fraction", "0.05", "--device", "cpu"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder: the user's module and measurements."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    (tmp_path / "users_linear.py").write_text(CODE)
    series = simulate(num_nodes=6, days=4).series
    pd.DataFrame(series.values, index=series.time, columns=list(series.node_ids)).to_csv("flow.csv", index_label="time")
    yield tmp_path
    sys.modules.pop("users_linear", None)


@pytest.fixture
def stlora(capfd):
    """Runs the command line; gives the exit status and the last line of stderr."""

    def run(*arguments):
        status = main(list(arguments))
        error = capfd.readouterr().err.strip().splitlines()
        return status, error[-1] if error else ""

    return run


@pytest.fixture
def fitted(folder, stlora):
    """A run of the user's backbone, received by somebody who has not run its code yet."""
    assert stlora("fit", "--data", "flow.csv", "--backbone", "users_linear:linear", "--out", "run", *QUICK)[0] == 0
    sys.modules.pop("users_linear")
    (folder / "code_was_run").unlink()
    return folder / "run"


def average(folder):
    return json.loads((folder / "metrics.json").read_text())["average"]["mae"]


def test_the_run_folder_names_the_factory_and_its_options(fitted):
    record = json.loads((fitted / "backbone" / "config.json").read_text())
    assert record["name"] == "users_linear:linear"
    assert record["options"] == {"steps_per_day": 96}  # known from the data, as for the backbones of the library
    assert record["in_channels"] == 1


def test_a_run_folder_never_runs_code_by_itself(fitted, stlora):
    for verb in (
        ("evaluate", "run"),
        ("adapt", "run", "--out", "adapted"),
        ("predict", "run", "--data", "flow.csv", "--output", "forecast.csv"),
    ):
        status, error = stlora(*verb)
        assert status == 2
        assert "made by users_linear:linear" in error
        assert "--module package.module:factory" in error
    assert "users_linear" not in sys.modules
    assert not (fitted.parent / "code_was_run").exists()


def test_with_the_module_named_the_run_is_used_like_any_other(fitted, stlora, capfd):
    own = ("--module", "users_linear:linear", "--device", "cpu")
    assert stlora("adapt", "run", "--out", "adapted", *own, "--epochs", "2")[0] == 0
    assert main(["evaluate", "adapted", *own, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["average"]["mae"]
    assert found == pytest.approx(average(fitted.parent / "adapted"), rel=1e-5)
    assert found < average(fitted)
    assert stlora("predict", "adapted", "--data", "flow.csv", "--output", "forecast.csv", *own)[0] == 0
    assert len(pd.read_csv("forecast.csv")) == 6 * 12


def test_a_module_is_not_taken_for_a_backbone_of_the_library(folder, stlora):
    assert stlora("fit", "--data", "flow.csv", "--backbone", "lstm", "--out", "run", *QUICK)[0] == 0
    status, error = stlora("evaluate", "run", "--module", "users_linear:linear")
    assert status == 2
    assert "holds lstm, which needs no --module" in error
    assert not (folder / "code_was_run").exists()


def test_own_backbones_are_compared_with_others(folder, stlora):
    arguments = ("--backbones", "users_linear:linear,lstm", "--seeds", "0", "--adapt_epochs", "1", "--out", "table")
    assert stlora("compare", "--data", "flow.csv", *arguments, *QUICK)[0] == 0
    runs = json.loads((folder / "table" / "results.json").read_text())["runs"]
    assert [run["backbone"] for run in runs] == ["lstm"] * 2 + ["users_linear:linear"] * 2
    assert (folder / "table" / "runs" / "users_linear.linear-0" / "stlora" / "metrics.json").exists()


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("wrong", "answers with shape [1, 12, 6, 1]"),
        ("failing", "fails on a history of shape [1, 12, 6, 3] ([B, T, N, C]): mat1 and mat2"),
        ("absent", "no function or class 'absent'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(folder, stlora, factory, message):
    arguments = ("--data", "flow.csv", "--horizon", "6", "--backbone", f"users_linear:{factory}", "--out", "run")
    status, error = stlora("fit", *arguments)
    assert status == 2
    assert message in error
    assert not (folder / "run").exists()


def test_weights_trained_elsewhere_are_measured_as_they_are(fitted, folder, stlora):
    weights = str(fitted / "backbone" / "model.safetensors")
    arguments = ("fit", "--data", "flow.csv", "--backbone", "users_linear:linear", "--epochs", "0", "--device", "cpu")
    assert stlora(*arguments, "--seed", "9", "--backbone_weights", weights, "--out", "same")[0] == 0
    assert average(folder / "same") == pytest.approx(average(fitted), rel=1e-5)
    metrics = json.loads((folder / "same" / "metrics.json").read_text())
    before = json.loads((fitted / "metrics.json").read_text())
    assert (metrics["epochs"], metrics["mode"]) == (0, "fit")
    assert metrics["val_mae"] == pytest.approx(before["val_mae"], rel=1e-5)
    assert (folder / "same" / "log.csv").read_text() == "epoch,train_mae,val_mae,learning_rate,seconds\n"
    status, error = stlora(*arguments, "--backbone_weights", "absent.pt", "--out", "none")
    assert (status, "there is no file absent.pt" in error) == (2, True)


def test_training_starts_from_the_weights(folder, stlora):
    status = {"layer.weight": torch.full((12, 12), 0.25), "layer.bias": torch.zeros(12), "steps": torch.tensor(96)}
    torch.save(status, "w.pt")
    arguments = ("fit", "--data", "flow.csv", "--backbone", "users_linear:linear", "--backbone_weights", "w.pt")
    assert stlora(*arguments, "--learning_rate", "1e-9", "--out", "run", *QUICK)[0] == 0
    layer = Run("run").load_backbone("users_linear:linear").module.layer
    assert torch.allclose(layer.weight, status["layer.weight"], atol=1e-5)


def test_no_epochs_without_weights_are_refused(folder, stlora):
    status, error = stlora("fit", "--data", "flow.csv", "--backbone", "lstm", "--epochs", "0", "--out", "run")
    assert status == 2
    assert "--backbone_weights" in error
    assert not (folder / "run").exists()


def test_an_adapter_needs_an_epoch():
    for make in (
        lambda: AdaptConfig(run="run", out="out", epochs=0),
        lambda: CompareConfig(data="data", out="out", backbones="lstm", epochs=0),
    ):
        with pytest.raises(InputError, match="epochs is 0; expected 1 or more"):
            make()
