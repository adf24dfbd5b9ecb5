"""The backbones beside the numbers that their published implementations gave: a table for results/parity.md.

    python benchmarks/parity.py

Reads the numbers that the tests read (tests/backbones/parity), with the recipe of the tests: 20 nodes on a ring, two
samples, parameters and inputs in closed form. Some seconds.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import torch
from measuring import published
from torch import Tensor, nn

from stlora import backbones
from stlora.files import write_text

RESULT = Path(__file__).parents[1] / "results" / "parity.md"
NODES = (20, 207, 307)
READS_CLOCK = ("staeformer", "d2stgnn", "stid")  # these take the stored day d / 7, the recipe of the others is d
QUANTITIES = ("outputs", "mean and spread", "loss", "gradient norm", "each gradient norm")
TEXT = """\
# Parity with the published implementations

`python benchmarks/parity.py`, float32, torch {torch}. Largest relative difference of what a backbone computes and what
its published implementation computed with the same parameters on the same inputs: the outputs of two nodes in
evaluation mode (relative to the largest of them), mean and standard deviation of all outputs, and, in training mode
without dropout, the mean absolute error, the norm of all gradients and the norm of the gradient of each parameter
tensor (of those above 1e-7 of the whole). For DCRNN only outputs were recorded.

{differences}

## Trainable parameters

Here and, in brackets, of the published implementation. The difference are tensors that are registered there and never
reach the output; the pages of the backbones name them.

{counts}
"""


def main() -> None:
    differences = [_row("model", *QUANTITIES), "|" + "---|" * (1 + len(QUANTITIES))]
    counts = [_row("model", *(f"N = {nodes}" for nodes in NODES)), "|" + "---|" * (1 + len(NODES))]
    for model in backbones.names():
        found = compare(model)
        differences.append(_row(model, *(f"{found[key]:.0e}" if key in found else "–" for key in QUANTITIES)))
        counts.append(_row(model, *(count(model, nodes) for nodes in NODES)))
    text = TEXT.format(torch=torch.__version__, differences="\n".join(differences), counts="\n".join(counts))
    print(text)
    write_text(RESULT, text)


def compare(model: str) -> dict[str, float]:
    """The largest relative difference of each quantity."""
    recipe = published.load("conftest").Parity()
    expected = recipe.expected(model)
    parameters = recipe.published_parameters(model)
    module = _filled(model, recipe.num_nodes, recipe.ring(), published.as_ours(model, parameters))
    x = recipe.inputs(1 / 7 if model in READS_CLOCK else 1.0)
    with torch.no_grad():
        out = module.eval()(x)
    ours = torch.cat([out[0, :, 0, 0], out[1, :, 7, 0]])
    theirs = torch.tensor(expected["eval"]["b0_n0"] + expected["eval"]["b1_n7"])
    spread = {"mean": out.mean().item(), "absmean": out.abs().mean().item(), "std": out.std().item()}
    found = {
        "outputs": ((ours - theirs).abs().max() / theirs.abs().max()).item(),
        "mean and spread": max(
            _relative(spread[key], expected["eval"][key]) for key in spread.keys() & expected["eval"].keys()
        ),
    }
    return found | (_compare_training(recipe, model, module, x, parameters) if "train" in expected else {})


def _compare_training(recipe: object, model: str, module: nn.Module, x: Tensor, parameters: dict[str, Tensor]) -> dict:
    expected = recipe.expected(model)["train"]
    loss = (module.train()(x) - recipe.target()).abs().mean()
    loss.backward()
    ours = dict(module.named_parameters())
    mapped = published.as_ours(model, parameters)
    torch.autograd.backward([mapped[name] for name in ours], [p.grad for p in ours.values()])
    norms = {name: p.grad.norm().item() for name, p in parameters.items() if p.grad is not None}
    total = torch.tensor(list(norms.values()), dtype=torch.float64).norm().item()
    large = {name: norm for name, norm in expected["grad_norms"].items() if norm > 1e-7 * expected["total_norm"]}
    return {
        "loss": _relative(loss.item(), expected["loss"]),
        "gradient norm": _relative(total, expected["total_norm"]),
        "each gradient norm": max(_relative(norms[name], norm) for name, norm in large.items()),
    }


def count(model: str, num_nodes: int) -> str:
    """Our trainable parameters and the published ones, which must differ by what is left out here."""
    module = backbones.create(model, num_nodes, torch.eye(num_nodes))
    ours = sum(p.numel() for p in module.parameters())
    theirs = sum(map(prod, published.shapes(model, num_nodes).values()))
    assert ours + module.unused_published_parameters == theirs
    return f"{ours:,}" if ours == theirs else f"{ours:,} ({theirs:,})"


def _filled(model: str, num_nodes: int, graph: Tensor, parameters: dict[str, Tensor]) -> nn.Module:
    options = {"dropout": 0.0} if backbones.takes(model, "dropout") else {}
    module = backbones.create(model, num_nodes, graph, **options)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(parameters[name])
    return module


def _relative(found: float, expected: float) -> float:
    return abs(found - expected) / abs(expected)


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()
