"""Chebyshev polynomials of a graph's Laplacian, with every entry or with those that are not zero."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from torch import Tensor

from stlora.backbones.graph import scaled_laplacian

DENSE_UP_TO = 2000
"""Nodes up to which every entry is kept, and the largest eigenvalue found by a dense solve, N³ work."""


def chebyshev(adjacency: Tensor, order: int) -> Tensor:
    """``T_1(L) … T_{order-1}(L)`` as ``[N, N (order - 1)]``, the polynomials of a node side by side.

    ``L`` is :func:`stlora.backbones.graph.scaled_laplacian`. Above :data:`DENSE_UP_TO` nodes the answer is a sparse
    COO tensor, made of sparse products.

    Args:
        adjacency: ``[N, N]`` edge weights, row = from, column = to.
        order: polynomials, the identity included; at least 2.

    Example:
        >>> chebyshev(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), order=3).tolist()  # [[T_1, T_2], [T_1, T_2]] each
        [[0.0, 1.0, -1.0, 0.0], [-1.0, 0.0, 0.0, 1.0]]
    """
    if len(adjacency) > DENSE_UP_TO:
        return _sparse(adjacency, order)
    laplacian = scaled_laplacian(adjacency)
    terms = [torch.eye(len(laplacian), dtype=laplacian.dtype), laplacian]
    while len(terms) < order:
        terms.append(2 * laplacian @ terms[-1] - terms[-2])
    return torch.stack(terms[1:], dim=-1).flatten(1)


def _sparse(adjacency: Tensor, order: int) -> Tensor:
    nodes = len(adjacency)
    laplacian = _scaled_laplacian(sparse.csr_array(adjacency.double().numpy()))
    terms = [sparse.eye_array(nodes, format="csr"), laplacian]
    while len(terms) < order:
        terms.append(2 * laplacian @ terms[-1] - terms[-2])
    entries = [term.tocoo() for term in terms[1:]]
    rows = np.concatenate([term.row for term in entries])
    columns = np.concatenate([term.col.astype(np.int64) * (order - 1) + k for k, term in enumerate(entries)])
    values = np.concatenate([term.data for term in entries])
    indices = torch.from_numpy(np.stack([rows, columns]))
    shape = (nodes, nodes * (order - 1))
    return torch.sparse_coo_tensor(indices, torch.from_numpy(values), shape, check_invariants=True)


def _scaled_laplacian(adjacency: sparse.csr_array) -> sparse.csr_array:
    """As :func:`stlora.backbones.graph.scaled_laplacian`."""
    nodes = adjacency.shape[0]
    matrix = adjacency.maximum(adjacency.T)
    matrix = matrix - sparse.diags_array(matrix.diagonal())
    matrix.eliminate_zeros()
    degree = matrix.sum(axis=1)
    scale = sparse.diags_array(np.where(degree > 0, degree, 1.0) ** -0.5)
    laplacian = sparse.diags_array((degree > 0).astype(np.float64)) - scale @ matrix @ scale
    identity = sparse.eye_array(nodes, format="csr")
    largest = _largest_eigenvalue(laplacian)
    return -identity if largest <= 0 else 2 / largest * laplacian.tocsr() - identity


def _largest_eigenvalue(laplacian: sparse.csr_array) -> float:
    """By Lanczos' method from a fixed start, so that a network that is built again is the same.

    No eigenvalue is above 2. Where many lie just below and the method does not end, 2 is taken: the polynomials then
    use a little less than the whole interval.
    """
    if laplacian.nnz == 0:
        return 0.0
    start = np.random.default_rng(0).normal(size=laplacian.shape[0])
    try:
        return float(eigsh(laplacian, k=1, which="LA", v0=start, tol=1e-9, return_eigenvectors=False)[0])
    except ArpackNoConvergence:
        return 2.0
