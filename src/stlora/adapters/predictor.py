"""The node-specific predictor: a stack of node-adaptive layers from features to horizon steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stlora.adapters.nall import NodeAdaptiveLowRankLayer, NodeFactor
from stlora.errors import InputError


class NodeSpecificPredictor(nn.Module):
    """``H⁰ = conv(X)``, ``H^l = H^{l-1} + NALL^l(σ(H^{l-1}))``, ``Ŷ = NALL(σ(H^L))`` (ST-LoRA, section "NSP").

    The convolution of the paper has a kernel of one node over features, so it is a linear map here. The layers can be
    gone through several times, which makes a deeper predictor of the same parameters; the paper does it once.

    Args:
        num_nodes: N.
        in_features: features of a node that enter.
        horizon: H, steps that leave.
        width: features inside.
        layers: L, residual node-adaptive layers.
        passes: how often they are gone through.
        rank: rank of a node's own part of each layer.
        alpha: scale of a node's own part.
        node_factor: see :class:`NodeAdaptiveLowRankLayer`.
        dropout: share of each layer's output dropped while training.

    Example:
        >>> import torch
        >>> NodeSpecificPredictor(num_nodes=7, in_features=24, horizon=12)(torch.zeros(2, 7, 24)).shape
        torch.Size([2, 7, 12])
    """

    def __init__(
        self,
        num_nodes: int,
        in_features: int,
        horizon: int,
        width: int = 16,
        layers: int = 1,
        passes: int = 1,
        rank: int = 4,
        alpha: float = 8.0,
        node_factor: NodeFactor = "core",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_nodes = num_nodes
        self.passes = passes
        self.embed = nn.Linear(in_features, width)
        self.layers = nn.ModuleList(
            NodeAdaptiveLowRankLayer(num_nodes, width, width, rank, alpha, node_factor) for _ in range(layers)
        )
        self.head = NodeAdaptiveLowRankLayer(num_nodes, width, horizon, rank, alpha, node_factor)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """``[..., N, in_features]`` -> ``[..., N, H]``; both lie in memory features first where the input does.

        Inside, every array is ``[width, B·N]``.

        Raises:
            InputError: the last two axes are not ``[N, in_features]``.
        """
        if features.shape[-2:] != (self.num_nodes, self.embed.in_features):
            raise InputError(
                f"the predictor got shape {list(features.shape)}; expected [..., {self.num_nodes}, "
                f"{self.embed.in_features}] (nodes, features)"
            )
        columns = features.reshape(-1, features.shape[-1]).t()
        hidden = torch.addmm(self.embed.bias.unsqueeze(1), self.embed.weight, columns)
        for _ in range(self.passes):
            for layer in self.layers:
                seen = F.relu(hidden)
                if self.training and self.dropout.p:
                    hidden = hidden + self.dropout(layer.map_columns(seen))  # type: ignore[operator]
                else:
                    hidden = layer.map_columns(seen, onto=hidden)  # type: ignore[operator]
        out: Tensor = self.head.map_columns(F.relu(hidden))
        return out.t().view(*features.shape[:-1], -1)
