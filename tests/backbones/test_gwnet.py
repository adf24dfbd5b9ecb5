from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from stlora.backbones.graph import transition_matrix
from stlora.backbones.gwnet import GraphWaveNet
from stlora.errors import InputError


def _pointwise(published, name):
    """A published 1×1 convolution as a linear layer."""
    return {"weight": published[f"{name}.weight"].flatten(1), "bias": published[f"{name}.bias"]}


def _from_published(published):
    parts = {"start": "start_conv", "widen": "end_conv_1", "head": "end_conv_2"}
    parts |= {f"skips.{i}": f"skip_convs.{i}" for i in range(8)}
    parts |= {f"graphs.{i}.linear": f"gconv.{i}.mlp.mlp" for i in range(7)}
    ours = {f"{part}.{k}": t for part, name in parts.items() for k, t in _pointwise(published, name).items()}
    for i in range(8):
        for kind in ["weight", "bias"]:
            fused = torch.cat([published[f"{part}_convs.{i}.{kind}"] for part in ["filter", "gate"]])
            ours[f"gates.{i}.convolution.{kind}"] = fused.transpose(2, 3) if kind == "weight" else fused
    for i in range(7):
        ours |= {f"graphs.{i}.norm.{kind}": published[f"bn.{i}.{kind}"] for kind in ["weight", "bias"]}
    return ours | {"source": published["nodevec1"], "sink": published["nodevec2"]}


def test_gives_the_published_numbers(parity):
    parity.check("gwnet", GraphWaveNet(parity.num_nodes, parity.ring(), dropout=0.0), _from_published)


@pytest.mark.parametrize("num_nodes", [20, 207, 307])
def test_has_the_published_number_of_parameters(parity, num_nodes):
    backbone = GraphWaveNet(num_nodes, parity.ring(num_nodes))
    assert backbone.unused_published_parameters == 7_264
    trained = sum(p.numel() for p in backbone.parameters())
    assert trained + backbone.unused_published_parameters == 296_844 + 20 * num_nodes


def _literal(model, graph, x, training):
    """The published order of operations on [B, C, N, T]: concatenated diffusion, skips cropped after each layer."""
    learned = torch.softmax(torch.relu(model.source @ model.sink), dim=1)
    supports = [transition_matrix(graph), transition_matrix(graph.T), learned]
    x = F.pad(x.permute(0, 3, 2, 1), (model.receptive_field - x.shape[1], 0))
    x = F.conv2d(x, model.start.weight[:, :, None, None], model.start.bias)
    skip = None
    for i, gate in enumerate(model.gates):
        residual, dilation = x, gate.convolution.dilation[0]
        both = F.conv2d(x, gate.convolution.weight.transpose(2, 3), gate.convolution.bias, dilation=(1, dilation))
        filtered, gated = both.chunk(2, dim=1)
        x = torch.tanh(filtered) * torch.sigmoid(gated)
        step = F.conv2d(x, model.skips[i].weight[:, :, None, None], model.skips[i].bias)
        skip = step if skip is None else step + skip[..., -step.shape[3] :]
        if i == len(model.graphs):
            break
        terms = [x]
        for support in supports:
            diffused = x
            for _ in range(model.graphs[i].order):
                diffused = torch.einsum("bcvt,vw->bcwt", diffused, support)
                terms.append(diffused)
        linear, norm = model.graphs[i].linear, model.graphs[i].norm
        x = F.conv2d(torch.cat(terms, dim=1), linear.weight[:, :, None, None], linear.bias)
        x = x + residual[..., -x.shape[3] :]
        x = F.batch_norm(x, norm.running_mean.clone(), norm.running_var.clone(), norm.weight, norm.bias, training)
    out = torch.relu(skip).permute(0, 2, 3, 1)[:, :, -1]
    return model.head(torch.relu(model.widen(out))).transpose(1, 2).unsqueeze(-1)


