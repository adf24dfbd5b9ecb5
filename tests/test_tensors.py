"""Stored tensors: what a module takes, and what sizes a record may ask for."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from stlora import InputError, backbones, rivals
from stlora.adapters import STLoRA, STLoRAConfig
from stlora.tensors import Within, put


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("mask", torch.tensor([0.0, -math.inf]))


def given(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_widths_are_cast(dtype):
    net, tensors = Net(), given(Net())
    put(net, {n: t.to(dtype) if t.is_floating_point() else t for n, t in tensors.items()}, "the weights", "again")
    assert net.map.weight.dtype == torch.float32
    assert torch.equal(net.map.weight, tensors["map.weight"].to(dtype).float())
    assert torch.equal(net.mask, tensors["mask"])


@pytest.mark.parametrize(
    ("name", "tensor", "told"),
    [
        ("map.weight", torch.full((3, 2), math.nan), "6 of 6 values that are NaN or infinite"),
        ("map.bias", torch.tensor([0.0, math.inf, 1.0]), "1 of 3 values that are NaN or infinite"),
        ("map.bias", torch.tensor([0.0, 1e300, 1.0], dtype=torch.float64), "beyond what torch.float32 holds"),
        ("map.bias", torch.zeros(3, dtype=torch.int64), "is of type torch.int64; expected a floating type"),
        ("map.bias", torch.zeros(3, dtype=torch.bool), "is of type torch.bool"),
        ("map.bias", torch.zeros(3, dtype=torch.complex64), "is of type torch.complex64"),
        ("map.bias", torch.zeros(4), "has shape [4]; expected [3]"),
        ("map.bias", torch.zeros(3, 1), "has shape [3, 1]; expected [3]"),
        ("norm.num_batches_tracked", torch.tensor(1.0), "is of type torch.float32; expected torch.int64"),
        ("norm.num_batches_tracked", torch.tensor(1, dtype=torch.int32), "is of type torch.int32"),
        ("mask", torch.tensor([-math.inf, -math.inf]), "1 of 2 values"),
        ("mask", torch.tensor([0.0, math.inf]), "1 of 2 values"),
        ("more", torch.zeros(1), "1 unexpected (first: 'more')"),
    ],
)
def test_what_is_not_right_is_refused_and_nothing_is_taken(name, tensor, told):
    net = Net()
    before, tensors = given(net), given(Net())
    with pytest.raises(InputError, match=re.escape(told)) as caught:
        put(net, {**tensors, name: tensor}, "the weights in a.safetensors", "fit again")
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_missing_tensors_are_counted():
    tensors = given(Net())
    del tensors["map.bias"]
    with pytest.raises(InputError, match=r"1 missing \(first: 'map\.bias'"):
        put(Net(), tensors, "the weights", "fit again")


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(10**6, 10**6),
        lambda: nn.LSTM(10**5, 10**5),
        lambda: torch.zeros(10**5, 10**5),
        lambda: torch.zeros((10**5, 10**5)),
        lambda: torch.zeros(size=(10**5, 10**5)),
        lambda: torch.full((10**5, 10**5), 1.0),
        lambda: torch.eye(10**5),
        lambda: torch.arange(10**10),
        lambda: torch.arange(0, 10**10, 2),
        lambda: [nn.Linear(1, 1) for _ in range(10**9)],
        lambda: [torch.randn(1000, 1000) for _ in range(1000)],
    ],
)
@pytest.mark.timeout(60)
def test_sizes_beyond_what_is_stored_are_refused_before_they_take_memory_or_time(make):
    with Within({"weight": torch.zeros(3)}, 5, Path("config.json")), pytest.raises(InputError, match=r"config\.json"):
        make()


@pytest.mark.parametrize("name", backbones.names())
def test_every_backbone_is_built_with_what_is_stored_of_it(name):
    adjacency = torch.rand(5, 5)
    tensors = backbones.create(name, 5, adjacency).state_dict()
    within = Within(tensors, 5, Path("config.json"))
    before = within.calls, within.numbers
    with within:
        backbones.create(name, 5, adjacency)
    assert before[0] - within.calls < before[0] / 10
    assert before[1] - within.numbers < before[1] / 4


def test_every_adapter_is_built_with_what_is_stored_of_it():
    backbone = backbones.create("lstm", 5)
    for config in (STLoRAConfig(), STLoRAConfig.paper(), STLoRAConfig.named("large", predictors=3)):
        with Within(STLoRA(backbone, 5, config).adapter.state_dict(), 5, Path("adapter_config.json")):
            STLoRA(backbone, 5, config)
    for name in ("bias_scale", "node_head", "embedding", "clora", "finetune"):
        with Within(rivals.create(name, backbone, 5).adapter.state_dict(), 5, Path("adapter_config.json")):
            rivals.create(name, backbone, 5)
