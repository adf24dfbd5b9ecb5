"""Several adapters on one backbone, and a frozen backbone that somebody puts into training mode."""

import copy

import pytest
import torch
from torch import nn

from stlora import InputError, STLoRA, STLoRAConfig, backbones, rivals

NODES = 3


class Normalised(nn.Module):
    """A backbone with statistics that move in training mode, and dropout."""

    history, horizon, in_channels = 4, 2, 3

    def __init__(self):
        super().__init__()
        self.norm, self.drop, self.linear = nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2)

    def forward(self, x):
        x = x[..., 0].transpose(1, 2).reshape(-1, 4)
        return self.linear(self.drop(self.norm(x))).view(-1, NODES, 2).transpose(1, 2)[..., None]


def adapters(backbone, freeze):
    return {
        "stlora": lambda: STLoRA(backbone, NODES, STLoRAConfig(freeze_backbone=freeze)),
        "node_head": lambda: rivals.create("node_head", backbone, NODES, freeze_backbone=freeze),
    }


def trained(model):
    """The names of what gets a gradient."""
    model.train()
    x = torch.rand(2, model.history, NODES, 4)
    model(x).sum().backward()
    return {name for name, parameter in model.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("first", ["stlora", "node_head"])
@pytest.mark.parametrize("frozen", [True, False])
def test_adapters_that_disagree_are_refused(first, frozen):
    backbone = backbones.create("lstm", num_nodes=NODES)
    model = adapters(backbone, frozen)[first]()
    for make in adapters(backbone, not frozen).values():
        with pytest.raises(InputError, match=r"another adapter on the same LSTM .* copy.deepcopy"):
            make()
    assert all(parameter.requires_grad is not frozen for parameter in backbone.parameters())
    for make in adapters(copy.deepcopy(backbone), not frozen).values():
        assert make().freeze_backbone is not frozen
    for make in adapters(backbone, frozen).values():
        assert make().freeze_backbone is frozen
    assert model.freeze_backbone is frozen


def test_adapter_after_another_that_is_gone_trains_the_backbone():
    backbone = backbones.create("lstm", num_nodes=NODES)
    first = next(backbone.parameters()).requires_grad_(False)  # frozen by the user, and stays so
    model = STLoRA(backbone, NODES, STLoRAConfig(freeze_backbone=True))
    del model
    model = rivals.create("node_head", backbone, NODES, freeze_backbone=False)
    wanted = {f"backbone.{name}" for name, parameter in backbone.named_parameters() if parameter is not first}
    assert {name for name in trained(model) if name.startswith("backbone.")} == wanted
    assert not first.requires_grad


@pytest.mark.parametrize("name", ["stlora", "node_head"])
@pytest.mark.parametrize("part", ["backbone", "backbone.norm"])
def test_frozen_backbone_stays_as_it_is_whatever_is_set(name, part):
    backbone = Normalised()
    model = adapters(backbone, True)[name]()
    before = {key: tensor.clone() for key, tensor in backbone.state_dict().items()}
    model.train()
    model.get_submodule(part).train()
    x = torch.rand(8, 4, NODES, 4)
    assert torch.equal(model.backbone_forecast(x), model.backbone_forecast(x))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1.0)
    model(x).sum().backward()
    optimizer.step()
    for key, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, before[key]), key


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (torch.rand(2, 12, NODES), r"shape \[2, 12, 3\]; expected \[B, 12, 3, C\]"),
        (torch.rand(2, NODES, 12, 3), r"expected \[B, 12, 3, C\]"),
        (torch.rand(2, 12, NODES, 1), "has 1 channels; the backbone reads 3"),
        (torch.rand(2, 12, NODES, 3).numpy(), "is a ndarray; expected a tensor"),
    ],
)
def test_history_of_another_form_is_refused(x, said):
    model = STLoRA(backbones.create("lstm", num_nodes=NODES), NODES)
    with pytest.raises(InputError, match=said):
        model(x)


@pytest.mark.parametrize(
    ("values", "clock", "said"),
    [
        (torch.rand(50, NODES + 1), torch.rand(50, 2), r"values of the training period are \[50, 4\]"),
        (torch.rand(50, NODES), torch.rand(50, 3), r"the clock of the training period are \[50, 3\]"),
        (torch.rand(50, NODES), torch.rand(40, 2), "50 values and 40 times"),
        (torch.rand(50, NODES).numpy(), torch.rand(50, 2), "are a ndarray; expected a tensor"),
    ],
)
def test_training_period_of_another_form_is_refused(values, clock, said):
    model = STLoRA(backbones.create("lstm", num_nodes=NODES), NODES)
    with pytest.raises(InputError, match=said):
        model.learn_profile(values, clock)
