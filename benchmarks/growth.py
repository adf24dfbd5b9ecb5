"""How the adapter's time and memory grow with nodes, history, batch and rank.

    python benchmarks/growth.py [--threads 2]

The adapter alone, random histories, float32. Writes results/speed/growth.json and growth.md; a run with another number
of threads is added to those that are there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from measuring.machine import describe
from measuring.setting import Step
from measuring.threads import keep
from measuring.turns import medians, seconds
from pages.speed import growth_page
from torch import Tensor, nn

from stlora.adapters.config import STLoRAConfig
from stlora.adapters.fusion import ShareFusion
from stlora.adapters.neighbours import Neighbours

RESULT = Path(__file__).parents[1] / "results" / "speed" / "growth"
BASE = {"nodes": 1000, "history": 12, "batch": 8, "rank": 4}
GROWN = {
    "nodes": (100, 1000, 10_000, 100_000),
    "history": (12, 24, 48, 96),
    "batch": (2, 8, 32),
    "rank": (2, 4, 8, 16),
}
MEASURING, STEPS, ROUNDS = (500, 1000, 2000, 4000), 2016, 3  # nodes whose neighbours are found over a week


def measure(nodes: int, history: int, batch: int, rank: int) -> dict[str, float]:
    torch.manual_seed(0)
    adapter = ShareFusion(STLoRAConfig(rank=rank), nodes, history, horizon=12)
    nn.init.constant_(adapter.share, 0.5)
    for neighbours in (module for module in adapter.modules() if isinstance(module, Neighbours)):
        neighbours.index.random_(nodes)
        neighbours.weight.normal_()
    x, target = torch.rand(batch, history, nodes, 4), torch.randn(batch, 12, nodes, 1)
    step = Step(adapter.parameters(), lambda: (adapter.own_forecast(x),), target)
    held = held_for_backward(step)
    found = medians({"fit": step, "forecast": lambda: _forecast(adapter, x, target)}, ROUNDS)
    sizes = sum(each.nbytes for each in (*adapter.parameters(), *adapter.parameters(), *adapter.buffers()))
    return {"fit_s": found["fit"], "forecast_s": found["forecast"], "held_mib": held, "state_mib": sizes / 2**20}


def _forecast(adapter: ShareFusion, x: Tensor, forecast: Tensor) -> None:
    with torch.inference_mode():
        adapter(x, forecast)


def held_for_backward(step: Callable[[], None]) -> float:
    """MiB of the tensors that a step keeps from forward to backward."""
    held: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        step()
    return sum(held.values()) / 2**20


def measure_neighbours(nodes: int) -> float:
    neighbours, departures = Neighbours(nodes, count=8), torch.randn(STEPS, nodes)
    return seconds(lambda: neighbours.fit(departures, lag=6))


def exponent(sizes: list[int], values: list[float]) -> float:
    """Of size ** exponent, by least squares of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    run: dict[str, object] = {"machine": describe(threads)}
    for name, sizes in GROWN.items():
        base = {**BASE, "batch": 1} if name == "nodes" else BASE
        rows = [{"size": size, **measure(**{**base, name: size})} for size in sizes]
        large = rows[1:] if name == "nodes" else rows  # at 100 nodes a call costs more than its work
        run[name] = {
            "base": base,
            "rows": rows,
            "exponents": {
                key: exponent([row["size"] for row in large], [row[key] for row in large])
                for key in ("fit_s", "forecast_s", "held_mib", "state_mib")
            },
        }
        print(name, run[name], flush=True)
    times = [measure_neighbours(nodes) for nodes in MEASURING]
    run["neighbours"] = {"nodes": MEASURING, "seconds": times, "exponent": exponent(MEASURING, times)}
    keep(RESULT, {"rounds": ROUNDS, "base": BASE, "steps": STEPS}, threads, run, growth_page)


if __name__ == "__main__":
    main()
