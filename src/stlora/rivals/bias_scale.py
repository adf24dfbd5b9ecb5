"""A bias and a scale of each node's own on the forecast."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stlora.rivals.base import Rival


class BiasScale(Rival):
    """``Y'_{h,i} = (1 + s_{h,i}) Y_{h,i} + b_{h,i}``: the least that a node can have of its own.

    One pair for each node and each step ahead, since a forecast's bias grows with the horizon; in scaled units, so
    that the scale is around the mean of the data. It starts at zero: 2 · N · H parameters.

    Args:
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        num_nodes: N.
        freeze_backbone: keep the backbone as it is.

    Example:
        >>> from stlora.backbones import create
        >>> BiasScale(create("lstm", num_nodes=5), num_nodes=5).parameter_report().adapter
        120
    """

    method = "bias_scale"

    def __init__(self, backbone: nn.Module, num_nodes: int, freeze_backbone: bool = True) -> None:
        super().__init__(backbone, num_nodes, freeze_backbone)
        self.adapter: nn.ParameterDict = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(self.horizon, num_nodes, 1)) for name in ("scale", "bias")}
        )

    def correct(self, x: Tensor, forecast: Tensor) -> Tensor:
        """The scaled and shifted forecast ``[B, H, N, 1]``."""
        corrected: Tensor = forecast + (forecast * self.adapter["scale"] + self.adapter["bias"])
        return corrected
