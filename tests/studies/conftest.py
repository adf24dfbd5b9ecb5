"""Trained backbones on two simulated networks, and points with numbers of one's choice; all in a few seconds."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from stlora.data import SensorSeries, simulate
from stlora.evaluation.rows import Row, Spread
from stlora.studies import FieldStudyConfig, field_study
from stlora.studies.designs import Design
from stlora.studies.outcome import Outcome, Point
from stlora.training import FitConfig, Run, fit

FIT: dict[str, Any] = {
    "data": "simulated",
    "backbone": "lstm",
    "backbone_options": {"input_size": 4, "hidden_size": 6, "output_size": 8},
    "history": 4,
    "horizon": 3,
    "epochs": 1,
    "recipe": "common",
    "device": "cpu",
}


@dataclass(frozen=True)
class Town:
    """Two networks, and trained backbones on them."""

    folder: Path
    series: tuple[SensorSeries, SensorSeries]

    def runs(self, *names: str) -> str:
        return ",".join(str(self.folder / name) for name in names)

    def study(self, out: Path, field: str = "rank", runs: tuple[str, ...] = ("north-0", "north-1"), **changes: Any):
        options: dict[str, Any] = {"values": "1,2", "adapt_epochs": 1, "device": "cpu", **changes}
        return field_study(field, FieldStudyConfig(runs=self.runs(*runs), out=str(out), **options), self.series)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Sums in one order, and nobody else's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def town(tmp_path_factory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    networks = [simulate(num_nodes=nodes, days=4, interval="30min", seed=nodes).series for nodes in (6, 7)]
    north, south = (dataclasses.replace(one, name=name) for one, name in zip(networks, ("north", "south"), strict=True))
    for series, seed in ((north, 0), (north, 1), (south, 0)):
        fit(FitConfig(out=str(folder / f"{series.name}-{seed}"), seed=seed, **FIT), series)
    return Town(folder, (north, south))


@pytest.fixture(scope="session")
def finished(town, tmp_path_factory) -> Path:
    """The folder of a finished study of the rank; no test may change it."""
    out = tmp_path_factory.mktemp("study")
    assert town.study(out).failed == {}
    return out


@pytest.fixture
def outcome_of():
    """An outcome with the given validation and test changes, one seed, by group and form."""

    def row(adapter: str, val: float | None, test: float) -> Row:
        spread = None if val is None else Spread(val, math.nan, 1)
        one = Spread(1.0, math.nan, 1)
        costs = {"fit": one, "adapt": one}
        parameters = {"backbone": 10, "adapter": 5}
        return Row("lstm", adapter, "frozen", (0,), {}, Spread(test, math.nan, 1), spread, parameters, one, costs)

    def make(changes: dict[str, dict[int, tuple[float | None, float]]]) -> Outcome:
        points, alone = [], {}
        for dataset, forms in changes.items():
            group = (dataset, "lstm")
            alone[group] = row("none", 0.0, 0.0)
            points += [Point(group, Design({"rank": rank}), row("x", val, test)) for rank, (val, test) in forms.items()]
        return Outcome(points, alone, {})

    return make


@pytest.fixture
def times():
    """When each file of the runs of a folder was written."""

    def of(folder: Path) -> dict[Path, int]:
        runs = [Run(path.parent) for path in folder.rglob("metrics.json")]
        return {path: path.stat().st_mtime_ns for run in runs for path in run.folder.rglob("*") if path.is_file()}

    return of
