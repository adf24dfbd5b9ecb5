"""What ST-LoRA adds to a training step and to a forecast of every backbone.

    python benchmarks/wrapper.py                       # all
    python benchmarks/wrapper.py --models gwnet,agcrn  # these two; the others' numbers stay
    python benchmarks/wrapper.py --threads 2           # beside what one thread took

N = 307, simulated, joint training with the default adapter, float32. Writes results/speed/wrapper.json and wrapper.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from measuring.machine import describe
from measuring.setting import Network, Step
from measuring.threads import keep, kept
from measuring.turns import medians
from pages.speed import wrapper_page

RESULT = Path(__file__).parents[1] / "results" / "speed" / "wrapper"
NODES = 307
MODELS = {"lstm": 64, "stgcn": 64, "gwnet": 64, "agcrn": 64, "staeformer": 16, "d2stgnn": 16, "stid": 64, "dcrnn": 16}


def measure(network: Network, name: str, rounds: int) -> dict[str, object]:
    torch.manual_seed(0)
    model, batch = network.adapted(name), MODELS[name]
    start = torch.randint(len(network.windows), (batch,))
    x, target = network.windows.inputs(start), network.windows.scaler.transform(network.windows.targets(start))
    training = {
        "backbone": Step(model.backbone.parameters(), lambda: (model.backbone_forecast(x),), target),
        "adapted": Step(model.parameters(), lambda: model.learned(x, model.backbone_forecast(x)), target),
    }
    kept = torch.zeros_like(target)
    part = {"part": Step(model.adapter.parameters(), lambda: (model.adapter.own_forecast(x),), target)}
    model.train()
    found = {"training": medians(training, rounds) | medians(part, 5)}
    model.eval()
    with torch.inference_mode():
        answers = {"backbone": lambda: model.backbone_forecast(x), "adapted": lambda: model(x)}
        found["inference"] = medians(answers, rounds) | medians({"part": lambda: model.correct(x, kept)}, 5)
    return {"batch": batch, "rounds": rounds, "machine": describe(torch.get_num_threads()), **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS), help="measure these; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts; default: 3")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    network = Network(NODES, days=8)
    for name in options.models.split(","):
        run = kept(RESULT, options.threads) | {name: measure(network, name, options.rounds)}
        run = {each: run[each] for each in MODELS if each in run}
        keep(RESULT, {}, options.threads, run, wrapper_page)
        print(name, run[name], flush=True)


if __name__ == "__main__":
    main()
