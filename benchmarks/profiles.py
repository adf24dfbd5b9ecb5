"""Where a step's time goes: the operators of an adapter's step and of a backbone's, by torch's own profiler.

    python benchmarks/profiles.py

307 sensors, float32, one thread, steps as in training. Writes results/speed/profiles.json and profiles.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from measuring.machine import describe
from measuring.setting import Network, Step
from pages.speed import profiles_page
from torch.profiler import ProfilerActivity, profile

from stlora.files import write_json, write_text

RESULT = Path(__file__).parents[1] / "results" / "speed" / "profiles"
NODES, DAYS, ADAPT_BATCH, BATCH, SHOWN = 307, 8, 128, 16, 7
BACKBONES = ("stgcn", "gwnet")


def operators(step: Callable[[], None], repeats: int) -> dict[str, float]:
    """Share of the time that each operator takes by itself, the largest first, after one step to warm up."""
    step()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(repeats):
            step()
    times = {event.key: event.self_cpu_time_total for event in found.key_averages()}
    whole = sum(times.values())
    largest = sorted(times, key=lambda name: -times[name])[:SHOWN]
    return {name: times[name] / whole for name in largest}


def adapter_step(network: Network) -> Step:
    model = network.adapted("stid")
    start = torch.randint(len(network.windows), (ADAPT_BATCH,))
    x, target = network.windows.inputs(start), network.windows.scaler.transform(network.windows.targets(start))
    return Step(model.adapter.parameters(), lambda: (model.adapter.own_forecast(x),), target)


def backbone_step(network: Network, name: str) -> Step:
    backbone = network.adapted(name).backbone.train()
    start = torch.randint(len(network.windows), (BATCH,))
    x, target = network.windows.inputs(start), network.windows.scaler.transform(network.windows.targets(start))
    return Step(backbone.parameters(), lambda: (backbone(x[..., :3]),), target)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = Network(NODES, DAYS)
    measured = {"adapter": operators(adapter_step(network), 10)}
    for name in BACKBONES:
        measured[name] = operators(backbone_step(network, name), 2)
    found = {"machine": describe(1), "nodes": NODES, "adapt_batch": ADAPT_BATCH, "batch": BATCH, "measured": measured}
    write_json(RESULT.with_suffix(".json"), found)
    write_text(RESULT.with_suffix(".md"), profiles_page(found))


if __name__ == "__main__":
    main()
