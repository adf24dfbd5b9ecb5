"""Learnable node embeddings beside the input."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stlora.rivals.inputs import InputRival


class NodeEmbedding(InputRival):
    """``x'_i = x_i + P [x_i; e_i]``: node embeddings concatenated to the input and projected back onto it.

    After "Taming Local Effects in Graph-based Spatiotemporal Forecasting" (Cini, Marisca, Zambon and Alippi, NeurIPS
    2023), where the encoder of a network built for it takes the embeddings as further input channels. A backbone that
    was built and trained without such channels has no weights for them, so a projection P that all nodes share maps
    the window of a node, all channels the backbone reads, and its embedding back to the T past values. P starts at
    zero; the embeddings start from a normal distribution. N · D + T · (T · C + D) parameters.

    Args:
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        num_nodes: N.
        freeze_backbone: keep the backbone as it is.
        size: D, numbers in an embedding. More than T are redundant: what an embedding adds are T numbers.

    Example:
        >>> from stlora.backbones import create
        >>> NodeEmbedding(create("lstm", num_nodes=5), num_nodes=5).parameter_report().adapter
        568
    """

    method = "embedding"

    def __init__(self, backbone: nn.Module, num_nodes: int, freeze_backbone: bool = True, size: int = 8) -> None:
        super().__init__(backbone, num_nodes, freeze_backbone, size=size)
        window = self.history * self.in_channels
        self.adapter: nn.ParameterDict = nn.ParameterDict(
            {
                "embedding": nn.Parameter(torch.randn(num_nodes, size)),
                "projection": nn.Parameter(torch.zeros(self.history, window + size)),
            }
        )

    def change(self, seen: Tensor) -> Tensor:
        """The projection of window and embedding, ``[B, N, T]``."""
        window = seen.transpose(1, 2).flatten(2)  # [B, N, T C]
        embedding = self.adapter["embedding"].expand(len(seen), -1, -1)
        return nn.functional.linear(torch.cat([window, embedding], dim=-1), self.adapter["projection"])
