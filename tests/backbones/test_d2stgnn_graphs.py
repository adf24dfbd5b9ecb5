from __future__ import annotations

import math

import pytest
import torch

from stlora.backbones.d2stgnn_graphs import DynamicGraphs, prepare, spread
from stlora.backbones.graph import transition_matrix

B, N, T, D, E = 2, 6, 4, 5, 3


@pytest.fixture
def signals():
    torch.manual_seed(0)
    shapes = {"values": (B, N, T), "clock": (B, 2 * E), "nodes": (2, N, E), "signal": (B, N, 7)}
    return {name: torch.randn(shape, dtype=torch.float64, requires_grad=True) for name, shape in shapes.items()}


@pytest.fixture
def dynamic():
    torch.manual_seed(1)
    adjacency = torch.rand(N, N, dtype=torch.float64).round() * torch.rand(N, N, dtype=torch.float64)
    adjacency[2] = 0.0  # a node without outgoing edges
    return _in_double(adjacency), adjacency


def _in_double(adjacency):
    torch.set_default_dtype(torch.float64)
    try:
        return DynamicGraphs(adjacency, T, D, E, dropout=0.0)
    finally:
        torch.set_default_dtype(torch.float32)


def _literal_graphs(module, adjacency, values, clock, nodes):
    """Softmax, mask, division by the row sum as a product with a diagonal matrix."""
    batch = values.shape[0]
    read = torch.relu(module.widen(values))
    mean, variance = read.mean(dim=(0, 1)), read.var(dim=(0, 1), unbiased=False)
    read = module.norm.weight * (read - mean) / torch.sqrt(variance + module.norm.eps) + module.norm.bias
    read = module.narrow(read)
    masks = (transition_matrix(adjacency).T, transition_matrix(adjacency.T).T)
    graphs = []
    for vectors, mask in zip(nodes, masks, strict=True):
        features = torch.cat([read, clock[:, None].expand(batch, N, -1), vectors.expand(batch, N, -1)], dim=-1)
        scores = module.query(features) @ module.key(features).transpose(1, 2) / math.sqrt(D)
        masked = scores.softmax(dim=-1) * (mask + 1e-7)
        graphs.append(torch.diag_embed(1 / masked.sum(dim=-1)) @ masked)
    return torch.stack(graphs, dim=1)


def _literal_spread(graphs, signal):
    """Every power formed, its diagonal masked, then the product."""
    apart = 1 - torch.eye(N, dtype=torch.float64)
    out = []
    for graph in graphs.unbind(1):
        out += [(graph * apart) @ signal, (graph @ graph * apart) @ signal]
    return out


def _check_equal(found, expected, leaves):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    upstream = torch.randn(expected.shape, dtype=torch.float64)
    ours = torch.autograd.grad(found, leaves, upstream)
    literal = torch.autograd.grad(expected, leaves, upstream)
    for one, other in zip(ours, literal, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)


def test_dynamic_graphs_equal_the_published_order_of_operations(dynamic, signals):
    module, adjacency = dynamic
    values, clock, nodes, _ = signals.values()
    found = module(values, clock, nodes)
    expected = _literal_graphs(module, adjacency, values, clock, nodes)
    _check_equal(found, expected, [values, clock, nodes, *module.parameters()])


def test_spreading_equals_products_with_six_masked_graphs(signals):
    full = torch.randn(B, 3, N, N, dtype=torch.float64).softmax(dim=-1).requires_grad_()
    found = torch.stack(spread(prepare(full), signals["signal"]))
    expected = torch.stack(_literal_spread(full, signals["signal"]))
    _check_equal(found, expected, [full, signals["signal"]])


def test_no_node_hears_itself():
    full = torch.rand(1, 3, N, N, dtype=torch.float64)
    for reached in spread(prepare(full), torch.eye(N, dtype=torch.float64)[None]):
        torch.testing.assert_close(reached[0].diagonal(), torch.zeros(N, dtype=torch.float64))


def test_rows_of_dynamic_graphs_sum_to_one_without_any_edge(signals):
    values, clock, nodes, _ = signals.values()
    module = _in_double(torch.zeros(N, N, dtype=torch.float64))
    torch.testing.assert_close(module(values, clock, nodes).sum(dim=-1), torch.ones(B, 2, N, dtype=torch.float64))


def test_a_single_row_in_training_is_normalised_with_the_kept_statistics():
    module = DynamicGraphs(torch.ones(1, 1, dtype=torch.float64), T, D, E, dropout=0.0)
    module.norm.running_mean += 0.5
    x = torch.rand(1, 1, 2 * D)
    torch.testing.assert_close(module._normalise(x), (x - 0.5) / math.sqrt(1 + module.norm.eps))
