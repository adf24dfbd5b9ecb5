"""The graphs of D2STGNN, every one written out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plain.base import Plain

Graphs = tuple[list[Tensor], Tensor]  # dynamic ones [B, N, 3 N] of both orders, and the static one [N, N]


def dynamic_graphs(
    model: Plain, name: str, values: Tensor, slot: Tensor, day: Tensor, pairs: Sequence[tuple[Tensor, Tensor]]
) -> list[Tensor]:
    """``[B, N, 3 N]`` of both orders for every pair of a node table ``[N, d]`` and a walk ``[N, N]``."""
    read = torch.relu(model.linear(values.transpose(1, 2), f"{name}.fc_ts_emb1"))
    read = model.batch_norm(read.transpose(1, 2), f"{name}.bn").transpose(1, 2)
    read = model.linear(model.drop(read), f"{name}.fc_ts_emb2")  # [B, N, 32]
    graphs = []
    for table, walk in pairs:
        features = torch.cat([read, slot, day, table.expand(len(read), -1, -1)], dim=-1)
        query, key = model.linear(features, f"{name}.WQ"), model.linear(features, f"{name}.WK")
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        graph = torch.softmax(scores, dim=-1) * (walk + 1e-7)
        graphs += [stacked(order, 3) for order in two_orders(_row_normalised(graph))]
    return graphs


def two_orders(graph: Tensor) -> list[Tensor]:
    """The graph and its square, each without its diagonal."""
    others = 1 - torch.eye(graph.shape[-1], dtype=graph.dtype, device=graph.device)
    return [graph * others, graph @ graph * others]


def stacked(graph: Tensor, times: int) -> Tensor:
    """Copies of a graph side by side, one for every step of a window."""
    return graph.unsqueeze(-2).expand(*graph.shape[:-1], times, -1).flatten(-2)


def _row_normalised(graph: Tensor) -> Tensor:
    inverse = 1 / graph.sum(dim=-1)
    inverse = torch.where(inverse.isfinite(), inverse, torch.zeros_like(inverse))
    return torch.diag_embed(inverse) @ graph
