"""Matrices that graph backbones make of an adjacency; row = from, column = to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from stlora.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def as_adjacency(adjacency: NDArray[np.float32] | Tensor | None, num_nodes: int, backbone: str) -> Tensor:
    """The adjacency as a float64 tensor ``[N, N]``, checked.

    Raises:
        InputError: there is no graph, or it is of another size.
    """
    if adjacency is None:
        raise InputError(
            f"{backbone} needs a graph and the data has none; name a file with --graph, make one with --graph knn "
            "(of coordinates) or --graph correlation, pass adjacency= in Python, or choose a backbone without a "
            "graph such as lstm"
        )
    matrix = torch.as_tensor(adjacency, dtype=torch.float64)
    if matrix.shape != (num_nodes, num_nodes):
        raise InputError(
            f"{backbone} got a graph of shape {tuple(matrix.shape)} for {num_nodes} sensors; "
            f"expected [{num_nodes}, {num_nodes}]"
        )
    return matrix


def transition_matrix(adjacency: Tensor) -> Tensor:
    """The random walk ``D^-1 W``: rows sum to 1, or to 0 for a node without outgoing edges.

    Example:
        >>> transition_matrix(torch.tensor([[0.0, 3.0], [0.0, 0.0]])).tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """
    degree = adjacency.sum(dim=1, keepdim=True)
    return torch.where(degree > 0, adjacency / degree.clamp(min=torch.finfo(adjacency.dtype).tiny), 0.0)


def scaled_laplacian(adjacency: Tensor) -> Tensor:
    """The Chebyshev argument ``2 L / λ_max - I`` of the symmetrised graph without self loops.

    ``L = I - D^-1/2 A D^-1/2`` with ``A = max(W, Wᵀ)`` (STGCN, Yu et al. 2018). The rows of ``L`` of isolated
    nodes are zero. The largest eigenvalue comes from a dense solve in float64: iterative solvers are known not
    to converge on graphs of many bipartite components, where it is repeated.

    Example:
        >>> scaled_laplacian(torch.tensor([[1.0, 1.0], [0.0, 1.0]])).tolist()
        [[0.0, -1.0], [-1.0, 0.0]]
    """
    matrix = torch.maximum(adjacency, adjacency.T).double()
    matrix = matrix - torch.diag(matrix.diagonal())
    degree = matrix.sum(dim=1)
    scale = torch.where(degree > 0, degree, 1.0).rsqrt()
    connected = torch.diag((degree > 0).double())
    laplacian = connected - scale[:, None] * matrix * scale[None, :]
    largest = float(torch.linalg.eigvalsh(laplacian)[-1])
    if largest <= 0:  # no edges: every Chebyshev term is then the identity up to sign
        return -torch.eye(len(matrix), dtype=matrix.dtype)
    return 2 * laplacian / largest - torch.eye(len(matrix), dtype=matrix.dtype)
