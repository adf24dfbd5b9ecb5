"""LSTM: one recurrent network for all nodes, no graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from stlora.backbones.sizes import check_sizes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class LSTM(nn.Module):
    """Two recurrent layers (Hochreiter and Schmidhuber 1997) that read each node by itself.

    The form and the sizes are those of the LargeST benchmark (Liu et al. 2023): a linear projection of every
    step, a two-layer LSTM over time, and two linear layers that turn its last state into all future steps.

    Args:
        num_nodes: N; any number, the weights do not depend on it.
        adjacency: not used; here because every backbone is built alike.
        history: T.
        horizon: H.
        in_channels: C.
        input_size: channels of the projected step.
        hidden_size: channels of the recurrent state.
        output_size: channels between the two last layers.
        num_layers: recurrent layers.
        dropout: after every recurrent layer but the last.

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
        input_size: int = 32,
        hidden_size: int = 64,
        output_size: int = 512,
        num_layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check_sizes("lstm", num_nodes=num_nodes, history=history, horizon=horizon, in_channels=in_channels)
        self.num_nodes, self.history, self.horizon, self.in_channels = num_nodes, history, horizon, in_channels
        self.project = nn.Linear(in_channels, input_size)
        self.recurrent = nn.LSTM(input_size, hidden_size, num_layers, dropout=dropout if num_layers > 1 else 0.0)
        self.widen = nn.Linear(hidden_size, output_size)
        self.head = nn.Linear(output_size, horizon)

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        batch, steps, nodes, channels = x.shape
        sequences = x.transpose(0, 1).reshape(steps, batch * nodes, channels)  # [T, B N, C]
        states, _ = self.recurrent(self.project(sequences))
        out: Tensor = self.head(torch.relu(self.widen(states[-1])))  # [B N, H]
        return out.reshape(batch, nodes, self.horizon).transpose(1, 2).unsqueeze(-1)
