from __future__ import annotations

import pytest
import torch

from stlora.backbones.stgcn import STGCN
from stlora.errors import InputError


def _from_published(published):
    ours = {}
    for i, name in enumerate(["st_blocks.0", "st_blocks.1"]):
        for part, theirs in [("before", "tmp_conv1"), ("after", "tmp_conv2")]:
            for kind in ["weight", "bias"]:
                ours[f"blocks.{i}.{part}.convolution.{kind}"] = published[f"{name}.{theirs}.causal_conv.{kind}"]
        for kind in ["weight", "bias"]:
            align = published[f"{name}.graph_conv.align.align_conv.{kind}"]
            ours[f"blocks.{i}.graph.fit.linear.{kind}"] = align.flatten(1) if kind == "weight" else align
            ours[f"blocks.{i}.graph.{kind}"] = published[f"{name}.graph_conv.cheb_graph_conv.{kind}"]
            ours[f"blocks.{i}.norm.{kind}"] = published[f"{name}.tc2_ln.{kind}"]
    for kind in ["weight", "bias"]:
        ours[f"last.convolution.{kind}"] = published[f"output.tmp_conv1.causal_conv.{kind}"]
        ours[f"norm.{kind}"] = published[f"output.tc1_ln.{kind}"]
        ours[f"widen.{kind}"] = published[f"output.fc1.{kind}"]
        ours[f"head.{kind}"] = published[f"output.fc2.{kind}"]
    return ours


def test_gives_the_published_numbers(parity):
    parity.check("stgcn", STGCN(parity.num_nodes, parity.ring(), dropout=0.0), _from_published)


@pytest.mark.parametrize("num_nodes", [20, 207, 307])
def test_has_the_published_number_of_parameters(parity, num_nodes):
    backbone = STGCN(num_nodes, parity.ring(num_nodes))
    assert backbone.unused_published_parameters == 14_912
    trained = sum(p.numel() for p in backbone.parameters())
    assert trained + backbone.unused_published_parameters == 140_940 + 512 * num_nodes


def test_leaves_no_parameter_without_a_gradient(parity):
    torch.manual_seed(0)
    backbone = STGCN(5, parity.ring(5))
    backbone(torch.randn(2, 12, 5, 3)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in backbone.parameters())


@pytest.mark.parametrize(
    ("batch", "nodes", "history", "horizon", "options"),
    [
        (2, 5, 12, 12, {}),
        (1, 1, 12, 12, {}),
        (2, 5, 9, 3, {"in_channels": 1}),
        (2, 5, 24, 24, {"in_channels": 70}),
        (2, 5, 3, 2, {"kernel_size": 1, "order": 2, "spatial_channels": 64}),
        (2, 5, 12, 1, {"order": 5}),
    ],
)
def test_forecasts_every_horizon_of_every_node(parity, batch, nodes, history, horizon, options):
    backbone = STGCN(nodes, parity.ring(nodes), history=history, horizon=horizon, **options)
    out = backbone(torch.randn(batch, history, nodes, backbone.in_channels))
    assert out.shape == (batch, horizon, nodes, 1)
    assert (backbone.num_nodes, backbone.history, backbone.horizon) == (nodes, history, horizon)


def test_renaming_the_nodes_renames_the_forecasts(parity):
    torch.manual_seed(0)
    order, graph = torch.tensor([2, 0, 5, 1, 4, 3]), parity.ring(6)
    backbone, renamed = STGCN(6, graph).eval(), STGCN(6, graph[order][:, order]).eval()
    renamed.load_state_dict(backbone.state_dict())
    x = torch.randn(2, 12, 6, 3)
    torch.testing.assert_close(renamed(x[:, :, order]), backbone(x)[:, :, order])


def test_mixes_neighbours_without_regard_to_direction_and_self_loops(parity):
    torch.manual_seed(0)
    graph, x = parity.ring(6), torch.randn(2, 12, 6, 3)
    backbone = STGCN(6, graph).eval()
    for same in [graph.T, graph - torch.eye(6), graph.float().numpy()]:
        other = STGCN(6, same).eval()
        other.load_state_dict(backbone.state_dict())
        torch.testing.assert_close(other(x), backbone(x))
    cut = STGCN(6, torch.eye(6)).eval()
    cut.load_state_dict(backbone.state_dict())
    assert not torch.allclose(cut(x), backbone(x), atol=1e-3)


def test_the_graph_is_not_in_the_state_dict(parity):
    assert "basis" not in STGCN(4, parity.ring(4)).state_dict()


def test_computes_in_the_precision_it_is_cast_to(parity):
    backbone = STGCN(4, parity.ring(4)).eval()
    x = torch.randn(1, 12, 4, 3)
    wanted = backbone(x)
    torch.testing.assert_close(backbone.to(torch.float64)(x.double()).float(), wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(backbone.to(torch.bfloat16)(x.bfloat16()).float(), wanted, atol=0.1, rtol=0.1)


def test_exports(parity):
    backbone, x = STGCN(4, parity.ring(4)).eval(), torch.randn(3, 12, 4, 3)
    program = torch.export.export(backbone, (x[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.testing.assert_close(program.module()(x), backbone(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adjacency": None}, "stgcn needs a graph"),
        ({"adjacency": torch.eye(3)}, r"stgcn got a graph of shape \(3, 3\) for 4 sensors"),
        ({"history": 8}, "stgcn got a history of 8 steps, and its blocks take 8; give a history of 9 or more"),
        ({"horizon": 0}, "stgcn got horizon=0"),
        ({"order": 1}, "stgcn got order=1; expected 2 or more"),
    ],
)
def test_refuses_what_it_cannot_use(options, message):
    with pytest.raises(InputError, match=message):
        STGCN(**{"num_nodes": 4, "adjacency": torch.eye(4), **options})
