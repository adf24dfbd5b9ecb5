"""The whole of ``adapt`` by the clock, on all cores: the first adapter behind a backbone, and a second one.

    python benchmarks/whole_adaptation.py

An STGCN of 307 simulated sensors, about 10,000 training windows, the default 20 epochs; medians of three rounds. Writes
results/speed/whole_adaptation.json and whole_adaptation.md; what another processor took stays beside it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import torch
from measuring.machine import describe
from pages.speed import whole_adaptation_page

from stlora.data import simulate
from stlora.files import read_json, write_json, write_text
from stlora.training import AdaptConfig, FitConfig, adapt, fit
from stlora.training.prepare import open_run

RESULT = Path(__file__).parents[1] / "results" / "speed" / "whole_adaptation"
NODES, DAYS, ROUNDS = 307, 50, 3


def main() -> None:
    threads = os.cpu_count() or 1
    torch.set_num_threads(threads)
    network = simulate(num_nodes=NODES, days=DAYS, interval="5min", missing=0.02, seed=0).series
    rounds: dict[str, list[dict[str, float]]] = {"first": [], "second": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone = fit(
            FitConfig(data="simulated", backbone="stgcn", out=str(folder / "alone"), epochs=1, train_fraction=0.02),
            network,
        )
        split = open_run(alone.record(), network).split
        for turn in range(ROUNDS):
            backbone = folder / str(turn)  # for which nothing is kept yet
            shutil.copytree(alone.folder, backbone)
            for which, taken in rounds.items():
                started = time.perf_counter()
                adapted = adapt(AdaptConfig(run=str(backbone), out=str(folder / f"{which}-{turn}")), network)
                whole = time.perf_counter() - started
                taken.append({"whole": whole, "test": adapted.metrics["seconds"]["evaluate"]})
                print(which, taken[-1], flush=True)
    run = {
        "machine": describe(threads),
        "rounds": ROUNDS,
        "windows": {name: len(getattr(split, name)) for name in ("train", "val", "test")},
        "seconds": {
            which: {part: statistics.median(each[part] for each in taken) for part in ("whole", "test")}
            for which, taken in rounds.items()
        },
    }
    before = read_json(RESULT.with_suffix(".json"))["runs"] if RESULT.with_suffix(".json").exists() else []
    others = [each for each in before if each["machine"] != run["machine"]]
    found = {"nodes": NODES, "runs": [*others, run]}
    write_json(RESULT.with_suffix(".json"), found)
    write_text(RESULT.with_suffix(".md"), whole_adaptation_page(found))


if __name__ == "__main__":
    main()
