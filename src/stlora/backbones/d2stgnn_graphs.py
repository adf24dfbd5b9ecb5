"""The graphs of D2STGNN, and how a signal spreads on them."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from stlora.backbones.graph import transition_matrix

_UNCONNECTED = 1e-7  # the published weight of a pair of nodes without an edge


class Graphs(NamedTuple):
    """Three graphs G per sample, and the diagonals that no node may hear itself through."""

    full: Tensor  # [B, 3, N, N]
    diagonal: Tensor  # [B, 3, N, 1], of G
    square_diagonal: Tensor  # [B, 3, N, 1], of G²


def prepare(full: Tensor) -> Graphs:
    """Note the diagonals of the graphs ``[B, 3, N, N]`` and of their squares, without the squares."""
    square_diagonal = (full * full.transpose(-1, -2)).sum(dim=-1, keepdim=True)
    return Graphs(full, full.diagonal(dim1=-2, dim2=-1).unsqueeze(-1), square_diagonal)


def spread(graphs: Graphs, signal: Tensor) -> list[Tensor]:
    """The signal after one and after two steps on each graph, without what returns to its own node.

    Equal to products with G and G², each with a zeroed diagonal, where G² is of the full G. G² is never formed:
    ``(G² − diag G²) s = G (G s) − diag(G²) s``.

    Args:
        graphs: of :func:`prepare`.
        signal: ``[B, N, F]``.

    Returns:
        Six tensors ``[B, N, F]``: G1, G1², G2, G2², G3, G3².
    """
    batch, count, nodes, _ = graphs.full.shape
    own = signal[:, None]
    once = torch.bmm(graphs.full.flatten(1, 2), signal).view(batch, count, nodes, -1)
    twice = torch.addcmul(graphs.full @ once, graphs.square_diagonal, own, value=-1)
    once = torch.addcmul(once, graphs.diagonal, own, value=-1)
    return [tensor[:, graph] for graph in range(count) for tensor in (once, twice)]


class DynamicGraphs(nn.Module):
    """Two graphs per sample, from what the nodes just measured, the clock and the nodes' vectors.

    An attention of every node to every other, weighted by the random walk against the edges (first graph) and along
    them (second graph), each row divided by its sum. The weights enter the softmax as their logarithm, which is the
    same.

    Args:
        adjacency: ``[N, N]`` edge weights, row = from, column = to.
        history: T.
        hidden_size: channels of query and key.
        embedding_size: channels of the vectors of nodes, slots and days.
        dropout: between the two linear maps that read the history.
    """

    def __init__(self, adjacency: Tensor, history: int, hidden_size: int, embedding_size: int, dropout: float) -> None:
        super().__init__()
        self.widen = nn.Linear(history, 2 * hidden_size)
        self.norm = nn.BatchNorm1d(2 * hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.narrow = nn.Linear(2 * hidden_size, hidden_size)
        width = hidden_size + 3 * embedding_size
        self.query = nn.Linear(width, hidden_size, bias=False)
        self.key = nn.Linear(width, hidden_size, bias=False)
        walks = torch.stack([transition_matrix(adjacency).T, transition_matrix(adjacency.T).T])
        log_walks = (walks + _UNCONNECTED).log().to(torch.get_default_dtype())
        self.register_buffer("log_walks", log_walks, persistent=False)  # [2, N, N]

    def forward(self, values: Tensor, clock: Tensor, nodes: Tensor) -> Tensor:
        """Build the graphs.

        Args:
            values: ``[B, N, T]``, scaled.
            clock: ``[B, 2 d]``, the vectors of the last step's slot and day.
            nodes: ``[2, N, d]``, a vector per graph and node.

        Returns:
            ``[B, 2, N, N]``; rows sum to 1.
        """
        batch, count, _ = values.shape
        shape = (batch, 2, count, -1)
        read = self.narrow(self.dropout(self._normalise(torch.relu(self.widen(values)))))  # [B, N, D]
        features = torch.cat([read[:, None].expand(shape), clock[:, None, None].expand(shape), nodes.expand(shape)], -1)
        query, key = self.query(features), self.key(features)  # [B, 2, N, D]
        scores = query @ key.transpose(-1, -2) / sqrt(query.shape[-1])
        return torch.softmax(scores + self.get_buffer("log_walks"), dim=-1)

    def _normalise(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, 1)
        if self.training and rows.shape[0] == 1:  # one row has no spread of its own
            norm = self.norm
            out = functional.batch_norm(rows, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
        else:
            out = self.norm(rows)
        return out.view(x.shape)
