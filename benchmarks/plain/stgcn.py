"""STGCN on ``[B, C, T, N]``: residuals widened by zero channels, polynomials of the graph stacked at each use."""

from __future__ import annotations

import torch
from torch import Tensor

from plain.base import Plain
from stlora.backbones.graph import scaled_laplacian


class Model(Plain):
    def prepare(self, adjacency: Tensor) -> None:
        laplacian = scaled_laplacian(adjacency).to(torch.get_default_dtype())
        self.register_buffer("laplacian", laplacian)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        x = x.permute(0, 3, 1, 2)
        for block in ("st_blocks.0", "st_blocks.1"):
            x = self._temporal(x, f"{block}.tmp_conv1")
            x = self._graph(x, f"{block}.graph_conv")
            x = self._temporal(x, f"{block}.tmp_conv2")
            x = self.layer_norm(x.permute(0, 2, 3, 1), f"{block}.tc2_ln").permute(0, 3, 1, 2)
            x = self.drop(x)
        x = self._temporal(x, "output.tmp_conv1")
        x = self.layer_norm(x.permute(0, 2, 3, 1), "output.tc1_ln")  # [B, 1, N, 128]
        x = self.linear(torch.relu(self.linear(x, "output.fc1")), "output.fc2")
        return x.transpose(1, 3)

    def _align(self, x: Tensor, channels: int, name: str) -> Tensor:
        missing = channels - x.shape[1]
        if missing > 0:
            batch, _, steps, nodes = x.shape
            return torch.cat([x, x.new_zeros(batch, missing, steps, nodes)], dim=1)
        return self.convolve(x, f"{name}.align.align_conv") if missing < 0 else x

    def _temporal(self, x: Tensor, name: str) -> Tensor:
        kernel = self.p[f"{name}.causal_conv.weight"].shape
        residual = self._align(x, kernel[0] // 2, name)[:, :, kernel[2] - 1 :]
        value, gate = self.convolve(x, f"{name}.causal_conv").chunk(2, dim=1)
        return (value + residual) * torch.sigmoid(gate)

    def _graph(self, x: Tensor, name: str) -> Tensor:
        laplacian = self.get_buffer("laplacian")
        aligned = self._align(x, 16, name)
        u = aligned.permute(0, 2, 3, 1)  # [B, T, N, 16]
        first = torch.einsum("mn,btni->btmi", laplacian, u)
        second = torch.einsum("mn,btni->btmi", 2 * laplacian, first) - u
        stacked = torch.stack([u, first, second], dim=2)
        weight, bias = self.p[f"{name}.cheb_graph_conv.weight"], self.p[f"{name}.cheb_graph_conv.bias"]
        mixed = torch.einsum("btkni,kij->btnj", stacked, weight) + bias
        return torch.relu(mixed.permute(0, 3, 1, 2) + aligned)
