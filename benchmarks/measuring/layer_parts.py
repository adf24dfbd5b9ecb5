"""What each part of a step of the node-adaptive layer takes: a plain layer's products, and those of the nodes' own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from measuring.turns import medians

PARTS_AT = {"nodes": 307, "batch": 65}


def parts(width: int, rank: int, rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of each part with factor ``core``: of a plain layer, of the nodes' own, and of copying the input."""
    nodes, batch = PARTS_AT["nodes"], PARTS_AT["batch"]
    x, gradient, answer = (torch.randn(nodes * batch, width) for _ in range(3))
    weight, bias = torch.randn(width, width), torch.randn(width)
    down, left = torch.randn(rank, width), torch.randn(rank, width)
    core, thin = torch.randn(rank, rank, nodes), torch.randn(rank, nodes * batch)
    columns = thin.view(rank, batch, nodes)
    plain: dict[str, Callable[[], Tensor]] = {
        "x Wᵀ + b": lambda: torch.addmm(bias, x, weight.t()),
        "gradient of x: g W": lambda: gradient @ weight,
        "gradient of W: gᵀ x": lambda: gradient.t() @ x,
        "gradient of b: Σ g": lambda: gradient.sum(0),
    }
    own: dict[str, Callable[[], Tensor]] = {
        "p = A xᵀ": lambda: down @ x.t(),
        "q = C_i p": lambda: _on_columns(core, columns),
        "y += qᵀ B'ᵀ": lambda: answer.addmm_(thin.t(), left),
        "gradient of q: B'ᵀ gᵀ": lambda: left @ gradient.t(),
        "gradient of B': q g": lambda: thin @ gradient,
        "gradient of p: C_iᵀ": lambda: _on_columns(core, columns),
        "gradient of C_i": lambda: torch.stack([(columns * each).sum(1) for each in columns]),
        "gradient of A": lambda: thin @ x,
        "gradient of x: from p": lambda: thin.t() @ down,
        "gradient of x: the sum": lambda: answer.add_(gradient),
    }
    return {
        "plain": medians(plain, rounds),
        "own": medians(own, rounds),
        "copy": medians({"x": lambda: answer.copy_(x)}, rounds),
    }


def _on_columns(core: Tensor, columns: Tensor) -> Tensor:
    answer = core[:, 0, None] * columns[0]
    for each, column in zip(core.unbind(1)[1:], columns[1:], strict=True):
        answer.addcmul_(each.unsqueeze(1), column)
    return answer
