"""From a file to the optimizer's step: windows cut out on demand against two usual ways of loading them.

    python benchmarks/pipeline.py [--threads 2]

STGCN at 307 sensors, batches of 64, float32. Every way is a process of its own, they take turns, and the median of
three rounds counts. Writes results/speed/pipeline.json and pipeline.md; a run with another number of threads is added
to those that are there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring.machine import describe
from measuring.threads import keep
from measuring.turns import now
from pages.speed import pipeline_page

RESULT = Path(__file__).parents[1] / "results" / "speed" / "pipeline"
NODES, DAYS, MISSING, BATCH, STEPS, VALIDATION, ROUNDS = 307, 30, 0.02, 64, 3, 64, 3
HISTORY = HORIZON = 12
WAYS = ("stlora", "tensor_dataset", "index_loader")


class Clock:
    """Seconds in the network, by ``turns.now``: its forward pass, the backward pass, the optimizer's step."""

    def __init__(self) -> None:
        self.inside = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time added up."""

        def call(*arguments: Any, **options: Any) -> Any:
            started = now()
            try:
                return function(*arguments, **options)
            finally:
                self.inside += now() - started

        return call


def watch(model: torch.nn.Module, clock: Clock) -> None:
    """Count the forward pass of the network, and every backward pass and optimizer step of the process."""
    model.forward = clock.timed(model.forward)
    torch.Tensor.backward = clock.timed(torch.Tensor.backward)
    step = torch.optim.Adam.step

    def alone(optimizer: torch.optim.Adam, closure: Callable[[], Any] | None = None) -> Any:
        answer = None if closure is None else closure()  # what Lightning hands over: forward and backward
        clock.timed(step)(optimizer)
        return answer

    torch.optim.Adam.step = alone


def network(adjacency: np.ndarray[Any, Any]) -> torch.nn.Module:
    from stlora import backbones

    torch.manual_seed(0)
    return backbones.create("stgcn", NODES, torch.as_tensor(adjacency))


def with_stlora(folder: Path, clock: Clock) -> tuple[float, float]:
    """As ``stlora fit`` does it: seconds until the epoch begins, and of the epoch with its validation."""
    started = now()
    from stlora.data.scaling import Scaler
    from stlora.data.split import Split
    from stlora.data.store import open_store
    from stlora.data.windows import Windows
    from stlora.training.config import TrainingOptions
    from stlora.training.loop import train
    from stlora.training.task import ForecastTask

    marks: list[float] = []

    class Marked(ForecastTask):
        def on_train_epoch_start(self) -> None:
            marks.append(now())
            clock.inside = 0.0
            super().on_train_epoch_start()

        def on_train_epoch_end(self) -> None:
            super().on_train_epoch_end()
            marks.append(now())

    stored = open_store(folder)
    series = type(stored)(np.array(stored.values), stored.time, stored.node_ids)  # in memory, as smaller networks are
    windows = Windows(series, Scaler.fit(series.values))
    model = network(stored.adjacency)
    watch(model, clock)
    split = Split(range(STEPS * BATCH), range(STEPS * BATCH, STEPS * BATCH + VALIDATION), range(0))
    options = TrainingOptions(epochs=1, batch_size=BATCH, optimizer="adam", schedule="none", device="cpu")
    train(Marked(model, windows, split, options), options, folder / "run")
    return marks[0] - started, marks[1] - marks[0]


def written_out(values: np.ndarray[Any, Any], clock_rows: np.ndarray[Any, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """All windows as two tensors, scaled and filled with zero, as many scripts prepare them."""
    mean, std = np.nanmean(values), np.nanstd(values)
    scaled = np.nan_to_num((values - mean) / std)
    features = np.concatenate([scaled[..., None], np.repeat(clock_rows[:, None], NODES, axis=1)], axis=2)
    starts = range(len(values) - HISTORY - HORIZON + 1)
    x = np.stack([features[s : s + HISTORY] for s in starts]).astype(np.float32)
    y = np.stack([values[s + HISTORY : s + HISTORY + HORIZON, :, None] for s in starts]).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(y)


def with_tensor_dataset(folder: Path, clock: Clock) -> tuple[float, float]:
    """Lightning, a ``DataLoader`` and all windows written out in a ``TensorDataset``."""
    started = now()
    import lightning
    from torch.utils.data import DataLoader, TensorDataset

    from stlora.training.loss import masked_mae

    marks: list[float] = []
    values, clock_rows, adjacency = raw(folder)
    x, y = written_out(values, clock_rows)
    mean, std = float(np.nanmean(values)), float(np.nanstd(values))
    model = network(adjacency)
    watch(model, clock)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
            return masked_mae(self.model(batch[0]) * std + mean, batch[1])

        def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
            self.log("val_mae", masked_mae(self.model(batch[0]) * std + mean, batch[1]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=1e-3, fused=True)

        def on_train_epoch_start(self) -> None:
            marks.append(now())
            clock.inside = 0.0

        def on_train_epoch_end(self) -> None:
            marks.append(now())

    count = STEPS * BATCH
    loaders = (
        DataLoader(TensorDataset(x[:count], y[:count]), batch_size=BATCH, shuffle=True),
        DataLoader(TensorDataset(x[count : count + VALIDATION], y[count : count + VALIDATION]), batch_size=BATCH),
    )
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        gradient_clip_val=5.0,
        default_root_dir=folder / "lightning",
    )
    trainer.fit(Module(), *loaders)
    return marks[0] - started, marks[1] - marks[0]


def batches(data: np.ndarray[Any, Any], order: np.ndarray[Any, Any]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """As LargeST loads: the newest step of every window, whose rows are gathered from one array of all channels."""
    back, ahead = np.arange(-HISTORY + 1, 1), np.arange(1, HORIZON + 1)
    for newest in np.split(order, len(order) // BATCH):
        x, y = np.empty((BATCH, HISTORY, NODES, 3)), np.empty((BATCH, HORIZON, NODES, 1))
        for row, step in enumerate(newest):
            x[row], y[row] = data[step + back], data[step + ahead, :, :1]
        yield torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def with_index_loader(folder: Path, clock: Clock) -> tuple[float, float]:
    """A loop of one's own around batches that are gathered window by window from an array of all channels."""
    from stlora.training.loss import masked_mae

    started = now()
    values, clock_rows, adjacency = raw(folder)
    mean, std = float(np.nanmean(values)), float(np.nanstd(values))
    scaled = np.nan_to_num((values - mean) / std)
    data = np.concatenate([scaled[..., None], np.repeat(clock_rows[:, None], NODES, axis=1)], axis=2)
    model = network(adjacency)
    watch(model, clock)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    count = STEPS * BATCH + HISTORY
    begun = now()
    clock.inside = 0.0
    for x, y in batches(data, np.random.default_rng(0).permutation(np.arange(HISTORY, count))):
        optimizer.zero_grad()
        masked_mae(model(x) * std + mean, y * std + mean).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    with torch.no_grad():
        model.eval()
        for x, y in batches(data, np.arange(count, count + VALIDATION)):
            masked_mae(model(x) * std + mean, y * std + mean).item()
    return begun - started, now() - begun


