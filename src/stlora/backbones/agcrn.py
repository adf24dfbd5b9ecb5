"""AGCRN: recurrent layers whose weights and graph both come from one learned table of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from stlora.backbones.sizes import check_sizes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class AGCRN(nn.Module):
    """Adaptive graph convolutional recurrent network (Bai et al. 2020).

    A table ``E`` of node embeddings gives the graph ``S = softmax(ReLU(E Eᵀ))`` and, by products with pools that all
    nodes share, the weights and biases of each node. Graph, weights and biases are made once a forward pass, and the
    part of a layer that does not depend on its state is computed for all steps at once. Tensors are ``[N, B, C]``
    inside, where one graph product is one matrix product.

    The published initialisation is part of the model: Xavier-uniform for every tensor of two or more axes, uniform in
    [0, 1) for the bias of the head.

    Args:
        num_nodes: N.
        adjacency: not used, the graph is learned; here because every backbone is built alike.
        history: T.
        horizon: H.
        in_channels: C.
        embed_dim: width of the node embeddings.
        hidden_size: channels of the recurrent state.
        num_layers: recurrent layers.

    Raises:
        InputError: a size is below 1.
    """

    unused_published_parameters = 0

    def __init__(
        self,
        num_nodes: int,
        adjacency: NDArray[np.float32] | Tensor | None = None,
        history: int = 12,
        horizon: int = 12,
        in_channels: int = 3,
        embed_dim: int = 10,
        hidden_size: int = 64,
        num_layers: int = 2,
    ) -> None:
        super().__init__()
        check_sizes("agcrn", num_nodes=num_nodes, history=history, horizon=horizon, in_channels=in_channels)
        check_sizes("agcrn", embed_dim=embed_dim, hidden_size=hidden_size, num_layers=num_layers)
        self.num_nodes, self.history, self.horizon, self.in_channels = num_nodes, history, horizon, in_channels
        self.embedding = nn.Parameter(torch.empty(num_nodes, embed_dim))
        self.layers = nn.ModuleList(
            _RecurrentLayer(in_channels if i == 0 else hidden_size, hidden_size, embed_dim) for i in range(num_layers)
        )
        self.head = nn.Linear(hidden_size, horizon)
        nn.init.xavier_uniform_(self.embedding)
        # Published as a convolution of kernel (1, hidden_size), whose fan-out counts the kernel.
        nn.init.xavier_uniform_(self.head.weight.detach().reshape(horizon, 1, 1, hidden_size))
        nn.init.uniform_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        graph = torch.softmax(torch.relu(self.embedding @ self.embedding.T), dim=1)
        pairs = _with_neighbours(x.permute(2, 1, 0, 3), graph)  # [N, T, B, 2 C]
        for i, layer in enumerate(self.layers):
            past, state = layer(pairs, self.embedding, graph)
            if i + 1 < len(self.layers):
                pairs = torch.stack([*past, _with_neighbours(state, graph)], dim=1)
        out: Tensor = self.head(state)  # [N, B, H]
        return out.permute(1, 2, 0).unsqueeze(-1)


class _RecurrentLayer(nn.Module):
    """A gated recurrent unit of node-wise graph convolutions ``x_n W_n0 + (S x)_n W_n1 + b_n``.

    ``z`` resets the state and ``r`` keeps it: ``h' = r ⊙ h + (1 - r) ⊙ tanh(conv([x, z ⊙ h]))``.
    """

    def __init__(self, in_channels: int, hidden_size: int, embed_dim: int) -> None:
        super().__init__()
        self.in_channels, self.hidden_size = in_channels, hidden_size
        rows = in_channels + hidden_size
        self.gate_pool = nn.Parameter(torch.empty(embed_dim, 2, rows, 2 * hidden_size))
        self.gate_bias = nn.Parameter(torch.empty(embed_dim, 2 * hidden_size))
        self.update_pool = nn.Parameter(torch.empty(embed_dim, 2, rows, hidden_size))
        self.update_bias = nn.Parameter(torch.empty(embed_dim, hidden_size))
        for parameter in self.parameters():
            nn.init.xavier_uniform_(parameter)

    def forward(self, pairs: Tensor, embedding: Tensor, graph: Tensor) -> tuple[list[Tensor], Tensor]:
        """Read ``[N, T, B, 2 C]``, each step beside its neighbours' mean.

        Returns:
            The states of all steps but the last beside their neighbours' means, each ``[N, B, 2 hidden_size]``; and
            the last state ``[N, B, hidden_size]``.
        """
        gate_inputs, gate_weight = self._unrolled(pairs, embedding, self.gate_pool, self.gate_bias)
        update_inputs, update_weight = self._unrolled(pairs, embedding, self.update_pool, self.update_bias)
        keep = torch.sigmoid(gate_inputs[0][..., self.hidden_size :])
        state = (1 - keep) * torch.tanh(update_inputs[0])  # from a state of zeros
        past = []
        for gate_input, update_input in zip(gate_inputs[1:], update_inputs[1:], strict=True):
            past.append(_with_neighbours(state, graph))
            gates = torch.sigmoid(torch.baddbmm(gate_input, past[-1], gate_weight))
            reset, keep = gates.chunk(2, dim=-1)
            candidate = torch.baddbmm(update_input, _with_neighbours(reset * state, graph), update_weight)
            state = torch.lerp(torch.tanh(candidate), state, keep)
        return past, state

    def _unrolled(
        self, pairs: Tensor, embedding: Tensor, pool: Tensor, bias: Tensor
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """What input and bias add to a convolution at each of T steps, ``[N, B, O]``; and its weights for the state."""
        nodes, steps, batch, _ = pairs.shape
        weight = _node_weights(embedding, pool[:, :, : self.in_channels])
        shift = (embedding @ bias).unsqueeze(1)
        inputs = torch.baddbmm(shift, pairs.reshape(nodes, steps * batch, -1), weight)
        state_weight = _node_weights(embedding, pool[:, :, self.in_channels :])
        return inputs.reshape(nodes, steps, batch, -1).unbind(1), state_weight


def _with_neighbours(x: Tensor, graph: Tensor) -> Tensor:
    """``[x, S x]`` over channels, for ``x`` of ``[N, ..., C]``."""
    return torch.cat([x, (graph @ x.reshape(x.shape[0], -1)).reshape(x.shape)], dim=-1)


def _node_weights(embedding: Tensor, pool: Tensor) -> Tensor:
    """``[N, d]`` and a pool ``[d, 2, C, O]`` to the weights of each node, ``[N, 2 C, O]``."""
    width, _, _, columns = pool.shape
    return (embedding @ pool.reshape(width, -1)).reshape(embedding.shape[0], -1, columns)
