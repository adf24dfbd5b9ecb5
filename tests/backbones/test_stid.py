from __future__ import annotations

import pytest
import torch

from stlora.backbones.stid import STID
from stlora.errors import InputError


def _from_published(published):
    ours = {
        "nodes": published["node_emb"],
        "slots.weight": published["time_in_day_emb"],
        "days.weight": published["day_in_week_emb"],
    }
    renamed = {
        "time_series_emb_layer": "project",
        "regression_layer": "head",
        **{f"encoder.{i}.fc{j}": f"layers.{i}.{name}" for i in range(3) for j, name in ((1, "first"), (2, "second"))},
    }
    for theirs, name in renamed.items():
        ours[f"{name}.weight"] = published[f"{theirs}.weight"].flatten(1)
        ours[f"{name}.bias"] = published[f"{theirs}.bias"]
    return ours


def test_gives_the_published_numbers(parity):
    parity.check("stid", STID(num_nodes=parity.num_nodes, dropout=0.0), _from_published, dow_scale=1 / 7)


@pytest.mark.parametrize(("num_nodes", "published"), [(60, 113_164), (207, 117_868), (307, 121_068)])
def test_has_the_published_number_of_parameters(num_nodes, published):
    backbone = STID(num_nodes=num_nodes)
    assert sum(p.numel() for p in backbone.parameters()) + backbone.unused_published_parameters == published


@pytest.mark.parametrize(
    ("batch", "nodes", "history", "horizon", "channels"),
    [(2, 3, 12, 12, 3), (1, 1, 12, 12, 3), (2, 3, 1, 1, 3), (2, 3, 24, 6, 5)],
)
def test_forecasts_every_horizon_of_every_node(batch, nodes, history, horizon, channels):
    backbone = STID(num_nodes=nodes, history=history, horizon=horizon, in_channels=channels)
    out = backbone(torch.rand(batch, history, nodes, channels) * 0.8)
    assert out.shape == (batch, horizon, nodes, 1)
    assert (backbone.num_nodes, backbone.history) == (nodes, history)
    assert (backbone.horizon, backbone.in_channels) == (horizon, channels)


def test_permuting_nodes_and_their_vectors_permutes_forecasts(parity):
    torch.manual_seed(0)
    backbone, x, order = STID(num_nodes=20).eval(), parity.inputs(1 / 7), torch.randperm(20)
    before = backbone(x)
    with torch.no_grad():
        backbone.nodes.copy_(backbone.nodes[order].clone())
    torch.testing.assert_close(backbone(x[:, :, order]), before[:, :, order])


def test_the_last_step_names_slot_and_day(parity):
    backbone, x = STID(num_nodes=20).eval(), parity.inputs(1 / 7)
    backbone(x).sum().backward()
    used = [
        table.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist() for table in (backbone.slots, backbone.days)
    ]
    assert used == [[11, 48], [0, 3]]


def test_works_in_other_precisions(parity):
    torch.manual_seed(0)
    backbone, x = STID(num_nodes=20).eval(), parity.inputs(1 / 7)
    single = backbone(x)
    torch.testing.assert_close(backbone.double()(x.double()).float(), single)
    assert backbone.bfloat16()(x.bfloat16()).dtype == torch.bfloat16


def test_exports_for_any_batch(parity):
    backbone, x = STID(num_nodes=20).eval(), parity.inputs(1 / 7)
    program = torch.export.export(backbone, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    more = torch.cat([x, x[:1]])
    torch.testing.assert_close(program.module()(more), backbone(more))


def test_keeps_derived_buffers_out_of_the_state():
    assert set(STID(num_nodes=2).state_dict()) == {name for name, _ in STID(num_nodes=2).named_parameters()}


def test_refuses_what_it_cannot_use():
    with pytest.raises(InputError, match="stid got in_channels=1; expected 3 or more"):
        STID(num_nodes=2, in_channels=1)
    with pytest.raises(InputError, match="stid got horizon=0; expected 1 or more"):
        STID(num_nodes=2, horizon=0)