def raw(folder: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The same file without our reader: values, clock, graph."""
    return tuple(np.load(folder / f"{name}.npy") for name in ("values", "clock", "adjacency"))


def prepare_files(folder: Path) -> None:
    from stlora.data import simulate
    from stlora.data.store import write_store
    from stlora.data.time.clock import clock

    series = simulate(num_nodes=NODES, days=DAYS, missing=MISSING, seed=0).series
    write_store(series, folder)
    np.save(folder / "clock.npy", clock(series.time))
    np.save(folder / "adjacency.npy", series.adjacency)


def measure(way: str, folder: Path, threads: int) -> dict[str, float]:
    torch.set_num_threads(threads)
    clock = Clock()
    run = {"stlora": with_stlora, "tensor_dataset": with_tensor_dataset, "index_loader": with_index_loader}[way]
    before, epoch = run(folder, clock)
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {"before_s": before, "epoch_s": epoch, "inside_s": clock.inside, "peak_mib": int(peak.split()[1]) / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    threads = options.threads
    if options.part:
        print(json.dumps(measure(options.part[0], Path(options.part[1]), threads)))
        return
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way in WAYS:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name) / "store"
                prepare_files(folder)
                command = [sys.executable, "-W", "ignore", __file__, "--threads", str(threads)]
                command += ["--part", way, str(folder)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                found[way].append(json.loads(done.stdout.splitlines()[-1]))
    measured = [
        {"way": way, **{key: statistics.median(each[key] for each in rounds) for key in rounds[0]}}
        for way, rounds in found.items()
    ]
    common = {
        "rounds": ROUNDS,
        "backbone": "stgcn",
        "nodes": NODES,
        "batch": BATCH,
        "train_windows": STEPS * BATCH,
        "val_windows": VALIDATION,
    }
    keep(RESULT, common, threads, {"machine": describe(threads), "measured": measured}, pipeline_page)


if __name__ == "__main__":
    main()
