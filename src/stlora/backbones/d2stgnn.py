"""D2STGNN: what diffuses from neighbours and what is a node's own, told apart layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from stlora.backbones.clock import DAYS, check_clock, day_slot, weekday
from stlora.backbones.d2stgnn_blocks import DiffusionBlock, InherentBlock
from stlora.backbones.d2stgnn_graphs import DynamicGraphs, Graphs, prepare
from stlora.backbones.graph import as_adjacency
from stlora.backbones.sizes import check_sizes
from stlora.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class D2STGNN(nn.Module):
    """Decoupled dynamic spatio-temporal graph neural network (Shao et al. 2022, arXiv 2206.09112).

    Every layer gates its input, takes from it what a convolution over three steps and six graphs explains, then what
    a recurrent network with attention explains, and hands on the rest. The forecasts of both parts of all layers are
    summed. Two graphs are made anew for every sample, one is learned, and each counts with one and with two steps.
    The form is the authors' own, where the random walks that weigh the dynamic graphs are transposed and the last
    position of a sequence is added again before every forecast. The clock is read from the first node: all nodes
    share it.

    Args:
        num_nodes: N.
        adjacency: ``[N, N]`` edge weights, row = from, column = to.
        history: T; every layer shortens it by ``window`` − 1 steps.
        horizon: H; forecasts are made for ``gap`` steps at once and what exceeds H is dropped.
        in_channels: C, at least 3; the value, the time of day and the day of the week are read.
        hidden_size: channels of a step.
        embedding_size: channels of the vectors of nodes, slots and days.
        forecast_size: channels in which the forecasts are summed.
        output_size: channels between the two last linear maps.
        num_layers: L.
        heads: of every attention.
        window: steps of the convolution.
        gap: steps that one forecast covers.
        dropout: after every block, on graph features and attention weights.
        steps_per_day: slots of the table of times of day; 288 of five minutes.

    Raises:
        InputError: a size is below 1 or does not fit the others, the clock channels are missing, or there is no
            fitting graph.
    """

    def __init__(
        self,
        num_nodes: int,
        adjacency: NDArray[np.float32] | Tensor | None = None,
        history: int = 12,
        horizon: int = 12,
        in_channels: int = 3,
        hidden_size: int = 32,
        embedding_size: int = 12,
        forecast_size: int = 256,
        output_size: int = 512,
        num_layers: int = 5,
        heads: int = 4,
        window: int = 3,
        gap: int = 3,
        dropout: float = 0.1,
        steps_per_day: int = 288,
    ) -> None:
        super().__init__()
        check_sizes("d2stgnn", num_nodes=num_nodes, history=history, horizon=horizon, num_layers=num_layers)
        check_sizes("d2stgnn", heads=heads, window=window, gap=gap)
        check_clock("d2stgnn", in_channels, steps_per_day)
        if hidden_size % heads:
            raise InputError(f"d2stgnn got {hidden_size} channels for {heads} heads; expected a multiple of heads")
        if history <= num_layers * (window - 1):
            raise InputError(
                f"d2stgnn got history={history} for {num_layers} layers with a window of {window}; expected "
                f"{num_layers * (window - 1) + 1} or more steps, or fewer layers"
            )
        self.num_nodes, self.history, self.horizon, self.in_channels = num_nodes, history, horizon, in_channels
        self.steps_per_day = steps_per_day
        graph = as_adjacency(adjacency, num_nodes, "d2stgnn")
        blocks = -(-horizon // gap)

        self.sources, self.targets = (_table(num_nodes, embedding_size) for _ in range(2))
        self.slots, self.days = _table(steps_per_day, embedding_size), _table(DAYS, embedding_size)
        self.project = nn.Linear(1, hidden_size)
        self.dynamic_graphs = DynamicGraphs(graph, history, hidden_size, embedding_size, dropout)
        self.layers = nn.ModuleList(
            _Layer(
                _Gate(embedding_size),
                DiffusionBlock(hidden_size, window, blocks, dropout),
                InherentBlock(hidden_size, heads, history, blocks, dropout, backcast=layer < num_layers - 1),
            )
            for layer in range(num_layers)
        )
        self.forecasts = nn.ModuleList(nn.Linear(hidden_size, forecast_size) for _ in range(2 * num_layers))
        self.widen = nn.Linear(forecast_size, output_size)
        self.head = nn.Linear(output_size, gap)
        # A projection of the clock, a batch norm per layer, and the rest that the last layer hands to no one.
        self._unused = (
            hidden_size * (embedding_size + 1) + num_layers * 2 * hidden_size + hidden_size * (hidden_size + 3)
        )

    @property
    def unused_published_parameters(self) -> int:
        """The parameters of the published model that are registered, never reach the output and are left out here."""
        return self._unused

    def forward(self, x: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` from ``[B, T, N, C]``, both in scaled units."""
        slots = functional.embedding(day_slot(x[:, :, 0, 1], self.steps_per_day), self.slots)
        days = functional.embedding(weekday(x[:, :, 0, 2]), self.days)
        clock = torch.cat([slots, days], dim=-1)  # [B, T, 2 d]
        values = x[..., 0].transpose(1, 2)  # [B, N, T]
        graphs = self._graphs(values, clock[:, -1])
        nodes = torch.cat([self.sources, self.targets], dim=-1)  # [N, 2 d]

        hidden = self.project(values.unsqueeze(-1))  # [B, N, T, D]
        parts: list[Tensor] = []
        for layer in self.layers:
            hidden, explained = layer(hidden, clock, nodes, graphs)
            parts += explained
        summed = _sum_of_maps(self.forecasts, parts)  # [B, N, H / gap, ·]
        out: Tensor = self.head(torch.relu(self.widen(torch.relu(summed))))
        return out.flatten(2)[..., : self.horizon].transpose(1, 2).unsqueeze(-1)

    def _graphs(self, values: Tensor, clock: Tensor) -> Graphs:
        learned = torch.softmax(torch.relu(self.sources @ self.targets.T), dim=-1)
        dynamic = self.dynamic_graphs(values, clock, torch.stack([self.targets, self.sources]))
        return prepare(torch.cat([dynamic, learned.expand(values.shape[0], 1, -1, -1)], dim=1))


