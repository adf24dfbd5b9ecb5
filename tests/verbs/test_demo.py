from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from stlora.data import simulate
from stlora.errors import InputError
from stlora.training import Run, evaluate
from stlora.verbs.demo import DemoSizes, run_demo

TINY = DemoSizes(num_nodes=6, days=7, epochs=1, adapt_epochs=1)


class _Demo(NamedTuple):
    folder: Path
    printed: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> _Demo:
    """A demo of about half the size, run once; of fewer sensors chance would decide what factors of their own gain."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("stlora.verbs.demo._say", lines.append)
        run_demo(str(folder), 0, DemoSizes(num_nodes=24, days=28, epochs=3, adapt_epochs=15))
    return _Demo(folder, "\n".join(lines))


def test_node_factors_win_over_the_backbone_alone_and_over_a_shared_corrector(demo: _Demo) -> None:
    alone, shared, stlora = (Run(demo.folder / name).metrics["average"]["mae"] for name in ("lstm", "shared", "stlora"))
    assert stlora < 0.9 * alone
    assert stlora < 0.99 * shared


def test_the_backbone_forecasts_better_than_the_last_value(demo: _Demo) -> None:
    values = pd.DataFrame(simulate(24, 28, seed=0).series.values)
    last = values.ffill()
    test = slice(int(0.8 * len(values)), None)
    naive = np.mean([np.nanmean((values - last.shift(step)).abs().to_numpy()[test]) for step in range(1, 13)])
    assert Run(demo.folder / "lstm").metrics["average"]["mae"] < 0.95 * naive


def test_the_adapters_ran_on_the_frozen_backbone(demo: _Demo) -> None:
    weights = [(demo.folder / name / "backbone" / "model.safetensors").read_bytes() for name in ("lstm", "stlora")]
    assert weights[0] == weights[1]
    assert Run(demo.folder / "stlora").metrics["mode"] == "frozen"


def test_it_prints_the_table_the_report_and_how_to_go_on(demo: _Demo) -> None:
    assert [" ".join(line.split()[:4]) for line in demo.printed.splitlines() if line.startswith("lstm")][1:] == [
        "lstm ST-LoRA shared (frozen)",
        "lstm ST-LoRA (frozen) 1",
    ]
    report, further = demo.printed.splitlines()[-2:]
    assert report == f"The report: {demo.folder / 'report.html'}"
    assert "stlora fit --data" in further


def test_the_report_shows_the_runs_and_the_truth(demo: _Demo) -> None:
    page = (demo.folder / "report.html").read_text(encoding="utf-8")
    assert "lstm + stlora on simulated" in page
    assert "The true week of each kind of place" in page
    assert "Where they are" in page


def test_its_runs_are_runs_like_any_other(demo: _Demo) -> None:
    run = Run(demo.folder / "stlora")
    again = evaluate(run, series=simulate(24, 28, seed=0).series)
    assert again["average"]["mae"] == pytest.approx(run.metrics["average"]["mae"])


def test_an_earlier_demo_is_replaced_and_the_rest_of_its_folder_kept(tmp_path: Path) -> None:
    run_demo(str(tmp_path), 0, TINY)
    (tmp_path / "notes.txt").write_text("mine")
    first = Run(tmp_path / "stlora").metrics["average"]["mae"]
    run_demo(str(tmp_path), 1, TINY)
    assert Run(tmp_path / "stlora").metrics["seed"] == 1
    assert Run(tmp_path / "stlora").metrics["average"]["mae"] != first
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_no_demo_wrote_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lstm").mkdir()
    (tmp_path / "lstm" / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="not one that a demo wrote; choose another --out"):
        run_demo(str(tmp_path), 0, TINY)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.txt")] == ["lstm/precious.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="choose another --out"):
        run_demo(str(tmp_path / "out"), 0, TINY)
    assert (tmp_path / "out").read_text() == "mine"


def test_without_the_extra_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    run_demo(str(tmp_path / "out"), 0, TINY)
    report, further = capsys.readouterr().out.splitlines()[-2:]
    assert report == 'No report: writing a report needs matplotlib and jinja2; pip install "stlora[report]"'
    assert further.startswith("Your own data:")
    assert not (tmp_path / "out" / "report.html").exists()
    assert Run(tmp_path / "out" / "stlora").finished
