"""The two halves of a layer of D2STGNN: each explains a part of its input, forecasts it, and hands on the rest."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor, nn

from stlora.backbones.attention import attend
from stlora.backbones.d2stgnn_graphs import Graphs, spread


class DiffusionBlock(nn.Module):
    """What comes from other nodes: a convolution over a window of steps and six graphs.

    Args:
        size: channels D.
        window: steps k of the convolution.
        blocks: forecasts to make, each from the last k steps, forecast ones included.
        dropout: on the output of the convolution.
    """

    def __init__(self, size: int, window: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.size, self.window, self.blocks = size, window, blocks
        self.localise = nn.Linear(window * size, window * size, bias=False)
        self.mix = nn.Linear(7 * size, size)
        self.dropout = nn.Dropout(dropout)
        self.backcast = nn.Linear(size, size)
        self.norm = nn.LayerNorm(size)

    def forward(self, x: Tensor, gated: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
        """The rest ``[B, N, L - k + 1, D]`` and the forecasts ``[B, N, blocks, D]`` of ``x`` ``[B, N, L, D]``."""
        length = x.shape[2] - self.window + 1
        explained = self._convolve([gated[:, :, i : i + length] for i in range(self.window)], graphs)
        steps = [gated[:, :, i : i + 1] for i in range(length, length + self.window - 1)] + [explained[:, :, -1:]]
        for _ in range(self.blocks - 1):
            steps.append(self._convolve(steps[-self.window :], graphs))
        rest = self.norm(x[:, :, -length:] - torch.relu(self.backcast(explained)))
        return rest, torch.cat(steps[-self.blocks :], dim=2)

    def _convolve(self, window: list[Tensor], graphs: Graphs) -> Tensor:
        """``[B, N, L, D]`` of a window of k such tensors, oldest first."""
        local = torch.relu(self.localise(torch.cat(window, dim=-1)))
        summed = local.view(*local.shape[:-1], self.window, self.size).sum(dim=-2)  # [B, N, L, D]
        parts = [part.view(summed.shape) for part in spread(graphs, summed.flatten(2))]
        out: Tensor = self.dropout(self.mix(torch.cat([summed / self.window, *parts], dim=-1)))
        return out


class InherentBlock(nn.Module):
    """What is the node's own: a recurrent network and attention over the steps of one node.

    Args:
        size: channels D.
        heads: of the attention.
        history: the longest sequence that is read.
        blocks: forecasts to make, each from the state of the one before.
        dropout: on states, attention weights and outputs.
        backcast: whether a layer follows that wants the rest.
    """

    def __init__(self, size: int, heads: int, history: int, blocks: int, dropout: float, backcast: bool) -> None:
        super().__init__()
        self.blocks = blocks
        self.recurrent = nn.GRU(size, size, batch_first=True)
        self.attention = _Attention(size, heads, dropout)
        self.dropout = nn.Dropout(dropout)
        self.backcast = nn.Linear(size, size) if backcast else None
        self.norm = nn.LayerNorm(size) if backcast else None
        self.register_buffer("positions", _positions(history + blocks, size), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The rest, as ``x`` ``[B, N, L, D]``, and the forecasts ``[B, N, blocks, D]``.

        Where no layer follows, the rest is ``x`` itself.
        """
        rows = x.flatten(0, 1)  # [B N, L, D]
        states, _ = self.recurrent(rows)
        states = self._place(self.dropout(states))
        asked = states if self.backcast is not None else states[:, -1:]
        explained = self.dropout(self.attention(asked, states))
        forecasts = self._forecast(states, explained[:, -1:]).view(*x.shape[:2], self.blocks, -1)
        if self.backcast is None or self.norm is None:
            return x, forecasts
        rest = self.norm(rows - torch.relu(self.backcast(explained)))
        return rest.view(x.shape), forecasts

    def _forecast(self, states: Tensor, last: Tensor) -> Tensor:
        forecasts = [last]
        for _ in range(self.blocks - 1):
            state, _ = self.recurrent(forecasts[-1], states[:, -1].unsqueeze(0).contiguous())
            states = self._place(torch.cat([states, state], dim=1))  # positions add up, as published
            forecasts.append(self.dropout(self.attention(state, states)))
        return torch.cat(forecasts, dim=1)

    def _place(self, states: Tensor) -> Tensor:
        out: Tensor = self.dropout(states + self.get_buffer("positions")[: states.shape[1]])
        return out


class _Attention(nn.Module):
    """Multi-head attention with the initial values of :class:`torch.nn.MultiheadAttention`."""

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout_rate = heads, dropout
        self.query_key_value = nn.Linear(size, 3 * size)
        self.mix = nn.Linear(size, size)
        nn.init.xavier_uniform_(self.query_key_value.weight)
        nn.init.zeros_(self.query_key_value.bias)
        nn.init.zeros_(self.mix.bias)

    def forward(self, asked: Tensor, memory: Tensor) -> Tensor:
        size = asked.shape[-1]
        weight, bias = self.query_key_value.weight, self.query_key_value.bias
        query = nn.functional.linear(asked, weight[:size], bias[:size])
        key, value = nn.functional.linear(memory, weight[size:], bias[size:]).chunk(2, dim=-1)
        out: Tensor = self.mix(attend(query, key, value, self.heads, self.dropout_rate if self.training else 0.0))
        return out


def _positions(length: int, size: int) -> Tensor:
    """Sinusoids ``[length, size]`` of wavelengths up to 10000, sine and cosine by turns (Vaswani et al. 2017)."""
    rates = torch.exp(torch.arange(0, size, 2) * (-log(10_000.0) / size))
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :size]