@pytest.fixture
def _double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("_double")
@pytest.mark.parametrize(("nodes", "share"), [(5, 0.6), (40, 0.02)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_equals_the_published_order_of_operations(nodes, share, training, order):
    torch.manual_seed(0)
    graph = torch.rand(nodes, nodes) * (torch.rand(nodes, nodes) < share)
    sizes = {"channels": 4, "skip_channels": 6, "end_channels": 7, "order": order, "rank": 3, "dropout": 0.0}
    model = GraphWaveNet(nodes, graph, horizon=3, in_channels=2, **sizes).train(training)
    assert model.walks[0].sparse == (share < 0.05)
    x = torch.randn(2, 12, nodes, 2)

    wanted = _literal(model, graph, x, training)
    found = model(x)
    torch.testing.assert_close(found, wanted)

    weight = torch.randn_like(found)
    wanted = torch.autograd.grad((wanted * weight).sum(), list(model.parameters()))
    found = torch.autograd.grad((found * weight).sum(), list(model.parameters()))
    assert any(gradient.abs().max() > 1e-3 for gradient in wanted)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_leaves_no_parameter_without_a_gradient(parity):
    torch.manual_seed(0)
    backbone = GraphWaveNet(5, parity.ring(5))
    backbone(torch.randn(2, 12, 5, 3)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in backbone.parameters())


@pytest.mark.parametrize(
    ("batch", "nodes", "history", "horizon", "options"),
    [
        (2, 5, 12, 12, {}),
        (1, 1, 12, 12, {}),
        (2, 5, 1, 3, {"in_channels": 1}),
        (2, 5, 13, 1, {}),
        (2, 5, 30, 24, {"in_channels": 5}),
        (2, 5, 12, 12, {"blocks": 1, "layers": 3}),
    ],
)
def test_forecasts_every_horizon_of_every_node(parity, batch, nodes, history, horizon, options):
    backbone = GraphWaveNet(nodes, parity.ring(nodes), history=history, horizon=horizon, **options)
    out = backbone(torch.randn(batch, history, nodes, backbone.in_channels))
    assert out.shape == (batch, horizon, nodes, 1)
    assert (backbone.num_nodes, backbone.history, backbone.horizon) == (nodes, history, horizon)


def test_reads_the_newest_steps_of_a_long_history(parity):
    torch.manual_seed(0)
    backbone = GraphWaveNet(4, parity.ring(4), history=20).eval().double()
    x = torch.randn(2, 20, 4, 3, dtype=torch.float64)
    older, newer = x.clone(), x.clone()
    older[:, :7] += 1
    newer[:, 7] += 1
    assert torch.equal(backbone(older), backbone(x))
    assert not torch.equal(backbone(newer), backbone(x))


def test_renaming_the_nodes_renames_the_forecasts(parity):
    torch.manual_seed(0)
    order, graph = torch.tensor([2, 0, 5, 1, 4, 3]), parity.ring(6)
    backbone, renamed = GraphWaveNet(6, graph).eval(), GraphWaveNet(6, graph[order][:, order]).eval()
    state = backbone.state_dict()
    renamed.load_state_dict(state | {"source": state["source"][order], "sink": state["sink"][:, order]})
    x = torch.randn(2, 12, 6, 3)
    torch.testing.assert_close(renamed(x[:, :, order]), backbone(x)[:, :, order])


def test_information_flows_along_the_edges_and_against_them():
    torch.manual_seed(0)
    chain = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    backbone = GraphWaveNet(3, chain).eval()
    with torch.no_grad():
        backbone.source[:], backbone.sink[:] = 40 * torch.eye(3, 10), 40 * torch.eye(10, 3)  # everyone for itself
    x = torch.randn(1, 12, 3, 3)
    for source, reached in [(0, [True, True, False]), (1, [True, True, False]), (2, [False, False, True])]:
        moved = x.clone()
        moved[:, :, source] += 1
        assert [not torch.equal(a, b) for a, b in zip(backbone(moved)[0, 0], backbone(x)[0, 0], strict=True)] == reached


@pytest.mark.parametrize("nodes", [4, 60])
def test_the_graph_is_not_in_the_state_dict(parity, nodes):
    assert not [name for name in GraphWaveNet(nodes, parity.ring(nodes)).state_dict() if "walks" in name]


@pytest.mark.parametrize("nodes", [4, 60])
def test_computes_in_the_precision_it_is_cast_to(parity, nodes):
    torch.manual_seed(0)
    backbone, x = GraphWaveNet(nodes, parity.ring(nodes)).eval(), torch.randn(1, 12, nodes, 3)
    wanted = backbone(x)
    torch.testing.assert_close(backbone.to(torch.float64)(x.double()).float(), wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(backbone.to(torch.bfloat16)(x.bfloat16()).float(), wanted, atol=0.1, rtol=0.1)


@pytest.mark.parametrize("nodes", [4, 60])
def test_exports(parity, nodes):
    backbone, x = GraphWaveNet(nodes, parity.ring(nodes), blocks=2).eval(), torch.randn(3, 12, nodes, 3)
    program = torch.export.export(backbone, (x[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.testing.assert_close(program.module()(x), backbone(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adjacency": None}, "gwnet needs a graph"),
        ({"adjacency": torch.eye(3)}, r"gwnet got a graph of shape \(3, 3\) for 4 sensors"),
        ({"horizon": 0}, "gwnet got horizon=0"),
        ({"blocks": 0}, "gwnet got blocks=0"),
    ],
)
def test_refuses_what_it_cannot_use(options, message):
    with pytest.raises(InputError, match=message):
        GraphWaveNet(**{"num_nodes": 4, "adjacency": torch.eye(4), **options})


def test_without_a_learned_support_the_walks_do_the_same():
    torch.manual_seed(0)
    graph = torch.rand(5, 5)
    sizes = {"channels": 4, "skip_channels": 6, "end_channels": 7}
    model, without = (GraphWaveNet(5, graph, **sizes, rank=rank).eval() for rank in (3, 0))
    weights = {name: tensor for name, tensor in model.state_dict().items() if name not in ("source", "sink")}
    for name, tensor in weights.items():
        if name.startswith("graphs.") and name.endswith("linear.weight"):
            tensor[:, 5 * 4 :] = 0
            weights[name] = tensor[:, : 5 * 4].clone()
    without.load_state_dict(weights)
    x = torch.randn(2, 12, 5, 3)
    torch.testing.assert_close(without(x), model(x))
    with pytest.raises(InputError, match="rank=-1; expected 1 or more, or 0"):
        GraphWaveNet(5, graph, rank=-1)
