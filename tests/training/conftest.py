"""A simulated network and runs on it that take a fraction of a second."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from stlora.data import SensorSeries, simulate
from stlora.files import write_json
from stlora.training import AdaptConfig, FitConfig, Run, adapt, fit
from stlora.training.task import ForecastTask

HISTORY, HORIZON = 4, 3
OPTIONS: dict[str, Any] = {
    "data": "simulated",
    "backbone": "lstm",
    "backbone_options": {"input_size": 4, "hidden_size": 6, "output_size": 8},
    "history": HISTORY,
    "horizon": HORIZON,
    "epochs": 3,
    "batch_size": 32,
    "device": "cpu",
}


class Own(nn.Module):
    """A backbone that the registry does not know, with dropout and batch statistics."""

    history, horizon = HISTORY, HORIZON

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(HISTORY * 3)
        self.map = nn.Sequential(nn.Dropout(0.2), nn.Linear(HISTORY * 3, HORIZON))

    def forward(self, x: Tensor) -> Tensor:
        batch, _, nodes, channels = x.shape
        assert channels == 3
        flat = self.norm(x.transpose(1, 2).reshape(batch * nodes, -1))
        return self.map(flat).reshape(batch, nodes, HORIZON).transpose(1, 2).unsqueeze(-1)


class ProcessGoneError(RuntimeError):
    """The process is gone."""


@dataclass(frozen=True)
class Tiny:
    """The series, and every verb on it with small options."""

    series: SensorSeries

    def options(self, **changes: Any) -> dict[str, Any]:
        return {**OPTIONS, **changes}

    def fit(self, out: Path, series: SensorSeries | None = None, module: nn.Module | None = None, **changes) -> Run:
        return fit(FitConfig(out=str(out), **self.options(**changes)), series or self.series, module)

    def adapt(self, run: Run, out: Path, module: nn.Module | None = None, **changes: Any) -> Run:
        options: dict[str, Any] = {"epochs": 3, "batch_size": 32, "device": "cpu", **changes}
        return adapt(AdaptConfig(run=str(run.folder), out=str(out), **options), self.series, module)

    def without_graph(self) -> SensorSeries:
        return dataclasses.replace(self.series, adjacency=None)

    def own(self, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        return Own()

    def results(self, run: Run) -> dict[str, Any]:
        """All that a run reports but the time and the memory it took."""
        return {name: value for name, value in run.metrics.items() if name not in ("seconds", "memory")}

    def weights(self, run: Run) -> dict[str, bytes]:
        """Every tensor of a run, to the bit."""
        tensors = {}
        for path in sorted(run.folder.glob("*/*.safetensors")):
            for name, tensor in load_file(path).items():
                tensors[f"{path.parent.name}/{name}"] = tensor.numpy().tobytes()
        return tensors


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Sums in one order, and nobody else's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    """Six sensors, five days in half hours, with gaps and a graph."""
    return Tiny(simulate(num_nodes=6, days=5, interval="30min", seed=1, missing=0.1).series)


@pytest.fixture(scope="session")
def fitted(tiny, tmp_path_factory) -> Run:
    """A finished backbone."""
    return tiny.fit(tmp_path_factory.mktemp("fitted") / "run")


@pytest.fixture(scope="session")
def adapted(tiny, fitted, tmp_path_factory) -> Run:
    """A finished adapter on it."""
    return tiny.adapt(fitted, tmp_path_factory.mktemp("adapted") / "run")


@pytest.fixture
def pretend():
    """Writes the metrics of a run that never was."""

    def write(folder: Path, **changes: Any) -> Run:
        error = {"mae": 1.0, "rmse": 2.0, "mape": 3.0}
        content = {
            "format_version": 1,
            "dataset": "town",
            "split": "test",
            "backbone": "lstm",
            "adapter": "none",
            "seed": 0,
            "mode": "fit",
            "parameters": {"backbone": 1, "adapter": 0},
            "horizons": {"3": error},
            "average": error,
            "pooled": error,
            "nodes": {"a": {"mae": 1.0, "rmse": 2.0}},
            "seconds": {"fit": 1.0, "adapt": 0.0},
            "epochs": 1,
            "val_mae": 1.0,
            "device": "cpu",
        }
        write_json(folder / "metrics.json", content | changes)
        return Run(folder)

    return write


@pytest.fixture
def interrupt(monkeypatch):
    """Ends the next run in the middle of an epoch, as if its process were gone."""

    def arrange(epoch: int, batch: int = 1, error: BaseException | None = None) -> type[BaseException]:
        step = ForecastTask.training_step

        def training_step(self, start, batch_idx):
            if (self.current_epoch, batch_idx) == (epoch, batch):
                monkeypatch.undo()
                raise error or ProcessGoneError
            return step(self, start, batch_idx)

        monkeypatch.setattr(ForecastTask, "training_step", training_step)
        return type(error) if error else ProcessGoneError

    return arrange
