"""The product of a fixed graph matrix with node features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SPARSE_BELOW = 0.1
"""Largest share of non-zeros for which their sum is taken one by one.

Measured forward and backward for 100 to 3000 nodes, float32 on one core (``benchmarks/graph_product.py``, results in
``results/speed/graph_product.md``): up to this share the sum is faster for every size, at 0.3 the dense product is
for all but the smallest. Road graphs have shares of 0.01 to 0.04.
"""


class FixedProduct(nn.Module):
    """``A x`` for a fixed ``A`` ``[R, N]`` and ``x`` ``[N, M]``; differentiable in ``x``.

    Args:
        matrix: A, dense or a sparse COO tensor; kept out of the state dict, because it comes from the graph.

    Attributes:
        shape: (R, N).

    Example:
        >>> product = FixedProduct(torch.tensor([[0.0, 2.0], [1.0, 0.0]]))
        >>> product(torch.tensor([[1.0], [10.0]])).tolist()
        [[20.0], [1.0]]
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        matrix = matrix.to(torch.get_default_dtype())
        if matrix.is_sparse:
            matrix = matrix.coalesce()
            (rows, columns), values = matrix.indices(), matrix.values()
            self.sparse = True
        else:
            rows, columns = matrix.nonzero(as_tuple=True)
            self.sparse = 0 < len(rows) <= SPARSE_BELOW * matrix.numel()
            values = matrix[rows, columns] if self.sparse else matrix
        self.shape = tuple(matrix.shape)
        counts = torch.bincount(rows, minlength=len(matrix))
        self.values: Tensor
        self.columns: Tensor
        self.starts: Tensor
        self.register_buffer("values", values, persistent=False)
        self.register_buffer("columns", columns if self.sparse else None, persistent=False)
        self.register_buffer("starts", counts.cumsum(0) - counts if self.sparse else None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, M]`` to ``[R, M]``."""
        if not self.sparse:
            return self.values @ x
        # Row i of the product is a bag: the weighted sum of the rows of x that row i of A names.
        weights = self.values.to(x.dtype)
        return F.embedding_bag(self.columns, x, self.starts, mode="sum", per_sample_weights=weights)
