"""LSTM: a convolution over channels, a recurrent network for each sensor, two linear layers."""

from __future__ import annotations

import torch
from torch import Tensor

from plain.base import Plain

KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Model(Plain):
    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        batch, steps, nodes, _ = x.shape
        x = self.convolve(x.transpose(1, 3), "start_conv")  # [B, 32, N, T]
        x = x.permute(0, 2, 3, 1).reshape(batch * nodes, steps, -1)
        zeros = x.new_zeros(2, batch * nodes, 64)
        weights = [self.p[f"lstm.{kind}_l{layer}"] for layer in range(2) for kind in KINDS]
        states, _, _ = torch.lstm(
            x, (zeros, zeros), weights, True, 2, self.dropout, self.training, bidirectional=False, batch_first=True
        )
        x = torch.relu(self.linear(states[:, -1], "end_linear1"))
        x = self.linear(x, "end_linear2")
        return x.reshape(batch, nodes, -1, 1).transpose(1, 2)
