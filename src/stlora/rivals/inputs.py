"""Rivals that change what the backbone sees: the value channel of its history, and nothing else of it."""

from __future__ import annotations

import torch
from torch import Tensor

from stlora.rivals.base import Rival


class InputRival(Rival):
    """Adds to each node's past values before the backbone reads them, so the backbone runs at every step.

    The clock channels stay as they are: some backbones look tables up with them.
    """

    corrects_only = False

    def backbone_forecast(self, x: Tensor, **shown: Tensor) -> Tensor:
        """The backbone's forecast ``[B, H, N, 1]`` from the changed history."""
        seen = x[..., : self.in_channels]
        value = seen[..., :1] + self.change(seen).transpose(1, 2).unsqueeze(-1)  # [B, T, N, 1]
        with self._gradients():
            forecast: Tensor = self.backbone(torch.cat([value, seen[..., 1:]], dim=-1), **shown)
        return forecast

    def change(self, seen: Tensor) -> Tensor:
        """What is added to the past values: ``[B, T, N, C]`` as the backbone would see it, to ``[B, N, T]``."""
        raise NotImplementedError
