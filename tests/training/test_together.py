"""Two processes that train together come to what one comes to; the first of them writes."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from stlora import InputError
from stlora.data.store import write_store
from stlora.studies.config import FewShotConfig, FieldStudyConfig, TransferConfig
from stlora.studies.fewshot import few_shot_study
from stlora.studies.field import field_study
from stlora.studies.transfer import transfer_study
from stlora.training import AdaptConfig, FitConfig, Run, adapt, compare, fit, together
from stlora.training.config import CompareConfig

SCRIPT = """
import json, sys, torch
from pathlib import Path
from stlora import files
from stlora.data.store import open_store
from stlora.training import AdaptConfig, FitConfig, adapt, fit, together

torch.set_num_threads(1)
written = []
replace = files.os.replace
files.os.replace = lambda source, target: (written.append(str(target)), replace(source, target))
fit_options, adapt_options = map(json.loads, sys.argv[2:])
out, series = Path(sys.argv[1]), open_store("series")
run = fit(FitConfig(out=str(out / "fit"), **fit_options), series)
adapted = adapt(AdaptConfig(run=str(run.folder), out=str(out / "adapt"), **adapt_options), series)
told = {"written": len(written), "mae": adapted.metrics["average"]["mae"], "processes": together.processes()}
Path(f"told-{together.rank()}.json").write_text(json.dumps(told))
"""
# Dropout is drawn anew for every part of a batch, and Adam makes steps of rounding errors where a gradient is nothing.
FIT = {
    "backbone_options": {"hidden_size": 6, "dropout": 0.0},
    "epochs": 2,
    "batch_size": 31,
    "epsilon": 0.1,
    "learning_rate": 0.01,
    "train_fraction": 0.9,
    "patience": 0,
}
ADAPT = {"epsilon": 0.1, "epochs": 2, "batch_size": 32, "device": "cpu"}


def log(run):
    rows = (run.folder / "log.csv").read_text().splitlines()[1:]
    return np.array([[float(cell) for cell in row.split(",")[:4]] for row in rows])


@pytest.fixture(scope="module")
def series(tiny):
    """Gaps that make the parts of a batch unequal: at every second step most sensors are silent."""
    values = tiny.series.values.copy()
    values[::2, 1:] = np.nan
    return replace(tiny.series, values=values)


def test_two_processes_come_to_the_same_as_one(tiny, series, tmp_path):
    write_store(series, tmp_path / "series")
    (tmp_path / "train.py").write_text(SCRIPT)
    options = [json.dumps(tiny.options(**FIT)), json.dumps(ADAPT)]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "train.py"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*torchrun, "runs", *options], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"told-{rank}.json").read_text()) for rank in range(2))
    assert first["processes"] == 2
    assert first["written"] > 8
    assert second["written"] == 0
    assert first["mae"] == second["mae"]

    alone = tiny.fit(tmp_path / "alone", series, **FIT)
    pairs = [(Run(tmp_path / "runs" / "fit"), alone)]
    alone_adapted = adapt(AdaptConfig(run=str(alone.folder), out=str(tmp_path / "adapted"), **ADAPT), series)
    pairs.append((Run(tmp_path / "runs" / "adapt"), alone_adapted))
    for both, one in pairs:
        np.testing.assert_allclose(log(both), log(one), rtol=1e-5)
        for kind in ("average", "pooled"):
            assert both.metrics[kind] == pytest.approx(one.metrics[kind], rel=1e-5)
        assert both.metrics["parameters"] == one.metrics["parameters"]
        assert not (both.folder / "checkpoints").exists()


@pytest.fixture
def two(monkeypatch):
    """This process takes itself for the first of two that torchrun started."""
    monkeypatch.setattr(together, "processes", lambda: 2)
    monkeypatch.setattr(together, "join", lambda: None)


@pytest.mark.usefixtures("two")
def test_what_one_process_does_is_refused_to_two(tiny, tmp_path):
    with pytest.raises(InputError, match="fitting ha is work for one process and torchrun started 2"):
        fit(FitConfig(out=str(tmp_path / "run"), **tiny.options(backbone="ha", backbone_options={})), tiny.series)
    with pytest.raises(InputError, match="a comparison is work for one process"):
        compare(CompareConfig(data="simulated", backbones="lstm", out=str(tmp_path / "out")), tiny.series)
    assert not any(tmp_path.iterdir())


@pytest.mark.usefixtures("two")
def test_studies_are_refused_to_two(tiny, tmp_path):
    out = str(tmp_path / "out")
    started = [
        lambda: field_study("rank", FieldStudyConfig(runs="none", out=out)),
        lambda: transfer_study(TransferConfig(runs="none", out=out)),
        lambda: few_shot_study(FewShotConfig(data="simulated", backbones="lstm", out=out), tiny.series),
    ]
    for study in started:
        with pytest.raises(InputError, match="a study is work for one process and torchrun started 2"):
            study()
    assert not any(tmp_path.iterdir())


def test_more_processes_than_validation_windows_are_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(together, "processes", lambda: 1000)
    monkeypatch.setattr(together, "join", lambda: None)
    with pytest.raises(InputError, match="1000 processes are to share 23 validation windows; start fewer"):
        tiny.fit(tmp_path / "run")
