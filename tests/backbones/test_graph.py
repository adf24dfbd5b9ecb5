"""The matrices of a small directed graph, by hand; row = from, column = to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stlora.backbones import create
from stlora.backbones.graph import as_adjacency, scaled_laplacian, transition_matrix
from stlora.backbones.product import FixedProduct
from stlora.data.readers.graph_file import read_graph
from stlora.errors import InputError

# 0 → 1 of weight 1, 0 → 2 of weight 3, 1 → 2 of weight 2, 2 → 2 of weight 4; 3 has no edges.
ADJACENCY = torch.tensor(
    [[0, 1, 3, 0], [0, 0, 2, 0], [0, 0, 4, 0], [0, 0, 0, 0]],
    dtype=torch.float64,
)


def test_an_edge_list_becomes_rows_from_and_columns_to(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("from,to,weight\n0,1,1\n0,2,3\n1,2,2\n2,2,4\n3,3,0\n")
    adjacency, _ = read_graph(path).match(["0", "1", "2", "3"])
    np.testing.assert_array_equal(as_adjacency(adjacency, 4, "test"), ADJACENCY)


def test_the_random_walk_leaves_along_the_edges():
    forward = transition_matrix(ADJACENCY)
    np.testing.assert_allclose(forward, [[0, 0.25, 0.75, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    backward = transition_matrix(ADJACENCY.T)
    np.testing.assert_allclose(backward, [[0, 0, 0, 0], [1, 0, 0, 0], [1 / 3, 2 / 9, 4 / 9, 0], [0, 0, 0, 0]])


def test_the_forward_product_brings_each_node_what_lies_down_its_edges():
    signal = torch.tensor([[1.0], [10.0], [100.0], [1000.0]])
    assert FixedProduct(transition_matrix(ADJACENCY))(signal).flatten().tolist() == [77.5, 100.0, 100.0, 0.0]
    upstream = FixedProduct(transition_matrix(ADJACENCY.T))(signal).flatten()
    np.testing.assert_allclose(upstream, [0, 1, 1 / 3 + 20 / 9 + 400 / 9, 0], rtol=1e-6)


def test_the_laplacian_is_that_of_the_symmetrised_graph_without_loops():
    # Symmetrised: 0-1 of weight 1, 0-2 of 3, 1-2 of 2; degrees 4, 3, 5, 0.
    a, b, c = 1 / np.sqrt(4 * 3), 3 / np.sqrt(4 * 5), 2 / np.sqrt(3 * 5)
    laplacian = np.array([[1, -a, -b, 0], [-a, 1, -c, 0], [-b, -c, 1, 0], [0, 0, 0, 0]])
    # The other eigenvalues of the connected part are 0 and, as they sum to 3, the roots of x² - 3x + m = 0,
    # m the sum of its principal minors of size 2.
    minors = 3 - a**2 - b**2 - c**2
    largest = (3 + np.sqrt(9 - 4 * minors)) / 2
    np.testing.assert_allclose(scaled_laplacian(ADJACENCY), 2 * laplacian / largest - np.eye(4), atol=1e-12)


def test_a_graph_without_edges_has_the_constant_laplacian():
    np.testing.assert_array_equal(scaled_laplacian(torch.eye(3)), -torch.eye(3))


@pytest.mark.parametrize("name", ["dcrnn", "gwnet"])
def test_a_backbone_without_its_graph_names_the_choices(name):
    with pytest.raises(InputError) as caught:
        create(name, num_nodes=4)
    for choice in ("--graph", "knn", "correlation", "adjacency="):
        assert choice in str(caught.value)


def test_a_graph_of_another_size_is_refused():
    with pytest.raises(InputError, match=r"shape \(4, 4\) for 5 sensors"):
        as_adjacency(ADJACENCY, 5, "dcrnn")
