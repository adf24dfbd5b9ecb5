"""Channel-aware low-rank adaptation, with a node for a channel and for any backbone."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stlora.rivals.inputs import InputRival


class CLoRA(InputRival):
    """``z_i = E x_i``, ``φ_i = ReLU(A_i W)``, ``x'_i = x_i + P [z_i; φ_iᵀ z_i]``: C-LoRA at the input of a backbone.

    After "Channel-Aware Low-Rank Adaptation in Time Series Forecasting" (Nie et al., CIKM 2024, arXiv 2407.17246).
    Each channel, here a node, has a low-rank factor ``A_i ∈ R^{D×r}`` of its own; with ``W ∈ R^{r×d}``, which all
    share, it makes the map φ_i from the node's token ``z_i ∈ R^D`` to d adapted features, which stand beside the token
    for the rest of the network. There the token is the network's own embedding of the window. Here the token is an
    embedding beside the backbone, and P, which starts at zero, maps both parts back to the T past values that the
    backbone reads. N · D · r + r · d + D · (T + 1) + T · (D + d) parameters.

    Args:
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        num_nodes: N.
        freeze_backbone: keep the backbone as it is.
        width: D, features of a token.
        rank: r, of a node's own factor.
        size: d, adapted features.

    Example:
        >>> from stlora.backbones import create
        >>> CLoRA(create("lstm", num_nodes=5), num_nodes=5).parameter_report().adapter
        848
    """

    method = "clora"

    def __init__(
        self,
        backbone: nn.Module,
        num_nodes: int,
        freeze_backbone: bool = True,
        width: int = 16,
        rank: int = 4,
        size: int = 8,
    ) -> None:
        super().__init__(backbone, num_nodes, freeze_backbone, width=width, rank=rank, size=size)
        self.adapter: nn.ModuleDict = nn.ModuleDict(
            {
                "token": nn.Linear(self.history, width),
                "own": _OwnMap(num_nodes, width, rank, size),
                "project": nn.Linear(width + size, self.history, bias=False),
            }
        )
        nn.init.zeros_(self.adapter["project"].weight)  # type: ignore[arg-type]

    def change(self, seen: Tensor) -> Tensor:
        """The projection of token and adapted features, ``[B, N, T]``."""
        token = self.adapter["token"](seen[..., 0].transpose(1, 2))  # [B, N, D]
        change: Tensor = self.adapter["project"](torch.cat([token, self.adapter["own"](token)], dim=-1))
        return change


class _OwnMap(nn.Module):
    """``φ_iᵀ z_i`` with ``φ_i = ReLU(A_i W)``."""

    def __init__(self, num_nodes: int, width: int, rank: int, size: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.empty(num_nodes, width, rank))
        self.shared = nn.Parameter(torch.empty(rank, size))
        nn.init.normal_(self.factor, std=1 / math.sqrt(width))
        nn.init.normal_(self.shared, std=1 / math.sqrt(rank))

    def forward(self, token: Tensor) -> Tensor:
        """``[B, N, D]`` -> ``[B, N, d]``."""
        return torch.einsum("bnw,nws->bns", token, F.relu(self.factor @ self.shared))
