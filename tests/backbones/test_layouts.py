"""Modules of other layouts behind the one call."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from stlora.adapters import STLoRA
from stlora.backbones.layouts import from_bcnt, from_bnct, from_btn, from_dict
from stlora.errors import InputError

B, T, N, C, H = 2, 5, 4, 3, 6


class Recorder(nn.Module):
    """Keeps what it was called with and answers as it was told."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, *given, **named):
        self.given, self.named = given, named
        return self.answer


@pytest.fixture
def x():
    """A history whose clock is the same for all sensors, and whose entries otherwise all differ."""
    x = torch.arange(B * T * N * C, dtype=torch.float32).reshape(B, T, N, C)
    x[..., 1:] = x[:, :, :1, 1:].clone()
    return x


@pytest.fixture
def forecast():
    return torch.arange(B * H * N, dtype=torch.float32).reshape(B, H, N, 1)


def test_btn_gives_values_by_step_and_sensor(x, forecast):
    module = Recorder(forecast[..., 0])
    backbone = from_btn(module, history=T, horizon=H)
    assert torch.equal(backbone(x[..., :1]), forecast)
    assert module.given[0].shape == (B, T, N)
    assert module.given[0][1, 2, 3] == x[1, 2, 3, 0]
    assert (backbone.history, backbone.horizon, backbone.in_channels) == (T, H, 1)


def test_bcnt_gives_channels_sensors_steps(x, forecast):
    module = Recorder(forecast)
    backbone = from_bcnt(module, history=T, horizon=H, in_channels=C)
    assert torch.equal(backbone(x), forecast)
    assert module.given[0].shape == (B, C, N, T)
    assert module.given[0][1, 2, 3, 4] == x[1, 4, 3, 2]
    assert (backbone.history, backbone.horizon, backbone.in_channels) == (T, H, C)


def test_bnct_gives_sensors_channels_steps(x, forecast):
    module = Recorder(forecast[..., 0].transpose(1, 2))
    backbone = from_bnct(module, history=T, horizon=H, in_channels=C)
    assert torch.equal(backbone(x), forecast)
    assert module.given[0].shape == (B, N, C, T)
    assert module.given[0][1, 3, 2, 4] == x[1, 4, 3, 2]


def test_dict_gives_one_dictionary(x, forecast):
    module = Recorder(forecast[..., 0])
    backbone = from_dict(module, value="y", constants={"extra": None}, history=T, horizon=H)
    assert torch.equal(backbone(x[..., :1]), forecast)
    (batch,) = module.given
    assert batch.keys() == {"y", "extra"}
    assert torch.equal(batch["y"], x[..., 0])
    assert backbone.in_channels == 1


def test_dict_gives_keywords_with_the_clock(x, forecast):
    module = Recorder(forecast[..., 0])
    backbone = from_dict(module, value="inputs", clock="stamps", keywords=True, history=T, horizon=H)
    assert torch.equal(backbone(x), forecast)
    assert module.given == ()
    assert torch.equal(module.named["inputs"], x[..., 0])
    assert torch.equal(module.named["stamps"], x[:, :, 0, 1:])
    assert backbone.in_channels == 3


def test_dict_finds_the_answer_by_its_name(x, forecast):
    answers = {"loss": torch.zeros(()), "prediction": forecast[..., 0]}
    assert torch.equal(from_dict(Recorder(answers), value="y", answer="prediction", horizon=H)(x), forecast)
    with pytest.raises(InputError, match="no 'forecast'; it holds loss, prediction"):
        from_dict(Recorder(answers), value="y", answer="forecast")(x)
    with pytest.raises(InputError, match="no 'forecast'; it holds a Tensor"):
        from_dict(Recorder(forecast), value="y", answer="forecast")(x)


def test_a_wrapped_module_is_a_backbone_of_the_adapter():
    inner = nn.Linear(N, N)
    model = STLoRA(from_btn(inner, history=T, horizon=T), num_nodes=N)
    assert model(torch.randn(B, T, N, 4)).shape == (B, T, N, 1)
    assert model.parameter_report().backbone == sum(parameter.numel() for parameter in inner.parameters())
