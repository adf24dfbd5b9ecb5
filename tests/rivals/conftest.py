"""Tiny backbones and histories whose clock is right."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from torch import Tensor, nn

from stlora import rivals

NODES, HISTORY, HORIZON = 5, 4, 3
PEFT = pytest.param("peft", marks=pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed"))


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


def _history(batch=2, channels=4, seed=0, nodes=NODES, steps=HISTORY, dtype=torch.float32):
    """``[B, T, N, C]``: every batch entry starts at an hour of its own."""
    generator = torch.Generator().manual_seed(seed)
    value = torch.randn(batch, steps, nodes, generator=generator)
    hour = torch.arange(batch)[:, None] * 29 + torch.arange(steps)[None, :]
    time_of_day = (hour % 24 / 24)[:, :, None].expand(-1, -1, nodes)
    day = (hour // 24 % 7 / 7)[:, :, None].expand(-1, -1, nodes)
    observed = (torch.rand(batch, steps, nodes, generator=generator) > 0.2).float()
    return torch.stack([value, time_of_day, day, observed], dim=-1)[..., :channels].to(dtype)


def pytest_generate_tests(metafunc):
    """Every test that asks for a ``name`` runs for each rival, peft's where it is installed."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", [PEFT if name == "peft" else name for name in rivals.names()])


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


@pytest.fixture
def train():
    """Trains a little, and returns the model."""

    def train_a_little(model):
        model.train()
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
        generator = torch.Generator().manual_seed(5)
        dtype = next(model.parameters()).dtype
        target = torch.randn(8, HORIZON, NODES, 1, generator=generator).to(dtype)
        for seed in range(4):
            optimizer.zero_grad()
            (model(_history(8, seed=seed, dtype=dtype)) - target).abs().mean().backward()
            optimizer.step()
        return model

    return train_a_little
