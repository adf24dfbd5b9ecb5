"""A linear head of each node's own, from its history and its forecast to a correction."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stlora.rivals.base import Rival


class NodeHead(Rival):
    """``Y'_i = Y_i + W_i [x_i; Y_i] + b_i``: a linear model of each node alone, with all the weights that takes.

    ``x_i`` are the T past values of node i and ``Y_i`` its H forecasts, in scaled units. ``W_i`` and ``b_i`` start
    at zero: N · H · (T + H + 1) parameters, the most that any method here gives to a node.

    Args:
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        num_nodes: N.
        freeze_backbone: keep the backbone as it is.

    Example:
        >>> from stlora.backbones import create
        >>> NodeHead(create("lstm", num_nodes=5), num_nodes=5).parameter_report().adapter
        1500
    """

    method = "node_head"

    def __init__(self, backbone: nn.Module, num_nodes: int, freeze_backbone: bool = True) -> None:
        super().__init__(backbone, num_nodes, freeze_backbone)
        seen = self.history + self.horizon
        self.adapter: nn.ParameterDict = nn.ParameterDict(
            {
                "weight": nn.Parameter(torch.zeros(num_nodes, self.horizon, seen)),
                "bias": nn.Parameter(torch.zeros(num_nodes, self.horizon)),
            }
        )

    def correct(self, x: Tensor, forecast: Tensor) -> Tensor:
        """The forecast ``[B, H, N, 1]`` and each node's own correction."""
        seen = torch.cat([x[..., 0], forecast.squeeze(-1)], dim=1).permute(2, 1, 0)  # [N, T + H, B]
        own = self.adapter["weight"] @ seen + self.adapter["bias"].unsqueeze(-1)  # [N, H, B]
        corrected: Tensor = forecast + own.permute(2, 1, 0).unsqueeze(-1)
        return corrected
