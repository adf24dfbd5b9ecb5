from __future__ import annotations

import pytest
import torch

from stlora.backbones.lstm import LSTM
from stlora.errors import InputError


def _from_published(published):
    names = {
        "project.weight": published["start_conv.weight"].reshape(32, 3),
        "project.bias": published["start_conv.bias"],
        "widen.weight": published["end_linear1.weight"],
        "widen.bias": published["end_linear1.bias"],
        "head.weight": published["end_linear2.weight"],
        "head.bias": published["end_linear2.bias"],
    }
    recurrent = {f"recurrent.{name[5:]}": tensor for name, tensor in published.items() if name.startswith("lstm.")}
    return names | recurrent


def test_gives_the_published_numbers(parity):
    parity.check("lstm", LSTM(num_nodes=parity.num_nodes, dropout=0.0), _from_published)


@pytest.mark.parametrize("num_nodes", [20, 207, 307])
def test_has_the_published_number_of_parameters(num_nodes):
    backbone = LSTM(num_nodes=num_nodes)
    assert sum(p.numel() for p in backbone.parameters()) + backbone.unused_published_parameters == 97_932


@pytest.mark.parametrize(
    ("batch", "nodes", "history", "horizon", "channels"),
    [(2, 3, 12, 12, 3), (1, 1, 12, 12, 3), (2, 3, 1, 1, 1), (2, 3, 24, 6, 5)],
)
def test_forecasts_every_horizon_of_every_node(batch, nodes, history, horizon, channels):
    backbone = LSTM(num_nodes=nodes, history=history, horizon=horizon, in_channels=channels)
    out = backbone(torch.randn(batch, history, nodes, channels))
    assert out.shape == (batch, horizon, nodes, 1)
    assert (backbone.num_nodes, backbone.history) == (nodes, history)
    assert (backbone.horizon, backbone.in_channels) == (horizon, channels)


def test_reads_each_node_by_itself():
    torch.manual_seed(0)
    backbone = LSTM(num_nodes=4).eval()
    x, order = torch.randn(2, 12, 4, 3), torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(backbone(x[:, :, order]), backbone(x)[:, :, order])
    torch.testing.assert_close(backbone(x[:1, :, 1:2]), backbone(x)[:1, :, 1:2])


def test_drops_out_in_training_only():
    torch.manual_seed(0)
    backbone, x = LSTM(num_nodes=2), torch.randn(1, 12, 2, 3)
    assert not torch.equal(backbone(x), backbone(x))
    backbone.eval()
    assert torch.equal(backbone(x), backbone(x))


def test_refuses_an_empty_horizon():
    with pytest.raises(InputError, match="lstm got horizon=0; expected 1 or more"):
        LSTM(num_nodes=2, horizon=0)


@pytest.mark.filterwarnings("ignore:The tensor attributes")  # torch's own recurrent layer keeps a list of its weights
def test_exports():
    backbone, x = LSTM(num_nodes=4).eval(), torch.randn(3, 12, 4, 3)
    program = torch.export.export(backbone, (x[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.testing.assert_close(program.module()(x), backbone(x))
