"""Polynomials of large graphs are those of small ones, without the zeros."""

import pytest
import torch

from stlora.backbones import chebyshev as room
from stlora.backbones import create
from stlora.backbones.chebyshev import chebyshev


def graph(kind, nodes=40):
    matrix = torch.zeros(nodes, nodes)
    if kind == "ring":
        matrix += torch.eye(nodes) + 0.5 * torch.eye(nodes).roll(1, 0)
    elif kind == "pairs":  # many bipartite components: the largest eigenvalue, 2, is repeated
        for node in range(0, nodes - 4, 2):
            matrix[node, node + 1] = 1 + node
    elif kind == "random":
        generator = torch.Generator().manual_seed(0)
        matrix = torch.rand(nodes, nodes, generator=generator)
        matrix = torch.where(matrix > 0.9, matrix, 0.0)
    return matrix.double()


@pytest.mark.parametrize("kind", ["ring", "pairs", "random", "none"])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_sparse_polynomials_are_the_dense_ones(monkeypatch, kind, order):
    expected = chebyshev(graph(kind), order)
    monkeypatch.setattr(room, "DENSE_UP_TO", 10)
    found = chebyshev(graph(kind), order)
    assert found.is_sparse
    torch.testing.assert_close(found.to_dense(), expected, rtol=0, atol=1e-7)


def test_without_convergence_the_bound_is_taken(monkeypatch):
    def stuck(*_, **__):
        raise room.ArpackNoConvergence("stuck", [], [])

    expected = chebyshev(graph("pairs"), 3)
    monkeypatch.setattr(room, "DENSE_UP_TO", 10)
    monkeypatch.setattr(room, "eigsh", stuck)
    torch.testing.assert_close(chebyshev(graph("pairs"), 3).to_dense(), expected)


def test_stgcn_forecasts_and_learns_the_same_with_sparse_polynomials(monkeypatch):
    answers = []
    for limit in (2000, 10):
        monkeypatch.setattr(room, "DENSE_UP_TO", limit)
        torch.manual_seed(0)
        model = create("stgcn", 40, graph("random").float(), temporal_channels=6, spatial_channels=4, dropout=0.0)
        x = torch.randn(3, 12, 40, 3)
        forecast = model(x)
        forecast.square().sum().backward()
        answers.append((forecast, *(parameter.grad for parameter in model.parameters())))
        assert (model.basis.product is None) == (limit == 2000)
        assert not any("basis" in name for name in model.state_dict())
    for dense, sparse in zip(*answers, strict=True):
        torch.testing.assert_close(sparse, dense, rtol=1e-4, atol=1e-5)
