"""DCRNN: a recurrent encoder and decoder whose linear maps are random walks on the graph."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from stlora.backbones.graph import as_adjacency, transition_matrix
from stlora.backbones.product import FixedProduct
from stlora.backbones.sizes import check_sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


class DCRNN(nn.Module):
    """Diffusion convolutional recurrent neural network (Li et al. 2018, arXiv 1707.01926).

    Gated recurrent cells in which every linear map reads, beside a node, what diffuses to it along the edges and
    against them. An encoder reads the history; a decoder starts from its states and a zero and reads its own last
    forecast at every step. The form is that of the LargeST benchmark (Liu et al. 2023), the initial values are the
    original ones: gates start open for the state (bias 1).

    The original training now and then hands the decoder the true value in place of its own forecast (scheduled
    sampling). A training that wants to gives :meth:`forward` such values; nobody else has any.

    Tensors are ``[N, ..., B, C]`` inside, where all walks of all channels are one matrix product.

    Args:
        num_nodes: N.
        adjacency: ``[N, N]`` edge weights, row = from, column = to.
        history: T.
        horizon: H.
        in_channels: C.
        hidden_size: channels of a state.
        num_layers: cells of the encoder, and of the decoder.
        diffusion_steps: the longest random walk.

    Raises:
        InputError: a size is below 1, or there is no fitting graph.
    """

    unused_published_parameters = 0

    def __init__(
        self,
        num_nodes: int,
        adjacency: NDArray[np.float32] | Tensor | None = None,
        history: int = 12,
        horizon: int = 12,
        in_channels: int = 3,
        hidden_size: int = 64,
        num_layers: int = 2,
        diffusion_steps: int = 2,
    ) -> None:
        super().__init__()
        check_sizes("dcrnn", num_nodes=num_nodes, history=history, horizon=horizon, in_channels=in_channels)
        check_sizes("dcrnn", num_layers=num_layers, diffusion_steps=diffusion_steps)
        self.num_nodes, self.history, self.horizon, self.in_channels = num_nodes, history, horizon, in_channels
        walks = _walks(as_adjacency(adjacency, num_nodes, "dcrnn"), diffusion_steps)
        self.walks = FixedProduct(walks)
        copies = 1 + 2 * diffusion_steps  # of every channel: the node itself and each walk

        def cells(first_size: int) -> nn.ModuleList:
            sizes = [first_size] + [hidden_size] * (num_layers - 1)
            return nn.ModuleList(_DiffusionCell(size, hidden_size, copies) for size in sizes)

        self.encoder = cells(in_channels)
        self.decoder = cells(1)
        self.head = nn.Linear(hidden_size, 1)

    def forward(self, x: Tensor, truth: Tensor | None = None) -> Tensor:
        """Forecast from a history.

        Args:
            x: ``[B, T, N, C]`` in scaled units.
            truth: ``[B, H, N, 1]`` in scaled units, for training alone: what the decoder reads after each step in
                place of its own forecast, NaN where it reads that.

        Returns:
            ``[B, H, N, 1]`` in scaled units.
        """
        nodes_first = (2, 1, 0, 3)
        last = self._encode(x.permute(nodes_first))
        return self._decode(last, None if truth is None else truth.permute(nodes_first)).permute(nodes_first)

    def _encode(self, x: Tensor) -> list[Tensor]:
        """The last state ``[N, B, D]`` of every layer; a layer reads all steps ``[N, T, B, C]`` before the next."""
        last = []
        for cell in cast("list[_DiffusionCell]", self.encoder):
            read = cell.read(self._diffuse(x))  # [N, T, B, 3 D]
            state = read.new_zeros(self.num_nodes, read.shape[2], cell.hidden_size)
            states = []
            for step in read.unbind(1):
                state = cell(step, state, self._diffuse)
                states.append(state)
            x = torch.stack(states, dim=1)
            last.append(state)
        return last

    def _decode(self, states: list[Tensor], truth: Tensor | None) -> Tensor:
        """``[N, H, B, 1]`` from the states of the encoder; ``truth`` has that shape too."""
        value = states[0].new_zeros(self.num_nodes, states[0].shape[1], 1)
        values = []
        for step in range(self.horizon):
            current = value
            for layer, cell in enumerate(cast("list[_DiffusionCell]", self.decoder)):
                states[layer] = cell(cell.read(self._diffuse(current)), states[layer], self._diffuse)
                current = states[layer]
            value = self.head(current)
            values.append(value)
            if truth is not None:
                value = torch.where(truth[:, step].isnan(), value, truth[:, step])
        return torch.stack(values, dim=1)

    def _diffuse(self, x: Tensor) -> Tensor:
        """``[N, ..., C]`` beside what reaches each node by every walk: ``[N, ..., (1 + M) C]``."""
        reached = self.walks(x.reshape(self.num_nodes, -1)).view(-1, *x.shape)
        return torch.cat([x, *reached.unbind(0)], dim=-1)


class _DiffusionCell(nn.Module):
    """A gated recurrent unit on diffused channels; what it reads is projected for all three parts at once."""

    def __init__(self, in_size: int, hidden_size: int, copies: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.read = nn.Linear(copies * in_size, 3 * hidden_size)  # reset, update, candidate
        self.gates = nn.Linear(copies * hidden_size, 2 * hidden_size, bias=False)
        self.candidate = nn.Linear(copies * hidden_size, hidden_size, bias=False)
        # Published as one Xavier matrix for both gates and one for the candidate, inputs and state together.
        fan_in, gates = copies * (in_size + hidden_size), 2 * hidden_size
        for weight in (self.read.weight[:gates], self.gates.weight):
            nn.init.uniform_(weight, -sqrt(6 / (fan_in + gates)), sqrt(6 / (fan_in + gates)))
        for weight in (self.read.weight[gates:], self.candidate.weight):
            nn.init.uniform_(weight, -sqrt(6 / (fan_in + hidden_size)), sqrt(6 / (fan_in + hidden_size)))
        nn.init.ones_(self.read.bias[:gates])
        nn.init.zeros_(self.read.bias[gates:])

    def forward(self, read: Tensor, state: Tensor, diffuse: Callable[[Tensor], Tensor]) -> Tensor:
        """The next state ``[N, B, D]`` from the projected input ``[N, B, 3 D]`` and the state."""
        for_gates, for_candidate = torch.split(read, [2 * self.hidden_size, self.hidden_size], dim=-1)
        reset, update = torch.sigmoid(for_gates + self.gates(diffuse(state))).chunk(2, dim=-1)
        candidate = torch.tanh(for_candidate + self.candidate(diffuse(reset * state)))
        return torch.lerp(candidate, state, update)


def _walks(adjacency: Tensor, steps: int) -> Tensor:
    """All M = 2 · ``steps`` walks as one matrix ``[M · N, N]``.

    Chebyshev terms of the random walk along the edges, then of the one against them. As in every published
    implementation, the second series starts from the last term but one of the first, not from the identity.
    """
    before = torch.eye(len(adjacency), dtype=adjacency.dtype)
    terms = []
    for walk in (transition_matrix(adjacency), transition_matrix(adjacency.T)):
        term = walk @ before
        terms.append(term)
        for _ in range(steps - 1):
            before, term = term, 2 * walk @ term - before
            terms.append(term)
    return torch.cat(terms)
