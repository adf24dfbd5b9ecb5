"""The node-adaptive layer against a plain linear layer and against weights of every node's own.

    python benchmarks/layer.py [--threads 2] [--only training|inference]

Forward and backward, and inference with and without folding; float32, N from 10 to 100,000. Beside them the least time
that arithmetic and memory allow, and what each part of a step takes. Writes results/speed/layer.json and layer.md; a
run with another number of threads is added to those that are there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from measuring.layer_parts import PARTS_AT, parts
from measuring.machine import describe
from measuring.roofline import copy_rate, product_rate
from measuring.threads import keep, kept
from measuring.turns import medians
from pages.layer import layer_page
from torch import Tensor, nn

from stlora import NodeAdaptiveLowRankLayer
from stlora.adapters import nall
from stlora.adapters.folding import fold

RESULT = Path(__file__).parents[1] / "results" / "speed" / "layer"
ROUNDS, ANSWERS, RANK = 7, 15, 4
IN_A_ROW = 3  # answers, so that most find the weights where the one before has left them
NODES = (10, 307, 8600, 100_000)
CASES = ((64, 20_000), (64, 100_000), (24, 20_000), (16, 20_000))  # width, N × batch; 64 windows at 307 are 19,648
ANSWERED = ((10, 1), (10, 64), (60, 1), (60, 64), (120, 1), (307, 1), (307, 64), (8600, 1), (8600, 8), (100_000, 1))
FACTORS = ("core", "diagonal", "none", "full")
MOST_NUMBERS = 5e7  # of a layer's parameters; larger ones are counted and not run


class OwnWeights(nn.Module):
    """A full weight ``[N, out, in]`` and a bias of every node's own."""

    def __init__(self, nodes: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(nodes, width, width) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(nodes, width))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("...ni,noi->...no", x, self.weight) + self.bias


class Pass:
    """Forward and backward of a layer, which can be repeated."""

    def __init__(self, layer: nn.Module, x: Tensor) -> None:
        self.layer, self.x, self.gradient = layer, x, torch.randn_like(x)

    def __call__(self) -> None:
        self.layer.zero_grad()
        self.x.grad = None
        self.layer(self.x).backward(self.gradient)


class Answer:
    """Forward passes without gradients, one after the other."""

    def __init__(self, layer: nn.Module, x: Tensor) -> None:
        self.layer, self.x = layer.eval(), x

    @torch.inference_mode()
    def __call__(self) -> None:
        for _ in range(IN_A_ROW):
            self.layer(self.x)


def numbers(nodes: int, width: int) -> dict[str, int]:
    """How many parameters each form has."""
    shared, map_ = width * width + width, 2 * RANK * width
    return {
        "linear": shared,
        "core": shared + map_ + nodes * RANK**2,
        "diagonal": shared + map_ + nodes * RANK,
        "none": shared + map_,
        "full": shared + RANK * width + nodes * RANK * width,
        "own": nodes * shared,
    }


def build(form: str, nodes: int, width: int) -> nn.Module:
    if form == "linear":
        return nn.Linear(width, width)
    if form == "own":
        return OwnWeights(nodes, width)
    layer = NodeAdaptiveLowRankLayer(nodes, width, width, RANK, node_factor=form)
    nn.init.normal_(layer.lora_B)
    return layer


def forms(nodes: int, width: int, device: torch.device) -> dict[str, nn.Module]:
    counted = numbers(nodes, width)
    built = {form: build(form, nodes, width).to(device) for form in counted if counted[form] <= MOST_NUMBERS}
    for form, layer in built.items():
        assert sum(parameter.numel() for parameter in layer.parameters()) == counted[form]
    return built


def floors(nodes: int, width: int, batch: int, flops: float) -> dict[str, dict[str, float]]:
    """Seconds that forward and backward need at least: three products of each map; every array once each way."""
    rows = batch * nodes
    bandwidth = copy_rate(rows * width)
    found = {}
    for form, own in (("linear", 0), ("core", 2 * RANK * width + RANK**2)):
        read = 3 * numbers(nodes, width)[form]  # forward and backward, and gradients written
        found[form] = {
            "arithmetic": 6 * rows * (width * width + own) / flops,
            "memory": 4 * (5 * rows * width + read) / bandwidth,  # x, y; x, the gradient of y and that of x
        }
    return found


def trained(nodes: int, width: int, rows: int, device: torch.device, flops: float) -> dict[str, object]:
    torch.manual_seed(0)
    batch = max(1, rows // nodes)
    x = torch.randn(batch, nodes, width, device=device, requires_grad=True)
    took = medians({form: Pass(layer, x) for form, layer in forms(nodes, width, device).items()}, ROUNDS)
    memory = {form: 2 * 4 * count / 2**20 for form, count in numbers(nodes, width).items()}  # and gradients
    floor = floors(nodes, width, batch, flops) if device.type == "cpu" else {}
    return {"nodes": nodes, "width": width, "batch": batch, "seconds": took, "memory_mib": memory, "floor_s": floor}


def answered(nodes: int, width: int, batch: int, device: torch.device) -> dict[str, object]:
    torch.manual_seed(0)
    x = torch.randn(batch, nodes, width, device=device)
    built = forms(nodes, width, device)
    rule = nall.MOST_NODES_WITH_WEIGHTS
    for name, most in (("factors", 0), ("weights", nodes)):
        if name == "factors" or "own" in built:
            nall.MOST_NODES_WITH_WEIGHTS = most
            built[name] = fold(build("core", nodes, width).to(device).eval())
    nall.MOST_NODES_WITH_WEIGHTS = rule
    took = medians({form: Answer(layer, x) for form, layer in built.items()}, ANSWERS)
    took = {form: seconds / IN_A_ROW for form, seconds in took.items()}
    chosen = "weights" if nodes <= rule else "factors"
    return {"nodes": nodes, "width": width, "batch": batch, "seconds": took, "chosen": chosen}


def measure(what: str, device: torch.device) -> dict[str, object]:
    if what == "inference":
        return {"answered": [answered(nodes, width, batch, device) for width in (64, 16) for nodes, batch in ANSWERED]}
    flops = product_rate()
    return {
        "product_rate": flops,
        "trained": [trained(nodes, width, rows, device, flops) for width, rows in CASES for nodes in NODES],
        "parts": {str(width): parts(width, RANK, ROUNDS) for width in (64, 16)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=("training", "inference"), help="measure one and keep the other as it is")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run = kept(RESULT, options.threads) | {"machine": describe(options.threads), "device": device.type}
    for what in ("training", "inference") if options.only is None else (options.only,):
        run |= measure(what, device)
    common = {"rank": RANK, "rounds": ROUNDS, "answer_rounds": ANSWERS, "in_a_row": IN_A_ROW, "parts_at": PARTS_AT}
    keep(RESULT, common, options.threads, run, layer_page)


if __name__ == "__main__":
    main()
