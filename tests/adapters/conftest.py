"""A tiny backbone and histories whose clock is right."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

NODES, HISTORY, HORIZON = 5, 4, 3


class Flat(nn.Module):
    """A linear backbone with dropout and batch statistics, so that its mode matters."""

    def __init__(self) -> None:
        super().__init__()
        self.history, self.horizon, self.in_channels = HISTORY, HORIZON, 3
        self.norm = nn.BatchNorm1d(HISTORY * 3)
        self.drop = nn.Dropout(0.5)
        self.map = nn.Linear(HISTORY * 3, HORIZON)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, nodes, _ = x.shape
        flat = x.transpose(1, 2).reshape(batch * nodes, -1)
        return self.map(self.drop(self.norm(flat))).reshape(batch, nodes, HORIZON).transpose(1, 2).unsqueeze(-1)


def _history(batch=2, channels=4, seed=0, nodes=NODES, steps=HISTORY):
    """``[B, T, N, C]``: every batch entry starts at an hour of its own."""
    generator = torch.Generator().manual_seed(seed)
    value = torch.randn(batch, steps, nodes, generator=generator)
    hour = torch.arange(batch)[:, None] * 29 + torch.arange(steps)[None, :]
    time_of_day = (hour % 24 / 24)[:, :, None].expand(-1, -1, nodes)
    day = (hour // 24 % 7 / 7)[:, :, None].expand(-1, -1, nodes)
    observed = (torch.rand(batch, steps, nodes, generator=generator) > 0.2).float()
    return torch.stack([value, time_of_day, day, observed], dim=-1)[..., :channels]


@pytest.fixture
def history():
    """Makes histories."""
    return _history


@pytest.fixture
def backbone():
    """A backbone with running statistics that are not those of a new one."""
    torch.manual_seed(3)
    module = Flat()
    with torch.no_grad():
        for seed in range(3):
            module.train()(_history(batch=8, channels=3, seed=seed) * 2 + 1)
    return module.eval()
