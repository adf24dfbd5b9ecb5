from __future__ import annotations

import pytest
import torch

from stlora.backbones.d2stgnn import D2STGNN
from stlora.errors import InputError

DROPPED = ("time_slot_embedding", "localized_st_conv.bn.", "layers.4.inh_layer.backcast_fc", "layers.4.inh_layer.resid")
NAMES = {
    "T_i_D_emb": "slots",
    "D_i_W_emb": "days",
    "node_emb_u": "sources",
    "node_emb_d": "targets",
    "embedding": "project",
    "out_fc_1": "widen",
    "out_fc_2": "head",
    "estimation_gate.fully_connected_layer_1": "gate.widen",
    "estimation_gate.fully_connected_layer_2": "gate.narrow",
    "dif_layer.localized_st_conv.fc_list_updt": "diffusion.localise",
    "dif_layer.localized_st_conv.gcn_updt": "diffusion.mix",
    "dif_layer.backcast_branch": "diffusion.backcast",
    "dif_layer.residual_decompose.ln": "diffusion.norm",
    "inh_layer.backcast_fc": "inherent.backcast",
    "inh_layer.residual_decompose.ln": "inherent.norm",
    "inh_layer.transformer_layer.multi_head_self_attention.out_proj": "inherent.attention.mix",
    "fc_ts_emb1": "widen",
    "fc_ts_emb2": "narrow",
    "WQ": "query",
    "WK": "key",
    "bn": "norm",
}


def _our_name(name):
    stem, _, kind = name.rpartition(".")
    if not stem:
        return NAMES[name]
    if stem.startswith("dynamic_graph_constructor"):
        return f"dynamic_graphs.{NAMES[stem.rpartition('.')[2]]}.{kind}"
    if not stem.startswith("layers."):
        return f"{NAMES[stem]}.{kind}"
    _, layer, part = stem.split(".", 2)
    if part.endswith("forecast_fc"):
        return f"forecasts.{2 * int(layer) + part.startswith('inh')}.{kind}"
    if part.endswith("gru_cell"):
        return f"layers.{layer}.inherent.recurrent.{kind}_l0"
    if kind.startswith("in_proj_"):
        return f"layers.{layer}.inherent.attention.query_key_value.{kind.removeprefix('in_proj_')}"
    return f"layers.{layer}.{NAMES[part]}.{kind}"


def _from_published(published):
    kept = {name: tensor for name, tensor in published.items() if not any(part in name for part in DROPPED)}
    return {_our_name(name): tensor for name, tensor in kept.items()}


def test_gives_the_published_numbers(parity):
    backbone = D2STGNN(num_nodes=parity.num_nodes, adjacency=parity.ring(), dropout=0.0)
    parity.check("d2stgnn", backbone, _from_published, dow_scale=1 / 7)


@pytest.mark.parametrize(
    ("num_nodes", "options", "published"),
    [
        (20, {}, 391_900),
        (207, {}, 396_388),
        (307, {}, 398_788),
        (207, {"embedding_size": 10}, 391_962),
        (207, {"steps_per_day": 96}, 394_084),
    ],
)
def test_has_the_published_number_of_parameters(parity, num_nodes, options, published):
    backbone = D2STGNN(num_nodes=num_nodes, adjacency=parity.ring(num_nodes), **options)
    assert sum(p.numel() for p in backbone.parameters()) + backbone.unused_published_parameters == published


def test_leaves_out_what_the_published_model_never_uses(parity):
    assert D2STGNN(num_nodes=20, adjacency=parity.ring()).unused_published_parameters == 1_856
    assert D2STGNN(num_nodes=20, adjacency=parity.ring(), embedding_size=10).unused_published_parameters == 1_792


@pytest.mark.parametrize(
    ("batch", "nodes", "history", "horizon", "channels"),
    [(2, 3, 12, 12, 3), (1, 1, 12, 12, 3), (2, 3, 11, 1, 3), (2, 3, 14, 7, 5)],
)
def test_forecasts_every_horizon_of_every_node(parity, batch, nodes, history, horizon, channels):
    backbone = D2STGNN(nodes, parity.ring(nodes), history, horizon, channels, hidden_size=8)
    out = backbone(torch.rand(batch, history, nodes, channels) * 0.8)
    assert out.shape == (batch, horizon, nodes, 1)
    assert (backbone.num_nodes, backbone.history) == (nodes, history)
    assert (backbone.horizon, backbone.in_channels) == (horizon, channels)


def _small(adjacency):
    torch.manual_seed(0)
    return D2STGNN(
        20, adjacency, history=12, horizon=6, hidden_size=8, num_layers=2, forecast_size=16, output_size=16, dropout=0.0
    )


@pytest.fixture
def small(parity):
    return _small(parity.ring())


def test_permuting_nodes_graph_and_vectors_permutes_forecasts(parity, small):
    x, order = parity.inputs(1 / 7), torch.randperm(20)
    permuted = _small(parity.ring()[order][:, order])
    permuted.load_state_dict(small.state_dict())
    with torch.no_grad():
        permuted.sources.copy_(small.sources[order])
        permuted.targets.copy_(small.targets[order])
    expected = small.eval()(x)[:, :, order]
    torch.testing.assert_close(permuted.eval()(x[:, :, order]), expected)


def test_every_parameter_gets_a_gradient(parity, small):
    small(parity.inputs(1 / 7)).square().sum().backward()
    for name, parameter in small.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_drops_out_in_training_only(parity):
    torch.manual_seed(0)
    backbone, x = D2STGNN(3, parity.ring(3), hidden_size=8), torch.rand(1, 12, 3, 3) * 0.8
    assert not torch.equal(backbone(x), backbone(x))
    backbone.eval()
    assert torch.equal(backbone(x), backbone(x))


def test_works_in_other_precisions(parity, small):
    x = parity.inputs(1 / 7)
    single = small.eval()(x)
    torch.testing.assert_close(small.double()(x.double()).float(), single, rtol=1e-4, atol=1e-5)
    assert small.bfloat16()(x.bfloat16()).dtype == torch.bfloat16


def test_exports_for_any_batch(parity, small):
    x = parity.inputs(1 / 7)
    program = torch.export.export(small.eval(), (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    more = torch.cat([x, x[:1]])
    torch.testing.assert_close(program.module()(more), small(more))


def test_keeps_the_graph_out_of_the_state(small):
    extra = set(small.state_dict()) - {name for name, _ in small.named_parameters()}
    assert extra == {f"dynamic_graphs.norm.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}


def test_refuses_what_it_cannot_use(parity):
    with pytest.raises(InputError, match="d2stgnn needs a graph and the data has none"):
        D2STGNN(num_nodes=2)
    with pytest.raises(InputError, match="d2stgnn got history=10 for 5 layers with a window of 3; expected 11 or more"):
        D2STGNN(num_nodes=20, adjacency=parity.ring(), history=10)
    with pytest.raises(InputError, match="d2stgnn got 32 channels for 5 heads; expected a multiple of heads"):
        D2STGNN(num_nodes=20, adjacency=parity.ring(), heads=5)
    with pytest.raises(InputError, match="d2stgnn got in_channels=1; expected 3 or more"):
        D2STGNN(num_nodes=20, adjacency=parity.ring(), in_channels=1)
