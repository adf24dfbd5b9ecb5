"""STID: who, what time and which day, in a multilayer perceptron."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from stlora.backbones.clock import DAYS, check_clock, day_slot, weekday, whole_days
from stlora.backbones.sizes import check_sizes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class STID(nn.Module):
    """Spatial and temporal identities in place of a graph (Shao et al. 2022, arXiv 2208.05233).

    The history of a node, a vector of the node, one of the time of day and one of the day of the week (of the last
    step) are laid side by side and go through residual linear layers. As published, the day of the week enters the
    history as a whole number. The clock is read from the first node: all nodes share it.

    Args:
        num_nodes: N.
        adjacency: not used; here because every backbone is built alike.
        history: T.
        horizon: H.
        in_channels: C, at least 3.
        history_size: channels of the projected history.
        node_size: channels of the vector of a node.
        slot_size: channels of the vector of a time of day.
        day_size: channels of the vector of a day of the week.
        num_layers: residual layers.
        dropout: between the two linear maps of a residual layer.
        steps_per_day: slots of the table of times of day; 288 of five minutes.

    Raises:
        InputError: a size is below 1, or the clock channels are missing.
    """

    unused_published_parameters = 0

    def __init__(
        self,
        num_nodes: int,
        adjacency: NDArray[np.float32] | Tensor | None = None,
        history: int = 12,
        horizon: int = 12,
        in_channels: int = 3,
        history_size: int = 32,
        node_size: int = 32,
        slot_size: int = 32,
        day_size: int = 32,
        num_layers: int = 3,
        dropout: float = 0.15,
        steps_per_day: int = 288,
    ) -> None:
        super().__init__()
        check_sizes("stid", num_nodes=num_nodes, history=history, horizon=horizon)
        check_clock("stid", in_channels, steps_per_day)
        self.num_nodes, self.history, self.horizon, self.in_channels = num_nodes, history, horizon, in_channels
        self.steps_per_day = steps_per_day
        width = history_size + node_size + slot_size + day_size
        self.project = nn.Linear(history * in_channels, history_size)
        self.nodes = nn.Parameter(nn.init.xavier_uniform_(torch.empty(num_nodes, node_size)))
        self.slots = nn.Embedding(steps_per_day, slot_size)
        self.days = nn.Embedding(DAYS, day_size)
        nn.init.xavier_uniform_(self.slots.weight)
        nn.init.xavier_uniform_(self.days.weight)
        self.layers = nn.ModuleList(_ResidualLayer(width, dropout) for _ in range(num_layers))
        self.head = nn.Linear(width, horizon)
        self.register_buffer("whole_days", whole_days(in_channels), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        shape = (x.shape[0], -1, x.shape[2])
        windows = (x * self.get_buffer("whole_days")).transpose(2, 3).flatten(1, 2)  # [B, T C, N], step by step
        clock = x[:, -1, 0]  # [B, C]
        slot = self.slots(day_slot(clock[:, 1], self.steps_per_day))
        day = self.days(weekday(clock[:, 2]))
        identities = [self.nodes.T.expand(shape), slot[:, :, None].expand(shape), day[:, :, None].expand(shape)]
        hidden = torch.cat([_each_node(self.project, windows), *identities], dim=1)  # [B, width, N]
        for layer in self.layers:
            hidden = layer(hidden)
        return _each_node(self.head, hidden).unsqueeze(-1)


class _ResidualLayer(nn.Module):
    """Two linear maps of the channels of ``[B, width, N]`` and a residual sum."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + _each_node(self.second, self.dropout(torch.relu(_each_node(self.first, x))))
        return out


def _each_node(linear: nn.Linear, x: Tensor) -> Tensor:
    """A linear map of the channels of ``[B, D, N]``, as a convolution of one tap: no tensor is rearranged for it."""
    return functional.conv1d(x, linear.weight.unsqueeze(-1), linear.bias)
