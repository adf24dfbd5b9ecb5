"""Whose defect it is: of a backbone of the user's own, or of the library."""

import sys

import pytest

from stlora.cli import main

CODE = '''\
from torch import nn


class Late(nn.Module):
    """Fails once it is trained."""

    def __init__(self, history, horizon):
        super().__init__()
        self.layer = nn.Linear(history, horizon)

    def forward(self, x):
        if self.training and x.shape[0] > 1:
            raise RuntimeError("out of\\npatience")
        return self.layer(x[..., 0].transpose(1, 2)).transpose(1, 2).unsqueeze(-1)
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the user's module lies."""
    (tmp_path / "late_module.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr("stlora.backbones.own._IMPORTED", set())
    yield tmp_path
    sys.modules.pop("late_module", None)


FIT = ["--data", "simulated", "--epochs", "1", "--train_fraction", "0.01", "--device", "cpu"]


def test_a_backbone_that_fails_in_training_is_named_with_its_line(folder, capsys):
    assert main(["fit", *FIT, "--backbone", "late_module:Late", "--out", "run"]) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said  # of use to who wrote it
    assert said.splitlines()[-1] == (
        "stlora: error: your own backbone fails with RuntimeError: out of patience (late_module.py, line 13); "
        "mend it there and give the same command again"
    )


def test_a_failed_cell_names_the_line(folder, capsys):
    arguments = ["compare", *FIT, "--backbones", "late_module:Late", "--adapters", "none", "--seeds", "0"]
    assert main([*arguments, "--out", "table"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "stlora: error: 1 cell failed: late_module:Late none seed 0: RuntimeError: out of patience "
        "(late_module.py, line 13)"
    )


def test_a_defect_of_the_library_is_not_laid_on_the_user(folder, monkeypatch, capsys):
    def broken(*rest, **more):
        raise RuntimeError("a defect")

    monkeypatch.setattr("stlora.training.fitting.fit", broken)
    monkeypatch.setattr("stlora.training.fit", broken, raising=False)
    assert main(["fit", *FIT, "--backbone", "late_module:Late", "--out", "run"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("stlora: this is a defect of the library")
