"""STGCN: gated convolutions over time around Chebyshev convolutions over the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stlora.backbones.chebyshev import chebyshev
from stlora.backbones.graph import as_adjacency
from stlora.backbones.product import FixedProduct
from stlora.backbones.sizes import check_sizes
from stlora.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class STGCN(nn.Module):
    """Spatio-temporal graph convolutional network (Yu, Yin and Zhu 2018).

    The form is that of the LargeST benchmark (Liu et al. 2023): all horizons at once, the graph convolution on
    reduced channels, no dropout in the output block. Two blocks of temporal, graph and temporal convolution take
    ``4 (kernel_size - 1)`` steps off the history; the output block spans what is left of it. Each block ends with a
    layer norm over nodes and channels together, whose weights are N × channels: a trained STGCN keeps its N.

    Args:
        num_nodes: N.
        adjacency: ``[N, N]`` edge weights, row = from, column = to; made symmetric, self loops ignored.
        history: T; more than ``4 (kernel_size - 1)``.
        horizon: H.
        in_channels: C.
        temporal_channels: channels of the temporal convolutions.
        spatial_channels: channels of the graph convolutions.
        output_channels: channels of the output block.
        kernel_size: steps that a temporal convolution of a block spans.
        order: Chebyshev polynomials of a graph convolution, the identity included.
        dropout: after each block.

    Raises:
        InputError: there is no graph or it is of another size, the history is too short, or a size is below 1.
    """

    def __init__(
        self,
        num_nodes: int,
        adjacency: NDArray[np.float32] | Tensor | None = None,
        history: int = 12,
        horizon: int = 12,
        in_channels: int = 3,
        temporal_channels: int = 64,
        spatial_channels: int = 16,
        output_channels: int = 128,
        kernel_size: int = 3,
        order: int = 3,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_sizes("stgcn", num_nodes=num_nodes, history=history, horizon=horizon, in_channels=in_channels)
        check_sizes("stgcn", kernel_size=kernel_size)
        if order < 2:
            raise InputError(f"stgcn got order={order}; expected 2 or more, for the first polynomial uses no graph")
        self.num_nodes, self.history, self.horizon, self.in_channels = num_nodes, history, horizon, in_channels
        left = history - 4 * (kernel_size - 1)
        if left < 1:
            raise InputError(
                f"stgcn got a history of {history} steps, and its blocks take {history - left}; "
                f"give a history of {history - left + 1} or more, or a smaller kernel_size"
            )
        self.basis = _Basis(chebyshev(as_adjacency(adjacency, num_nodes, "stgcn"), order))
        sizes = (temporal_channels, spatial_channels)
        self.blocks = nn.ModuleList(
            _Block(channels, *sizes, num_nodes, kernel_size, order, dropout)
            for channels in (in_channels, temporal_channels)
        )
        self.last = _TemporalConvolution(temporal_channels, output_channels, left)
        self.norm = nn.LayerNorm((num_nodes, output_channels))
        self.widen = nn.Linear(output_channels, output_channels)
        self.head = nn.Linear(output_channels, horizon)

    @property
    def unused_published_parameters(self) -> int:
        """Parameters that the published code registers and never uses; published totals include them."""
        return sum(module.unused for module in self.modules() if isinstance(module, _Fit))

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        for block in self.blocks:
            x = block(x, self.basis)
        x = self.norm(self.last(x))  # [B, 1, N, output_channels]
        out: Tensor = self.head(torch.relu(self.widen(x)))
        return out.transpose(1, 3)


class _Basis(nn.Module):
    """The Chebyshev polynomials of the graph, ``[N, N (order - 1)]``; see :func:`stlora.backbones.chebyshev.chebyshev`.

    Few nodes take a dense product for each sample and step, many a sparse one over all of them.
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.product = FixedProduct(matrix) if matrix.is_sparse else None
        self.dense: Tensor
        dense = None if matrix.is_sparse else matrix.to(torch.get_default_dtype())
        self.register_buffer("dense", dense, persistent=False)

    def forward(self, terms: Tensor) -> Tensor:
        """``[B T, N (order - 1), channels]`` to ``[B T, N, channels]``."""
        if self.product is None:
            return torch.bmm(self.dense.expand(terms.shape[0], -1, -1), terms)
        summed: Tensor = self.product(terms.transpose(0, 1).flatten(1))  # [N, B T channels]
        return summed.view(-1, *terms.shape[::2]).transpose(0, 1)


class _Block(nn.Module):
    """Temporal, graph and temporal convolution, layer norm and dropout."""

    def __init__(
        self,
        in_channels: int,
        temporal_channels: int,
        spatial_channels: int,
        num_nodes: int,
        kernel_size: int,
        order: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.before = _TemporalConvolution(in_channels, temporal_channels, kernel_size)
        self.graph = _GraphConvolution(temporal_channels, spatial_channels, order)
        self.after = _TemporalConvolution(spatial_channels, temporal_channels, kernel_size)
        self.norm = nn.LayerNorm((num_nodes, temporal_channels))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, basis: _Basis) -> Tensor:
        out: Tensor = self.dropout(self.norm(self.after(self.graph(self.before(x), basis))))
        return out


class _Fit(nn.Module):
    """Change the number of channels of a residual: fewer by a linear map, more by zeros."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.added = out_channels - in_channels
        self.linear = nn.Linear(in_channels, out_channels) if self.added < 0 else nn.Identity()
        self.unused = 0 if self.added < 0 else (in_channels + 1) * out_channels

    def forward(self, x: Tensor) -> Tensor:
        fitted: Tensor = F.pad(x, (0, self.added)) if self.added > 0 else self.linear(x)
        return fitted


class _TemporalConvolution(nn.Module):
    """Convolution over time with a residual and a gate, ``(P + R) ⊙ σ(Q)``; takes ``kernel_size - 1`` steps off.

    The convolution sees channels last, where it is one dense product for each tap and no tensor is rearranged.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.fit = _Fit(in_channels, out_channels)
        self.convolution = nn.Conv2d(in_channels, 2 * out_channels, (kernel_size, 1))
        self.lost = kernel_size - 1

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.convolution(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)  # [B, T - lost, N, 2 out]
        value, gate = mixed.chunk(2, dim=-1)
        gated: Tensor = (value + self.fit(x[:, self.lost :])) * torch.sigmoid(gate)
        return gated


class _GraphConvolution(nn.Module):
    """``ReLU(u + Σ_k T_k(L) u Θ_k + b)`` of ``u``, the input with its channels reduced."""

    def __init__(self, in_channels: int, out_channels: int, order: int) -> None:
        super().__init__()
        self.fit = _Fit(in_channels, out_channels)
        bound = 1 / out_channels  # what kaiming-uniform gives for the published [order, out, out] tensor
        self.weight = nn.Parameter(torch.empty(order, out_channels, out_channels).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(out_channels).uniform_(-bound, bound))

    def forward(self, x: Tensor, basis: _Basis) -> Tensor:
        u = self.fit(x).flatten(0, 1)  # [B T, N, out_channels]
        wide = u @ self.weight[1:].permute(1, 0, 2).flatten(1)  # [B T, N, (order - 1) out_channels]
        # Row-major, these are the rows (node, polynomial) that the columns of the basis stand for.
        terms = wide.reshape(u.shape[0], -1, u.shape[-1])
        y = basis(terms) + u @ self.weight[0] + self.bias
        return torch.relu(y + u).reshape(*x.shape[:-1], -1)
