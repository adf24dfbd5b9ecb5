from __future__ import annotations

import pytest
import torch

from stlora.backbones.staeformer import STAEformer
from stlora.errors import InputError


def _from_published(published):
    ours = {
        "places": published["adaptive_embedding"],
        "slots.weight": published["tod_embedding.weight"],
        "days.weight": published["dow_embedding.weight"],
    }
    renamed = {"input_proj": "project", "output_proj": "head"}
    parts = {
        "attn.out_proj": "mix",
        "feed_forward.0": "widen",
        "feed_forward.2": "narrow",
        "ln1": "attention_norm",
        "ln2": "feed_forward_norm",
    }
    for axis, stack in (("t", "over_time"), ("s", "over_nodes")):
        for i in range(3):
            theirs, layer = f"attn_layers_{axis}.{i}", f"{stack}.{i}"
            renamed |= {f"{theirs}.{part}": f"{layer}.{name}" for part, name in parts.items()}
            for kind in ("weight", "bias"):
                three = [published[f"{theirs}.attn.FC_{letter}.{kind}"] for letter in "QKV"]
                ours[f"{layer}.query_key_value.{kind}"] = torch.cat(three)
    for theirs, name in renamed.items():
        ours |= {f"{name}.{kind}": published[f"{theirs}.{kind}"] for kind in ("weight", "bias")}
    return ours


def test_gives_the_published_numbers(parity):
    backbone = STAEformer(num_nodes=parity.num_nodes, dropout=0.0)
    parity.check("staeformer", backbone, _from_published, dow_scale=1 / 7)


@pytest.mark.parametrize(("num_nodes", "published"), [(60, 1_117_860), (207, 1_258_980), (307, 1_354_980)])
def test_has_the_published_number_of_parameters(num_nodes, published):
    backbone = STAEformer(num_nodes=num_nodes)
    assert sum(p.numel() for p in backbone.parameters()) + backbone.unused_published_parameters == published


@pytest.fixture
def small():
    torch.manual_seed(0)
    return STAEformer(num_nodes=20, feed_forward_size=16, num_layers=1, input_size=8, slot_size=8, day_size=8).eval()


@pytest.mark.parametrize(
    ("batch", "nodes", "history", "horizon", "channels"),
    [(2, 3, 12, 12, 3), (1, 1, 12, 12, 3), (2, 3, 1, 1, 3), (2, 3, 24, 6, 5)],
)
def test_forecasts_every_horizon_of_every_node(batch, nodes, history, horizon, channels):
    backbone = STAEformer(
        num_nodes=nodes, history=history, horizon=horizon, in_channels=channels, num_layers=1, feed_forward_size=16
    )
    out = backbone(torch.rand(batch, history, nodes, channels) * 0.8)
    assert out.shape == (batch, horizon, nodes, 1)
    assert (backbone.num_nodes, backbone.history) == (nodes, history)
    assert (backbone.horizon, backbone.in_channels) == (horizon, channels)


def test_permuting_nodes_and_their_places_permutes_forecasts(parity, small):
    x, order = parity.inputs(1 / 7), torch.randperm(20)
    before = small(x)
    with torch.no_grad():
        small.places.copy_(small.places[:, order].clone())
    torch.testing.assert_close(small(x[:, :, order]), before[:, :, order])


def test_every_parameter_gets_a_gradient(parity, small):
    small(parity.inputs(1 / 7)).square().sum().backward()
    for name, parameter in small.named_parameters():
        assert parameter.grad.abs().max() > 1e-8, name


def test_works_in_other_precisions(parity, small):
    x = parity.inputs(1 / 7)
    single = small(x)
    torch.testing.assert_close(small.double()(x.double()).float(), single, rtol=1e-4, atol=1e-5)
    assert small.bfloat16()(x.bfloat16()).dtype == torch.bfloat16


def test_exports_for_any_batch(parity, small):
    x = parity.inputs(1 / 7)
    program = torch.export.export(small, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    more = torch.cat([x, x[:1]])
    torch.testing.assert_close(program.module()(more), small(more))


def test_keeps_derived_buffers_out_of_the_state(small):
    assert set(small.state_dict()) == {name for name, _ in small.named_parameters()}


def test_refuses_what_it_cannot_use():
    with pytest.raises(InputError, match="staeformer got in_channels=2; expected 3 or more"):
        STAEformer(num_nodes=2, in_channels=2)
    with pytest.raises(InputError, match="staeformer got 152 channels for 5 heads; expected a multiple of heads"):
        STAEformer(num_nodes=2, heads=5)
    with pytest.raises(InputError, match="staeformer got horizon=0; expected 1 or more"):
        STAEformer(num_nodes=2, horizon=0)
