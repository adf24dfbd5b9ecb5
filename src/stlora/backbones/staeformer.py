"""STAEformer: a plain transformer over time and then over nodes, on learned embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from stlora.backbones.attention import attend
from stlora.backbones.clock import DAYS, check_clock, day_slot, weekday, whole_days
from stlora.backbones.sizes import check_sizes
from stlora.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class STAEformer(nn.Module):
    """Spatio-temporal adaptive embedding transformer (Liu et al. 2023, arXiv 2308.10425).

    Every step of every node is the projected history channels beside a vector of the time of day, one of the day of
    the week, and one of its own place (step and node). Attention runs over the steps of each node, then over the
    nodes of each step. As published, the day of the week is projected as a whole number. The clock of the two tables
    is read from the first node: all nodes share it.

    Args:
        num_nodes: N.
        adjacency: not used; here because every backbone is built alike.
        history: T.
        horizon: H.
        in_channels: C, at least 3.
        input_size: channels of the projected history.
        slot_size: channels of the vector of a time of day.
        day_size: channels of the vector of a day of the week.
        place_size: channels of the vector of a step and node.
        feed_forward_size: channels between the two linear maps after an attention.
        heads: of every attention.
        num_layers: attentions over time, and again over nodes.
        dropout: on the branch of every residual sum.
        steps_per_day: slots of the table of times of day; 288 of five minutes.

    Raises:
        InputError: a size is below 1, the clock channels are missing, or the channels do not divide into heads.
    """

    unused_published_parameters = 0

    def __init__(
        self,
        num_nodes: int,
        adjacency: NDArray[np.float32] | Tensor | None = None,
        history: int = 12,
        horizon: int = 12,
        in_channels: int = 3,
        input_size: int = 24,
        slot_size: int = 24,
        day_size: int = 24,
        place_size: int = 80,
        feed_forward_size: int = 256,
        heads: int = 4,
        num_layers: int = 3,
        dropout: float = 0.1,
        steps_per_day: int = 288,
    ) -> None:
        super().__init__()
        check_sizes("staeformer", num_nodes=num_nodes, history=history, horizon=horizon, heads=heads)
        check_clock("staeformer", in_channels, steps_per_day)
        width = input_size + slot_size + day_size + place_size
        if width % heads:
            raise InputError(f"staeformer got {width} channels for {heads} heads; expected a multiple of heads")
        self.num_nodes, self.history, self.horizon, self.in_channels = num_nodes, history, horizon, in_channels
        self.steps_per_day = steps_per_day
        self.project = nn.Linear(in_channels, input_size)
        self.slots = nn.Embedding(steps_per_day, slot_size)
        self.days = nn.Embedding(DAYS, day_size)
        self.places = nn.Parameter(nn.init.xavier_uniform_(torch.empty(history, num_nodes, place_size)))
        sizes = (width, feed_forward_size, heads, dropout)
        self.over_time = nn.Sequential(*(_TransformerLayer(*sizes) for _ in range(num_layers)))
        self.over_nodes = nn.Sequential(*(_TransformerLayer(*sizes) for _ in range(num_layers)))
        self.head = nn.Linear(history * width, horizon)
        self.register_buffer("whole_days", whole_days(in_channels), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        batch, steps, nodes, _ = x.shape
        hidden = self._embed(x)  # [B, N, T, D]
        hidden = self.over_time(hidden.flatten(0, 1)).unflatten(0, (batch, nodes))
        hidden = hidden.transpose(1, 2).flatten(0, 1)  # [B T, N, D]
        hidden = self.over_nodes(hidden).unflatten(0, (batch, steps))
        out: Tensor = self.head(hidden.transpose(1, 2).flatten(2))  # [B, N, H]
        return out.transpose(1, 2).unsqueeze(-1)

    def _embed(self, x: Tensor) -> Tensor:
        shape = (x.shape[0], x.shape[2], x.shape[1], -1)  # [B, N, T, ·]
        values = self.project((x * self.get_buffer("whole_days")).transpose(1, 2))
        slots = self.slots(day_slot(x[:, :, 0, 1], self.steps_per_day))  # [B, T, ·]
        days = self.days(weekday(x[:, :, 0, 2]))
        places = self.places.transpose(0, 1)
        parts = [values, slots[:, None].expand(shape), days[:, None].expand(shape), places.expand(shape)]
        return torch.cat(parts, dim=-1)


class _TransformerLayer(nn.Module):
    """Self-attention and two linear maps, each normalised after its residual sum; ``[R, S, D]`` to the same."""

    def __init__(self, width: int, feed_forward_size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.widen = nn.Linear(width, feed_forward_size)
        self.narrow = nn.Linear(feed_forward_size, width)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.query_key_value(x).chunk(3, dim=-1)
        attended = self.mix(attend(query, key, value, self.heads))
        x = self.attention_norm(x + self.dropout(attended))
        out: Tensor = self.feed_forward_norm(x + self.dropout(self.narrow(torch.relu(self.widen(x)))))
        return out
