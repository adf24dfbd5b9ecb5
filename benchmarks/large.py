"""Networks of many sensors: a real fit, a real adaptation, and the search for neighbours.

    python benchmarks/large.py stgcn       # 8,600 nodes; gwnet too
    python benchmarks/large.py stid        # 100,000 nodes
    python benchmarks/large.py learned     # one step of Graph WaveNet with its learned support, 8,600 nodes
    python benchmarks/large.py neighbours
    python benchmarks/large.py recall
    python benchmarks/large.py adapter     # alone, on random histories
    python benchmarks/large.py all         # one after the other

Simulated networks of eight hours in steps of 15 minutes, float32, one thread, processor time. Writes
results/speed/large.json and large.md; numbers of other parts stay.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import growth
import torch
from measuring.machine import describe
from measuring.setting import Network, Step
from measuring.turns import seconds
from pages.large import large_page

from stlora import backbones
from stlora.adapters import neighbours as search
from stlora.adapters.config import STLoRAConfig
from stlora.adapters.fusion import ShareFusion
from stlora.adapters.neighbours import Neighbours
from stlora.adapters.typical_day import TypicalDay
from stlora.data import simulate
from stlora.data.simulation.store import simulate_store
from stlora.data.store import write_store
from stlora.files import read_json, write_json, write_text
from stlora.training import AdaptConfig, FitConfig, Run, adapt, fit
from stlora.training.resources import PeakMemory

RESULT = Path(__file__).parents[1] / "results" / "speed" / "large"
END = "2024-01-01 07:45"  # 32 steps, nine windows
RUNS: dict[str, dict[str, Any]] = {
    "stgcn": {"nodes": 8600, "batch_size": 2},
    "gwnet": {"nodes": 8600, "batch_size": 2, "backbone_options": {"rank": 0}},
    "stid": {"nodes": 100_000, "batch_size": 2},
}
ADAPTER = {8600: {}, 100_000: {"neighbours": 0}}  # the search for them is measured by itself
ADAPT_BATCH = {8600: 16, 100_000: 2}
SEARCHED, STEPS, WANTED = (8600, 12_500, 25_000), 2016, 100_000
COMPARED = 1000  # nodes over which a draw of the steps is compared with all of them


def run(name: str) -> dict[str, Any]:
    """A fit and an adaptation of one epoch."""
    options = dict(RUNS[name])
    nodes = options.pop("nodes")
    with TemporaryDirectory() as folder:
        data = f"{folder}/data"
        if nodes > 10_000:  # a dense graph would take 40 GB
            simulate_store(data, nodes, 1, "15min", missing=0.02)
        else:
            write_store(simulate(nodes, 1, missing=0.02).series, data)
        shared: dict[str, Any] = {"epochs": 1, "device": "cpu"}
        fitted = fit(FitConfig(data=data, end=END, backbone=name, out=f"{folder}/fit", **shared, **options))
        print(fitted.metrics["seconds"], fitted.metrics["memory"], flush=True)
        batch = ADAPT_BATCH[nodes]
        adapted = adapt(
            AdaptConfig(
                run=str(fitted.folder),
                out=f"{folder}/adapt",
                batch_size=batch,
                adapter_options=ADAPTER[nodes],
                **shared,
            )
        )
        print(adapted.metrics["seconds"], adapted.metrics["memory"], flush=True)
        return {
            "nodes": nodes,
            "batch": options["batch_size"],
            "adapt_batch": batch,
            "fit": _facts(fitted),
            "adapt": _facts(adapted),
        }


def _facts(run: Run) -> dict[str, Any]:
    metrics = run.metrics
    return {
        **{name: metrics[name] for name in ("parameters", "measured", "seconds", "memory")},
        "epoch_s": float((run.folder / "log.csv").read_text().splitlines()[1].split(",")[-1]),
        "mae": metrics["average"]["mae"],
    }


def learned() -> dict[str, Any]:
    """A step of one window with the dense learned support, and its memory."""
    network = Network(8600, days=1)
    memory = PeakMemory()
    model = backbones.create("gwnet", 8600, network.graph)
    start = torch.tensor([0])
    x, target = network.windows.inputs(start)[..., :3], network.windows.targets(start)
    step = Step(model.parameters(), lambda: (model(x),), target)
    return {"nodes": 8600, "step_s": seconds(step), "memory": memory.report()}


def neighbours() -> dict[str, Any]:
    times, resident = [], []
    for nodes in SEARCHED:
        departures, memory = torch.randn(STEPS, nodes), PeakMemory()
        each = Neighbours(nodes, count=8)
        times.append(seconds(lambda each=each, departures=departures: each.fit(departures, lag=6)))
        resident.append(memory.report()["resident_mb"])
        print(nodes, times[-1], resident[-1], flush=True)
    drawn = [(nodes, time) for nodes, time in zip(SEARCHED, times, strict=True) if nodes > search.MANY]
    power = growth.exponent(*map(list, zip(*drawn, strict=True)))
    return {
        "nodes": SEARCHED,
        "steps": STEPS,
        "moments": search.MOMENTS,
        "seconds": times,
        "resident_mb": resident,
        "exponent": power,
        "wanted": WANTED,
        "wanted_s": times[-1] * (WANTED / SEARCHED[-1]) ** 2,
    }


def recall() -> dict[str, Any]:
    """How strong, over all steps, the neighbours are that a draw of the steps finds, beside the strongest."""
    network = Network(COMPARED, days=42)
    day = TypicalDay(COMPARED, harmonics=8)
    day.fit(network.values, network.clock)
    departures = network.values - day(network.clock)
    every, drawn = Neighbours(COMPARED, count=COMPARED - 1), Neighbours(COMPARED, count=8)
    every.fit(departures, lag=6)
    search.MANY = COMPARED - 1
    drawn.fit(departures, lag=6)
    strength = torch.zeros(2, COMPARED, COMPARED).scatter_(2, every.index, every.weight.abs())
    best, found = strength.topk(8).values.sum(dim=(1, 2)), strength.gather(2, drawn.index).sum(dim=(1, 2))
    return {
        "nodes": COMPARED,
        "steps": len(departures),
        "moments": search.MOMENTS,
        "found": (found / best).tolist(),
        "any": (8 * strength.mean(dim=2).sum(dim=1) / best).tolist(),
    }


def adapter() -> dict[str, Any]:
    """A step and a forecast of one window of the adapter alone."""
    rows = []
    for nodes in (10_000, 100_000):
        memory = PeakMemory()
        found = growth.measure(nodes, history=12, batch=1, rank=4)
        sizes = {"parameters": parameters(nodes), "resident_mb": memory.report()["resident_mb"]}
        rows.append({"nodes": nodes, **sizes, **found})
        print(rows[-1], flush=True)
    return {"rows": rows, "rounds": growth.ROUNDS}


def parameters(nodes: int) -> int:
    return sum(each.numel() for each in ShareFusion(STLoRAConfig(), nodes, 12, 12).parameters())


def main() -> None:
    parts = {"learned": learned, "neighbours": neighbours, "recall": recall, "adapter": adapter}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=(*RUNS, *parts, "all"))
    part = parser.parse_args().part
    if part == "all":  # each in a process of its own, whose peak of memory is its own
        for each in (*RUNS, *parts):
            subprocess.run([sys.executable, __file__, each], check=True)
        return
    torch.set_num_threads(1)
    time.perf_counter = time.process_time  # what a run says of its seconds is then processor time
    measured = run(part) if part in RUNS else parts[part]()
    kept = RESULT.with_suffix(".json")
    found = read_json(kept) if kept.exists() else {}
    found[part] = {"machine": describe(1), **measured}
    write_json(kept, found)
    write_text(RESULT.with_suffix(".md"), large_page(found))
    print(part, found[part], flush=True)


if __name__ == "__main__":
    main()
