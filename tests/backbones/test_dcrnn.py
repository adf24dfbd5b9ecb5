from __future__ import annotations

import pytest
import torch

from stlora.backbones.dcrnn import DCRNN
from stlora.errors import InputError


def _from_published(published):
    ours = {f"head.{kind}": published[f"decoder.decoding_cells.1.project.{kind}"] for kind in ("weight", "bias")}
    for part, first_size in (("encoder", 3), ("decoder", 1)):
        for layer, in_size in enumerate((first_size, 64)):
            theirs = f"{part}.{part[:-2]}ing_cells.{layer}"
            read, state = [], []
            for name in ("gate", "candidate"):
                # rows: every matrix of channel 0 (inputs before states), then of channel 1, ...
                weight = published[f"{theirs}.dconv_{name}.weight"].reshape(in_size + 64, 5, -1)
                read.append(weight[:in_size].transpose(0, 1).flatten(0, 1).T)
                state.append(weight[in_size:].transpose(0, 1).flatten(0, 1).T)
            biases = [published[f"{theirs}.dconv_{name}.biases"] for name in ("gate", "candidate")]
            ours[f"{part}.{layer}.read.weight"] = torch.cat(read)
            ours[f"{part}.{layer}.read.bias"] = torch.cat(biases)
            ours[f"{part}.{layer}.gates.weight"], ours[f"{part}.{layer}.candidate.weight"] = state
    return ours


def test_gives_the_published_numbers(parity):
    parity.check("dcrnn", DCRNN(num_nodes=parity.num_nodes, adjacency=parity.ring()), _from_published)


@pytest.mark.parametrize(("num_nodes", "channels", "published"), [(20, 3, 373_313), (207, 2, 372_353)])
def test_has_the_published_number_of_parameters(parity, num_nodes, channels, published):
    backbone = DCRNN(num_nodes=num_nodes, adjacency=parity.ring(num_nodes), in_channels=channels)
    assert sum(p.numel() for p in backbone.parameters()) + backbone.unused_published_parameters == published


@pytest.mark.parametrize(
    ("batch", "nodes", "history", "horizon", "channels"),
    [(2, 3, 12, 12, 3), (1, 1, 12, 12, 3), (2, 3, 1, 1, 1), (2, 3, 5, 6, 5)],
)
def test_forecasts_every_horizon_of_every_node(parity, batch, nodes, history, horizon, channels):
    backbone = DCRNN(nodes, parity.ring(nodes), history, horizon, channels, hidden_size=4)
    out = backbone(torch.randn(batch, history, nodes, channels))
    assert out.shape == (batch, horizon, nodes, 1)
    assert (backbone.num_nodes, backbone.history) == (nodes, history)
    assert (backbone.horizon, backbone.in_channels) == (horizon, channels)


@pytest.fixture
def small(parity):
    torch.manual_seed(0)
    return DCRNN(num_nodes=20, adjacency=parity.ring(), history=12, horizon=3, hidden_size=8)


def test_permuting_nodes_and_graph_permutes_forecasts(parity, small):
    x, order = parity.inputs(1 / 7), torch.randperm(20)
    permuted = DCRNN(20, parity.ring()[order][:, order], horizon=3, hidden_size=8)
    permuted.load_state_dict(small.state_dict())
    torch.testing.assert_close(permuted(x[:, :, order]), small(x)[:, :, order])


def test_a_longer_walk_reads_farther():
    x = torch.zeros(1, 1, 20, 3)
    x[0, 0, 10, 0] = 1.0

    def reached(steps):
        torch.manual_seed(0)
        adjacency = torch.eye(20).roll(1, dims=1)  # one edge from every node to the next
        backbone = DCRNN(20, adjacency, 1, 1, diffusion_steps=steps, num_layers=1)
        difference = backbone(x) - backbone(torch.zeros_like(x))
        return difference.abs().flatten()[:10].gt(1e-6).sum().item()

    assert 0 < reached(1) < reached(2)


def test_every_parameter_gets_a_gradient(parity, small):
    small(parity.inputs(1 / 7)).square().sum().backward()
    for name, parameter in small.named_parameters():
        assert parameter.grad.abs().max() > 1e-8, name


def test_a_decoder_that_is_shown_a_true_value_goes_on_from_it(parity, small):
    x, own = parity.inputs(1 / 7), small(parity.inputs(1 / 7))
    truth = torch.full_like(own, torch.nan)
    assert torch.equal(small(x, truth), own)
    truth[:, 1] = own[:, 1] + 1
    shown = small(x, truth)
    assert torch.equal(shown[:, :2], own[:, :2])
    assert (shown[:, 2] - own[:, 2]).abs().min() > 1e-6
    truth[:, 1] = own[:, 1]
    torch.testing.assert_close(small(x, truth), own)


def test_a_missing_true_value_is_replaced_by_the_forecast_of_that_sensor(parity, small):
    x, own = parity.inputs(1 / 7), small(parity.inputs(1 / 7)).detach()
    truth = own + 1
    truth[:, :, 0] = torch.nan
    filled = truth.clone()
    filled[:, 0, 0] = own[:, 0, 0]
    torch.testing.assert_close(small(x, truth)[:, 1], small(x, filled)[:, 1])
    small(x, truth).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in small.parameters())


def test_gates_start_open_for_the_state(small):
    for cell in (*small.encoder, *small.decoder):
        assert cell.read.bias.tolist() == [1.0] * 16 + [0.0] * 8


def test_works_in_other_precisions(parity, small):
    x = parity.inputs(1 / 7)
    single = small(x)
    torch.testing.assert_close(small.double()(x.double()).float(), single, rtol=1e-4, atol=1e-5)
    assert small.bfloat16()(x.bfloat16()).dtype == torch.bfloat16


def test_exports_for_any_batch(parity):
    backbone, x = DCRNN(20, parity.ring(), 2, 2, hidden_size=4).eval(), parity.inputs(1 / 7)[:, :2]
    program = torch.export.export(backbone, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    more = torch.cat([x, x[:1]])
    torch.testing.assert_close(program.module()(more), backbone(more))


def test_keeps_the_graph_out_of_the_state(small):
    assert set(small.state_dict()) == {name for name, _ in small.named_parameters()}


def test_refuses_what_it_cannot_use(parity):
    with pytest.raises(InputError, match="dcrnn needs a graph and the data has none"):
        DCRNN(num_nodes=2)
    with pytest.raises(InputError, match=r"dcrnn got a graph of shape \(20, 20\) for 2 sensors"):
        DCRNN(num_nodes=2, adjacency=parity.ring())
    with pytest.raises(InputError, match="dcrnn got diffusion_steps=0; expected 1 or more"):
        DCRNN(num_nodes=20, adjacency=parity.ring(), diffusion_steps=0)
