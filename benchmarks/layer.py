"""The node-adaptive layer against a plain linear layer and against weights of every node's own.

    python benchmarks/layer.py

Forward and backward, float32, one thread, N from 10 to 100,000 with N × batch about constant. Writes
results/speed/layer.json and layer.md.
"""

from __future__ import annotations

from pathlib import Path

import torch
from machine import describe
from speed_tables import layer_page
from torch import Tensor, nn
from turns import medians

from stlora import NodeAdaptiveLowRankLayer
from stlora.files import write_json, write_text

RESULT = Path(__file__).parents[1] / "results" / "speed" / "layer"
ROUNDS, RANK = 7, 4
NODES = (10, 307, 8600, 100_000)
CASES = ((64, 20_000), (64, 100_000), (16, 20_000))  # width, N × batch; 64 samples of 307 nodes are 19,648
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


def measure(nodes: int, width: int, rows: int, device: torch.device) -> dict[str, object]:
    torch.manual_seed(0)
    batch = max(1, rows // nodes)
    x = torch.randn(batch, nodes, width, device=device, requires_grad=True)
    counted = numbers(nodes, width)
    passes = {}
    for form in ("linear", *FACTORS, "own"):
        if counted[form] <= MOST_NUMBERS:
            layer = build(form, nodes, width).to(device)
            assert sum(parameter.numel() for parameter in layer.parameters()) == counted[form]
            passes[form] = Pass(layer, x)
    memory = {form: 2 * 4 * count / 2**20 for form, count in counted.items()}  # parameters and gradients
    return {"nodes": nodes, "width": width, "batch": batch, "seconds": medians(passes, ROUNDS), "memory_mib": memory}


def main() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(1)
    found = {"rank": RANK, "rounds": ROUNDS, "machine": describe(1), "device": device.type}
    found["measured"] = [measure(nodes, width, rows, device) for width, rows in CASES for nodes in NODES]
    write_json(RESULT.with_suffix(".json"), found)
    write_text(RESULT.with_suffix(".md"), layer_page(found))


if __name__ == "__main__":
    main()
