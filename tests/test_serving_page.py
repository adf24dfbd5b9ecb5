"""The page on serving does what it says, and shows what was measured."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from stlora.cli import main
from stlora.data import simulate
from stlora.training import FitConfig, fit

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "serving.md"
LSTM = {"input_size": 4, "hidden_size": 4, "output_size": 4, "num_layers": 1}

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the documentation does not lie beside the tests")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the run that the page exports."""
    folder = tmp_path_factory.mktemp("page")
    out = str(folder / "runs" / "lstm")
    options = {"backbone": "lstm", "backbone_options": LSTM, "epochs": 1, "train_fraction": 0.05, "device": "cpu"}
    fit(FitConfig(data="simulated", out=out, **options), simulate(num_nodes=6, days=3, interval="30min", seed=0).series)
    return folder


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("suffix", ["pt2", "onnx"])
def test_every_block_of_the_page_runs_without_this_library(folder, monkeypatch, suffix):
    if suffix == "onnx":
        for package in ("onnxscript", "onnxruntime"):
            pytest.importorskip(package)
    monkeypatch.chdir(folder)
    commands = [line for line in blocks("bash")[0].splitlines() if line.endswith(suffix)]
    assert [main(shlex.split(line)[1:]) for line in commands] == [0]
    (example,) = (text for text in blocks("python") if f"model.{suffix}" in text)
    refused = "stlora" if suffix == "pt2" else "stlora torch"
    guard = f"import sys; sys.modules.update(dict.fromkeys({refused.split()}))\n"
    said = subprocess.run([sys.executable, "-c", guard + example], check=True, capture_output=True, text=True).stdout
    assert len(re.findall(r"\d+\.\d+", said)) == 12


@pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not part of this copy")
def test_the_page_and_the_result_hold_the_measured_tables(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from pages import serving as serving_tables

    result = ROOT / "results" / "speed" / "serving"
    found = json.loads(result.with_suffix(".json").read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    for name in {"export", "compile", "train", "load"} & set(found):
        assert getattr(serving_tables, f"{name}_table")(found) in page
    assert serving_tables.serving_page(found) == result.with_suffix(".md").read_text(encoding="utf-8")
