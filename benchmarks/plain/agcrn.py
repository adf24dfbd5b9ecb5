"""AGCRN on ``[B, N, C]``: graph, weights and biases of all nodes made anew in each of 48 convolutions."""

from __future__ import annotations

import torch
from torch import Tensor

from plain.base import Plain


class Model(Plain):
    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        for layer in range(2):
            x = self._recur(x, f"encoder.dcrnn_cells.{layer}")
        out = self.convolve(x[:, -1:], "end_conv")  # [B, H, N, 1]
        return out.squeeze(-1).reshape(x.shape[0], -1, 1, x.shape[2]).transpose(2, 3)

    def _recur(self, x: Tensor, cell: str) -> Tensor:
        state = x.new_zeros(x.shape[0], x.shape[2], 64)
        states = []
        for step in range(x.shape[1]):
            now = x[:, step]
            gates = torch.sigmoid(self._convolve(torch.cat([now, state], dim=-1), f"{cell}.gate"))
            reset, keep = gates.split(64, dim=-1)
            candidate = torch.tanh(self._convolve(torch.cat([now, reset * state], dim=-1), f"{cell}.update"))
            state = keep * state + (1 - keep) * candidate
            states.append(state)
        return torch.stack(states, dim=1)

    def _convolve(self, x: Tensor, name: str) -> Tensor:
        nodes = self.p["node_embed"]
        learned = torch.softmax(torch.relu(nodes @ nodes.T), dim=1)
        supports = torch.stack([torch.eye(len(nodes), dtype=x.dtype, device=x.device), learned])
        weights = torch.einsum("nd,dkio->nkio", nodes, self.p[f"{name}.weights_pool"])
        bias = nodes @ self.p[f"{name}.bias_pool"]
        spread = torch.einsum("knm,bmi->bkni", supports, x).permute(0, 2, 1, 3)  # [B, N, 2, C]
        return torch.einsum("bnki,nkio->bno", spread, weights) + bias
