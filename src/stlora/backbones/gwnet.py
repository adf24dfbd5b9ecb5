"""Graph WaveNet: dilated gated convolutions over time, diffusion over the road graph and over a learned one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stlora.backbones.graph import as_adjacency, transition_matrix
from stlora.backbones.product import FixedProduct
from stlora.backbones.sizes import check_sizes
from stlora.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray


class GraphWaveNet(nn.Module):
    """Graph WaveNet (Wu et al. 2019) with random-walk supports in both directions and a learned support.

    Histories shorter than the receptive field, ``1 + blocks (2^layers - 1)`` = 13 steps, are padded with zeros on
    the left; of longer ones only the newest steps of the receptive field are read.

    Only what reaches the forecast is computed: the skip connections read the newest step of each layer, as one
    product for all layers, and the last layer has no graph convolution and no batch norm, which the published code
    registers after its last skip connection (``unused_published_parameters``). Tensors are ``[N, T, B, C]`` inside,
    where one graph product is one matrix product.

    Args:
        num_nodes: N.
        adjacency: ``[N, N]`` edge weights, row = from, column = to, with self loops where a walk may stay.
        history: T.
        horizon: H.
        in_channels: C.
        channels: channels of the residual stream and of the gated convolutions.
        skip_channels: channels of the skip connections.
        end_channels: channels between the two last layers.
        blocks: times the dilations start again from 1.
        layers: layers of a block, of dilation 1, 2, 4, ...
        order: diffusion steps over each support.
        rank: width of the two node tables whose product is the learned support, a dense ``[N, N]``; 0 for none, where N
            is too large for it.
        dropout: after each graph convolution.

    Raises:
        InputError: there is no graph or it is of another size, or a size is below 1.
    """

    def __init__(
        self,
        num_nodes: int,
        adjacency: NDArray[np.float32] | Tensor | None = None,
        history: int = 12,
        horizon: int = 12,
        in_channels: int = 3,
        channels: int = 32,
        skip_channels: int = 256,
        end_channels: int = 512,
        blocks: int = 4,
        layers: int = 2,
        order: int = 2,
        rank: int = 10,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        check_sizes("gwnet", num_nodes=num_nodes, history=history, horizon=horizon, in_channels=in_channels)
        check_sizes("gwnet", blocks=blocks, layers=layers, order=order)
        if rank < 0:
            raise InputError(f"gwnet got rank={rank}; expected 1 or more, or 0 for no learned support")
        self.num_nodes, self.history, self.horizon, self.in_channels = num_nodes, history, horizon, in_channels
        graph = as_adjacency(adjacency, num_nodes, "gwnet")
        walks = [transition_matrix(graph), transition_matrix(graph.T)]
        self.walks = nn.ModuleList(FixedProduct(walk.T) for walk in walks)  # x_w = Σ_v P[v, w] x_v
        self.source = nn.Parameter(torch.randn(num_nodes, rank)) if rank else None
        self.sink = nn.Parameter(torch.randn(rank, num_nodes)) if rank else None

        dilations = [2**layer for _ in range(blocks) for layer in range(layers)]
        self.receptive_field = 1 + sum(dilations)
        self.start = nn.Linear(in_channels, channels)
        self.gates = nn.ModuleList(_GatedConvolution(channels, dilation) for dilation in dilations)
        supports = len(walks) + (rank > 0)
        self.graphs = nn.ModuleList(_Diffusion(channels, supports, order, dropout) for _ in dilations[1:])
        self.skips = nn.ModuleList(nn.Linear(channels, skip_channels) for _ in dilations)
        self.widen = nn.Linear(skip_channels, end_channels)
        self.head = nn.Linear(end_channels, horizon)
        mixed = 1 + order * supports
        self.unused_published_parameters = (mixed * channels + 1) * channels + 2 * channels

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        supports: list[Callable[[Tensor], Tensor]] = [*self.walks]
        if self.source is not None and self.sink is not None:
            learned = torch.softmax(torch.relu(self.source @ self.sink), dim=1).T
            supports.append(learned.__matmul__)
        x = x[:, -self.receptive_field :].permute(2, 1, 0, 3)  # [N, T, B, C]
        # Zeros before the projection, so that a missing step is its bias, as published.
        x = self.start(F.pad(x, (0, 0, 0, 0, self.receptive_field - x.shape[1], 0)))
        newest = []
        for i, gate in enumerate(self.gates):
            gated = gate(x)
            newest.append(gated[:, -1])
            if i < len(self.graphs):
                x = self.graphs[i](gated, x, supports)
        return self._read_out(torch.cat(newest, dim=-1))

    def _read_out(self, newest: Tensor) -> Tensor:
        """``[N, B, layers channels]``, the newest step of all layers, to the forecast."""
        weight = torch.cat([cast(Tensor, skip.weight) for skip in self.skips], dim=1)
        bias = torch.stack([cast(Tensor, skip.bias) for skip in self.skips]).sum(dim=0)
        skip = torch.relu(F.linear(newest, weight, bias))
        out: Tensor = self.head(torch.relu(self.widen(skip)))  # [N, B, H]
        return out.permute(1, 2, 0).unsqueeze(-1)


class _GatedConvolution(nn.Module):
    """``tanh(filter) ⊙ σ(gate)``, two kernels of two steps as one convolution; takes ``dilation`` steps off."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, 2 * channels, (2, 1), dilation=(dilation, 1))

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.convolution(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)  # [N, T - dilation, B, 2 channels]
        filtered, gate = mixed.chunk(2, dim=-1)
        return torch.tanh(filtered) * torch.sigmoid(gate)


class _Diffusion(nn.Module):
    """Diffusion over every support, dropout, residual and batch norm.

    ``Σ_k A^k u W_k`` is computed as ``A (u W_1 + A (u W_2 + ...))``: the narrow products come first, so nothing is
    concatenated, and autograd keeps ``u`` instead of every diffused copy of it.
    """

    def __init__(self, channels: int, num_supports: int, order: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear((1 + order * num_supports) * channels, channels)
        self.order = order
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, u: Tensor, x: Tensor, supports: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
        nodes, steps, _, channels = u.shape
        flat = u.reshape(-1, channels)  # [N T B, channels]
        own, *weights = torch.split(self.linear.weight.T, channels)
        out = torch.addmm(self.linear.bias, flat, own).reshape(nodes, -1)  # [N, T B channels]
        for i, support in enumerate(supports):
            first, *higher = weights[i * self.order : (i + 1) * self.order][::-1]
            term = flat @ first
            for weight in higher:
                term = torch.addmm(support(term.reshape(nodes, -1)).reshape(-1, channels), flat, weight)
            out = out + support(term.reshape(nodes, -1))
        mixed = self.dropout(out.reshape(u.shape)) + x[:, -steps:]
        normed: Tensor = self.norm(mixed.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return normed
