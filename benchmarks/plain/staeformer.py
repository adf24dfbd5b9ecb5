"""STAEformer on ``[B, T, N, D]``: scores written out, heads split and joined by copies, look-ups for every sensor."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from plain.base import Plain
from stlora.backbones.clock import day_slot, weekday, whole_days

HEADS, LAYERS = 4, 3


class Model(Plain):
    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        batch, _, nodes, channels = x.shape
        slots = F.embedding(day_slot(x[..., 1], 288), self.p["tod_embedding.weight"])  # [B, T, N, 24]
        days = F.embedding(weekday(x[..., 2]), self.p["dow_embedding.weight"])
        values = self.linear(x * whole_days(channels).to(x), "input_proj")
        places = self.p["adaptive_embedding"].expand(batch, -1, -1, -1)
        hidden = torch.cat([values, slots, days, places], dim=-1)
        for axis, stack in ((1, "t"), (2, "s")):
            for layer in range(LAYERS):
                hidden = self._layer(hidden, axis, f"attn_layers_{stack}.{layer}")
        hidden = hidden.transpose(1, 2).reshape(batch, nodes, -1)
        return self.linear(hidden, "output_proj").transpose(1, 2).unsqueeze(-1)

    def _layer(self, x: Tensor, axis: int, name: str) -> Tensor:
        x = x.transpose(axis, -2)
        x = self.layer_norm(x + self.drop(self._attend(x, f"{name}.attn")), f"{name}.ln1")
        fed = self.linear(torch.relu(self.linear(x, f"{name}.feed_forward.0")), f"{name}.feed_forward.2")
        x = self.layer_norm(x + self.drop(fed), f"{name}.ln2")
        return x.transpose(axis, -2)

    def _attend(self, x: Tensor, name: str) -> Tensor:
        """Heads lie one after the other along the batch."""
        projected = [self.linear(x, f"{name}.FC_{letter}") for letter in "QKV"]
        query, key, value = (torch.cat(t.split(t.shape[-1] // HEADS, dim=-1), dim=0) for t in projected)
        scores = query @ key.transpose(-1, -2) / key.shape[-1] ** 0.5
        mixed = torch.softmax(scores, dim=-1) @ value
        joined = torch.cat(mixed.split(x.shape[0], dim=0), dim=-1)
        return self.linear(joined, f"{name}.out_proj")