class _Layer(nn.Module):
    def __init__(self, gate: _Gate, diffusion: DiffusionBlock, inherent: InherentBlock) -> None:
        super().__init__()
        self.gate, self.diffusion, self.inherent = gate, diffusion, inherent

    def forward(self, x: Tensor, clock: Tensor, nodes: Tensor, graphs: Graphs) -> tuple[Tensor, list[Tensor]]:
        """The rest of ``x`` ``[B, N, L, D]``, shorter, and the two forecasts ``[B, N, H / gap, D]``."""
        gated = x * self.gate(clock[:, -x.shape[2] :], nodes)
        rest, diffused = self.diffusion(x, gated, graphs)
        rest, inherent = self.inherent(rest)
        return rest, [diffused, inherent]


class _Gate(nn.Module):
    """The share of a step that diffuses, from its clock and its node alone."""

    def __init__(self, embedding_size: int, hidden_size: int = 64) -> None:
        super().__init__()
        self.widen = nn.Linear(4 * embedding_size, hidden_size)
        self.narrow = nn.Linear(hidden_size, 1)

    def forward(self, clock: Tensor, nodes: Tensor) -> Tensor:
        """``[B, N, L, 1]`` of a clock ``[B, L, 2 d]`` and nodes ``[N, 2 d]``."""
        of_clock, of_node = self.widen.weight.chunk(2, dim=1)
        from_clock = functional.linear(clock, of_clock, self.widen.bias)[:, None]  # [B, 1, L, ·]
        from_node = functional.linear(nodes, of_node)[:, None]  # [N, 1, ·]
        return torch.sigmoid(self.narrow(torch.relu(from_clock + from_node)))


def _table(rows: int, size: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(rows, size)))


def _sum_of_maps(maps: nn.ModuleList, parts: list[Tensor]) -> Tensor:
    """Σ_i ``maps[i](parts[i])`` in one product."""
    weight = torch.cat([cast(Tensor, linear.weight) for linear in maps], dim=1)
    bias = torch.stack([cast(Tensor, linear.bias) for linear in maps]).sum(dim=0)
    return functional.linear(torch.cat(parts, dim=-1), weight, bias)
