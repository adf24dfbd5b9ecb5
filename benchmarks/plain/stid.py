"""STID on ``[B, C, N, 1]``: linear layers as convolutions of one pixel, look-ups for every sensor."""

from __future__ import annotations

import torch
from torch import Tensor

from plain.base import Plain
from stlora.backbones.clock import day_slot, weekday, whole_days

LAYERS = 3


class Model(Plain):
    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        batch, _, nodes, channels = x.shape
        slots = self.p["time_in_day_emb"][day_slot(x[:, -1, :, 1], 288)]  # [B, N, 32]
        days = self.p["day_in_week_emb"][weekday(x[:, -1, :, 2])]
        windows = (x * whole_days(channels).to(x)).transpose(1, 2).contiguous()
        windows = windows.view(batch, nodes, -1).transpose(1, 2).unsqueeze(-1)  # [B, T C, N, 1]
        read = self.convolve(windows, "time_series_emb_layer")
        identities = [self.p["node_emb"].unsqueeze(0).expand(batch, -1, -1), slots, days]
        hidden = torch.cat([read, *(t.transpose(1, 2).unsqueeze(-1) for t in identities)], dim=1)
        for layer in range(LAYERS):
            inner = self.drop(torch.relu(self.convolve(hidden, f"encoder.{layer}.fc1")))
            hidden = self.convolve(inner, f"encoder.{layer}.fc2") + hidden
        return self.convolve(hidden, "regression_layer")
