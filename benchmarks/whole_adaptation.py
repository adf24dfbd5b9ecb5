"""The whole of ``adapt`` by the clock, on all cores: the first adapter behind a backbone, and a second one.

    python benchmarks/whole_adaptation.py

An STGCN of 307 simulated sensors, about 10,000 training windows, the default 20 epochs. Writes
results/speed/whole_adaptation.json and whole_adaptation.md.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import torch
from measuring.machine import describe
from pages.speed import whole_adaptation_page

from stlora.data import simulate
from stlora.files import write_json, write_text
from stlora.training import AdaptConfig, FitConfig, adapt, fit
from stlora.training.adaptation import open_run

RESULT = Path(__file__).parents[1] / "results" / "speed" / "whole_adaptation"
NODES, DAYS = 307, 50


def main() -> None:
    threads = os.cpu_count() or 1
    torch.set_num_threads(threads)
    network = simulate(num_nodes=NODES, days=DAYS, interval="5min", missing=0.02, seed=0).series
    seconds: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone = fit(
            FitConfig(data="simulated", backbone="stgcn", out=str(folder / "alone"), epochs=1, train_fraction=0.02),
            network,
        )
        split = open_run(alone.record(), network).split
        for which in ("first", "second"):
            started = time.perf_counter()
            run = adapt(AdaptConfig(run=str(alone.folder), out=str(folder / which)), network)
            whole = time.perf_counter() - started
            seconds[which] = {"whole": whole, "test": run.metrics["seconds"]["evaluate"]}
    windows = {name: len(getattr(split, name)) for name in ("train", "val", "test")}
    found = {"machine": describe(threads), "nodes": NODES, "windows": windows, "seconds": seconds}
    write_json(RESULT.with_suffix(".json"), found)
    write_text(RESULT.with_suffix(".md"), whole_adaptation_page(found))


if __name__ == "__main__":
    main()
