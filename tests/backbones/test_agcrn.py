from __future__ import annotations

from math import sqrt

import pytest
import torch

from stlora.backbones.agcrn import AGCRN
from stlora.errors import InputError


def _from_published(published):
    ours = {"embedding": published["node_embed"]}
    for i in range(2):
        for part in ["gate", "update"]:
            cell = f"encoder.dcrnn_cells.{i}.{part}"
            ours[f"layers.{i}.{part}_pool"] = published[f"{cell}.weights_pool"]
            ours[f"layers.{i}.{part}_bias"] = published[f"{cell}.bias_pool"]
    return ours | {"head.weight": published["end_conv.weight"].flatten(1), "head.bias": published["end_conv.bias"]}


def test_gives_the_published_numbers(parity):
    parity.check("agcrn", AGCRN(parity.num_nodes), _from_published)


@pytest.mark.parametrize("num_nodes", [20, 207, 307])
def test_has_the_published_number_of_parameters(num_nodes):
    backbone = AGCRN(num_nodes)
    trained = sum(p.numel() for p in backbone.parameters())
    assert trained + backbone.unused_published_parameters == 753_420 + 10 * num_nodes


def test_has_the_published_numbers_of_other_inputs_and_embeddings():
    assert sum(p.numel() for p in AGCRN(307, in_channels=1).parameters()) == 748_810
    assert sum(p.numel() for p in AGCRN(307, embed_dim=12).parameters()) == 907_632


def _convolution(embedding, pool, bias, x):
    """The published node-wise convolution with its stacked supports, identity first; x is [B, N, C]."""
    learned = torch.softmax(torch.relu(embedding @ embedding.T), dim=1)
    supports = torch.stack([torch.eye(len(embedding), dtype=x.dtype), learned])
    weights = torch.einsum("nd,dkio->nkio", embedding, pool)
    return torch.einsum("knm,bmi,nkio->bno", supports, x, weights) + embedding @ bias


def _literal(model, x):
    """Step by step: every convolution makes its graph, weights and bias anew and reads input and state together."""
    inputs = list(x.unbind(1))  # each [B, N, C]
    for layer in model.layers:
        state = x.new_zeros(*inputs[0].shape[:2], layer.hidden_size)
        for t, step in enumerate(inputs):
            read = torch.cat([step, state], dim=-1)
            gates = torch.sigmoid(_convolution(model.embedding, layer.gate_pool, layer.gate_bias, read))
            z, r = gates.split(layer.hidden_size, dim=-1)
            read = torch.cat([step, z * state], dim=-1)
            candidate = torch.tanh(_convolution(model.embedding, layer.update_pool, layer.update_bias, read))
            state = r * state + (1 - r) * candidate
            inputs[t] = state
    return model.head(inputs[-1]).transpose(1, 2).unsqueeze(-1)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_equals_the_published_order_of_operations(num_layers):
    torch.manual_seed(0)
    sizes = {"embed_dim": 3, "hidden_size": 4, "num_layers": num_layers}
    model = AGCRN(5, history=6, horizon=4, in_channels=2, **sizes).double()
    x = torch.randn(2, 6, 5, 2, dtype=torch.float64, requires_grad=True)

    wanted, found = _literal(model, x), model(x)
    torch.testing.assert_close(found, wanted)

    weight, sources = torch.randn_like(found), [x, *model.parameters()]
    wanted = torch.autograd.grad((wanted * weight).sum(), sources)
    found = torch.autograd.grad((found * weight).sum(), sources)
    assert all(gradient.abs().max() > 1e-6 for gradient in wanted)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_starts_from_the_published_distributions():
    torch.manual_seed(0)
    model = AGCRN(307)
    bounds = {
        "embedding": sqrt(6 / (307 + 10)),
        "layers.0.gate_pool": sqrt(6 / ((10 + 2) * 67 * 128)),
        "layers.1.update_pool": sqrt(6 / ((10 + 2) * 128 * 64)),
        "layers.0.gate_bias": sqrt(6 / (10 + 128)),
        "head.weight": sqrt(6 / (64 + 12 * 64)),
    }
    parameters = dict(model.named_parameters())
    for name, bound in bounds.items():
        assert 0.95 * bound < parameters[name].abs().max() <= bound, name
        assert parameters[name].abs().mean().item() == pytest.approx(bound / 2, rel=0.1), name
    biases = torch.cat([AGCRN(1).head.bias for _ in range(30)])
    assert biases.min() >= 0
    assert biases.mean().item() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("batch", "nodes", "history", "horizon", "channels"),
    [(2, 5, 12, 12, 3), (1, 1, 12, 12, 3), (2, 5, 1, 3, 1), (2, 5, 24, 6, 5)],
)
def test_forecasts_every_horizon_of_every_node(batch, nodes, history, horizon, channels):
    backbone = AGCRN(nodes, history=history, horizon=horizon, in_channels=channels)
    out = backbone(torch.randn(batch, history, nodes, channels))
    assert out.shape == (batch, horizon, nodes, 1)
    assert (backbone.num_nodes, backbone.history) == (nodes, history)
    assert (backbone.horizon, backbone.in_channels) == (horizon, channels)


def test_renaming_the_nodes_renames_the_forecasts():
    torch.manual_seed(0)
    order, backbone, renamed = torch.tensor([2, 0, 5, 1, 4, 3]), AGCRN(6), AGCRN(6)
    state = backbone.state_dict()
    renamed.load_state_dict(state | {"embedding": state["embedding"][order]})
    x = torch.randn(2, 12, 6, 3)
    torch.testing.assert_close(renamed(x[:, :, order]), backbone(x)[:, :, order])


def test_computes_in_the_precision_it_is_cast_to():
    torch.manual_seed(0)
    backbone, x = AGCRN(4), torch.randn(1, 12, 4, 3)
    wanted = backbone(x)
    torch.testing.assert_close(backbone.to(torch.float64)(x.double()).float(), wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(backbone.to(torch.bfloat16)(x.bfloat16()).float(), wanted, atol=0.1, rtol=0.1)


def test_exports():
    backbone, x = AGCRN(4), torch.randn(3, 12, 4, 3)
    program = torch.export.export(backbone, (x[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.testing.assert_close(program.module()(x), backbone(x))


def test_refuses_an_empty_size():
    with pytest.raises(InputError, match="agcrn got embed_dim=0; expected 1 or more"):
        AGCRN(4, embed_dim=0)
