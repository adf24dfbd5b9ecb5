"""How many windows a processor should forecast at once, for the rule of ``stlora.training.batches``.

    python benchmarks/at_once.py [--threads 2]

Forecasts of simulated networks without gradients, float32; sizes of a batch take turns. Beside the time of a window
stand the pages of memory that the system hands out for it. Writes results/speed/at_once.json and at_once.md; a run
with another number of threads is added to those that are there.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from measuring.machine import describe
from measuring.setting import Network
from measuring.threads import keep
from measuring.turns import medians
from pages.speed import at_once_page

from stlora import backbones
from stlora.training.batches import NODES_AT_ONCE, windows_at_once

RESULT = Path(__file__).parents[1] / "results" / "speed" / "at_once"
ROUNDS, DAYS, MOST = 5, 2, 64
SIZES = (4, 8, 16, 32, MOST)
NETWORKS = {60: ("lstm", "stgcn", "gwnet", "agcrn", "stid"), 307: ("lstm", "stgcn", "gwnet", "agcrn", "stid")}


@torch.inference_mode()
def forecast(model: torch.nn.Module, x: torch.Tensor, size: int) -> None:
    for part in x.split(size):
        model(part)


def pages(step: Callable[[], object]) -> int:
    """Of memory, handed out while a step runs."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    measured = []
    for nodes, names in NETWORKS.items():
        network = Network(nodes, DAYS)
        x = network.windows.inputs(torch.arange(MOST))
        for name in names:
            torch.manual_seed(0)
            model = backbones.create(name, nodes, network.graph).eval()
            steps = {str(size): partial(forecast, model, x[..., :3].contiguous(), size) for size in SIZES}
            entry = {
                "nodes": nodes,
                "backbone": name,
                "at_once": windows_at_once(MOST, nodes, x.device),
                "window_s": {size: each / MOST for size, each in medians(steps, ROUNDS).items()},
                "pages": {size: pages(step) / MOST for size, step in steps.items()},
            }
            print(entry, flush=True)
            measured.append(entry)
    common = {"rounds": ROUNDS, "most": MOST, "nodes_at_once": NODES_AT_ONCE}
    keep(RESULT, common, threads, {"machine": describe(threads), "measured": measured}, at_once_page)


if __name__ == "__main__":
    main()
