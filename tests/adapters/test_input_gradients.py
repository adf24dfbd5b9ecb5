"""Gradients with respect to the history exist, and are those of finite differences."""

import pytest
import torch

from stlora import STLoRA, STLoRAConfig, backbones, rivals

NODES = 3
SIZES = {"history": 12, "horizon": 3}
DIRECTIONS = 3  # in which the gradient is compared
STEP = 1e-5


def history():
    """A day of an hour's steps in double precision, away from the edges of clock slots."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(2, 12, NODES, 1, generator=generator, dtype=torch.float64)
    time = ((torch.arange(12) + 0.25) / 24).double().view(1, 12, 1, 1).expand(2, 12, NODES, 1)
    day = torch.full((2, 12, NODES, 1), 2 / 7, dtype=torch.float64)
    return torch.cat([values, time, day, torch.ones_like(day)], dim=-1)


def check(model, channels):
    """The gradient by the chosen channels against central differences in random directions."""
    model = model.double().eval()
    x = history()[..., : 4 if isinstance(model, STLoRA) else 3].requires_grad_()
    weight = torch.randn(2, SIZES["horizon"], NODES, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (model(x) * weight).sum().backward()
    assert torch.isfinite(x.grad).all()
    for seed in range(DIRECTIONS):
        direction = torch.zeros_like(x)
        for channel in channels:
            drawn = torch.randn(x.shape[:-1], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            direction[..., channel] = drawn
        with torch.no_grad():
            ahead, behind = (float((model(x + sign * STEP * direction) * weight).sum()) for sign in (1, -1))
        expected = (ahead - behind) / (2 * STEP)
        assert float((x.grad * direction).sum()) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def backbone(name):
    torch.manual_seed(0)
    return backbones.create(name, num_nodes=NODES, adjacency=torch.ones(NODES, NODES), **SIZES)


@pytest.mark.parametrize("name", backbones.names())
def test_backbones(name):
    check(backbone(name), channels=[0])


@pytest.mark.parametrize("fusion", ["share", "residual", "gate", "own"])
def test_adapter_with_measured_nodes(fusion):
    steps = torch.arange(400)
    clock = torch.stack([steps % 24 / 24, steps // 24 % 7 / 7], dim=1)
    model = STLoRA(backbone("lstm"), NODES, STLoRAConfig(fusion=fusion))
    model.learn_profile(torch.randn(400, NODES, generator=torch.Generator().manual_seed(2)), clock)
    with torch.no_grad():
        for parameter in model.adapter.parameters():  # nothing may be zero that a gradient goes through
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
        if hasattr(model.adapter, "share"):
            model.adapter.share.fill_(0.5)
    check(model, channels=[0])


@pytest.mark.parametrize("name", [name for name in rivals.names() if name != "peft"])
def test_rivals(name):
    check(rivals.create(name, backbone("lstm"), NODES), channels=[0])
