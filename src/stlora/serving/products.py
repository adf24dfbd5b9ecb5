"""What ONNX has no operator for, in a form that it has: sums over named rows, and running extremes."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from stlora.adapters.neighbours import Neighbours
from stlora.backbones.product import FixedProduct


def without_bags(network: nn.Module) -> nn.Module:
    """A copy of a network whose sparse sums are dense products and gathered sums; its answers are the same.

    Example:
        >>> sparse = nn.Sequential(FixedProduct(torch.eye(20) * 3))
        >>> without_bags(sparse)(torch.ones(20, 1)).flatten().tolist() == [3.0] * 20
        True
    """
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, FixedProduct):
                setattr(parent, name, _Dense(child(torch.eye(child.shape[1]))))
            elif isinstance(child, Neighbours):
                setattr(parent, name, _Gathered(child))
    return network


def running(larger: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, int], tuple[Tensor, Tensor]]:
    """``cummax`` or ``cummin`` step by step, for the few steps of a history; where they lie is not found.

    Example:
        >>> running(torch.maximum)(torch.tensor([2, 1, 3]), 0)[0].tolist()
        [2, 2, 3]
    """

    def extremes(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        found: list[Tensor] = []
        for step in x.unbind(dim):
            found.append(larger(found[-1], step) if found else step)
        values = torch.stack(found, dim)
        return values, torch.zeros_like(values, dtype=torch.long)

    return extremes


class _Dense(nn.Module):
    """``A x``, zeros included."""

    matrix: Tensor

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)

    def forward(self, x: Tensor) -> Tensor:
        return self.matrix @ x


class _Gathered(nn.Module):
    """The weighted departures of the neighbours, ``[..., N]`` to ``[2, ..., N]``, each taken by its index."""

    index: Tensor
    weight: Tensor

    def __init__(self, neighbours: Neighbours) -> None:
        super().__init__()
        self.register_buffer("index", neighbours.index)
        self.register_buffer("weight", neighbours.weight)

    def forward(self, departures: Tensor) -> Tensor:
        taken = departures[..., self.index] * self.weight  # [..., 2, N, k]
        return taken.sum(dim=-1).movedim(-2, 0)
