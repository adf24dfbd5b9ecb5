"""DCRNN: every convolution walks its inputs and state over sparse supports and joins all walks by copies."""

from __future__ import annotations

import torch
from torch import Tensor

from plain.base import Plain
from stlora.backbones.graph import transition_matrix

UNITS, LAYERS, STEPS, HORIZON = 64, 2, 2, 12


class Model(Plain):
    def prepare(self, adjacency: Tensor) -> None:
        walks = (transition_matrix(adjacency), transition_matrix(adjacency.T))
        self.supports = [walk.to(torch.get_default_dtype()).to_sparse_coo().coalesce() for walk in walks]

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        batch, steps, nodes, _ = x.shape
        last = []
        for layer in range(LAYERS):
            state = x.new_zeros(batch, nodes, UNITS)
            states = []
            for step in range(steps):
                state = self._cell(x[:, step], state, f"encoder.encoding_cells.{layer}")
                states.append(state)
            x = torch.stack(states, dim=1)
            last.append(state)
        value = x.new_zeros(batch, nodes, 1)
        values = []
        for _ in range(HORIZON):
            current = value
            for layer in range(LAYERS):
                last[layer] = current = self._cell(current, last[layer], f"decoder.decoding_cells.{layer}")
            value = self.linear(current, f"decoder.decoding_cells.{LAYERS - 1}.project")
            values.append(value)
        return torch.stack(values, dim=1)

    def _cell(self, x: Tensor, state: Tensor, name: str) -> Tensor:
        gates = torch.sigmoid(self._convolve(x, state, f"{name}.dconv_gate"))
        reset, update = gates.split(UNITS, dim=-1)
        candidate = torch.tanh(self._convolve(x, reset * state, f"{name}.dconv_candidate"))
        return update * state + (1 - update) * candidate

    def _convolve(self, x: Tensor, state: Tensor, name: str) -> Tensor:
        both = torch.cat([x, state], dim=-1)
        batch, nodes, channels = both.shape
        before = both.permute(1, 2, 0).reshape(nodes, channels * batch)
        terms = before.unsqueeze(0)
        for support in self.supports:
            term = torch.sparse.mm(support, before)
            terms = torch.cat([terms, term.unsqueeze(0)], dim=0)
            for _ in range(STEPS - 1):
                # The next support starts from the last ``before``, as published.
                before, term = term, 2 * torch.sparse.mm(support, term) - before
                terms = torch.cat([terms, term.unsqueeze(0)], dim=0)
        terms = terms.reshape(-1, nodes, channels, batch).permute(3, 1, 2, 0)  # [B, N, C, M]
        mixed = terms.reshape(batch * nodes, -1) @ self.p[f"{name}.weight"] + self.p[f"{name}.biases"]
        return mixed.reshape(batch, nodes, -1)
