"""D2STGNN on ``[B, L, N, D]``: the layers. Graphs are in :mod:`plain.d2stgnn_graphs`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from plain.base import Plain
from plain.d2stgnn_graphs import Graphs, dynamic_graphs, stacked, two_orders
from stlora.backbones.clock import day_slot, weekday
from stlora.backbones.graph import transition_matrix

LAYERS, WINDOW, BLOCKS, HEADS, SIZE = 5, 3, 4, 4, 32
GRAPH = "dynamic_graph_constructor.distance_function"


class Model(Plain):
    def prepare(self, adjacency: Tensor) -> None:
        walks = torch.stack([transition_matrix(adjacency).T, transition_matrix(adjacency.T).T])
        self.register_buffer("walks", walks.to(torch.get_default_dtype()))
        self.track(f"{GRAPH}.bn", self.p[f"{GRAPH}.bn.weight"])
        rates = torch.exp(torch.arange(0, SIZE, 2) * (-torch.log(torch.tensor(10_000.0)) / SIZE))
        angles = torch.arange(16)[:, None] * rates
        self.register_buffer("positions", torch.stack([angles.sin(), angles.cos()], dim=-1).reshape(16, 1, SIZE))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        slots = self.p["T_i_D_emb"][day_slot(x[..., 1], 288)]  # [B, T, N, 12]
        days = self.p["D_i_W_emb"][weekday(x[..., 2])]
        first, second = self.p["node_emb_u"], self.p["node_emb_d"]
        walks = self.get_buffer("walks")
        pairs = ((second, walks[0]), (first, walks[1]))
        dynamic = dynamic_graphs(self, GRAPH, x[..., 0], slots[:, -1], days[:, -1], pairs)
        static = torch.softmax(torch.relu(first @ second.T), dim=-1)

        hidden = self.linear(x[..., :1], "embedding")
        summed = hidden.new_zeros(())
        for layer in range(LAYERS):
            name = f"layers.{layer}"
            gated = hidden * self._gate(slots, days, hidden.shape[1], f"{name}.estimation_gate")
            hidden, diffused = self._diffusion(hidden, gated, (dynamic, static), f"{name}.dif_layer")
            hidden, inherent = self._inherent(hidden, f"{name}.inh_layer")
            summed = summed + diffused + inherent
        out = self.linear(torch.relu(self.linear(torch.relu(summed), "out_fc_1")), "out_fc_2")  # [B, 4, N, 3]
        return out.permute(0, 1, 3, 2).flatten(1, 2).unsqueeze(-1)

    def _gate(self, slots: Tensor, days: Tensor, length: int, name: str) -> Tensor:
        """Of all steps, of which the newest are used."""
        nodes = [self.p[table].expand(*slots.shape[:2], -1, -1) for table in ("node_emb_u", "node_emb_d")]
        features = torch.cat([slots, days, *nodes], dim=-1)
        inner = torch.relu(self.linear(features, f"{name}.fully_connected_layer_1"))
        return torch.sigmoid(self.linear(inner, f"{name}.fully_connected_layer_2"))[:, -length:]

    def _diffusion(self, x: Tensor, gated: Tensor, graphs: Graphs, name: str) -> tuple[Tensor, Tensor]:
        explained = self._convolve(gated, graphs, f"{name}.localized_st_conv")
        steps, forecasts = gated, [explained[:, -1:]]
        for _ in range(BLOCKS - 1):
            steps = torch.cat([steps, forecasts[-1]], dim=1)
            forecasts.append(self._convolve(steps[:, -WINDOW:], graphs, f"{name}.localized_st_conv"))
        forecast = self.linear(torch.cat(forecasts, dim=1), f"{name}.forecast_branch.forecast_fc")
        rest = x[:, -explained.shape[1] :] - torch.relu(self.linear(explained, f"{name}.backcast_branch"))
        return self.layer_norm(rest, f"{name}.residual_decompose.ln"), forecast

    def _convolve(self, x: Tensor, graphs: Graphs, name: str) -> Tensor:
        """The static graph is squared, cut and stacked anew at each use; dynamic graphs are copied to every step."""
        dynamic, static = graphs
        windows = x.unfold(1, WINDOW, 1).permute(0, 1, 2, 4, 3)  # [B, L, N, 3, D]
        windows = torch.relu(self.linear(windows.flatten(-2), f"{name}.fc_list_updt"))
        windows = windows.unflatten(-1, (WINDOW, SIZE))
        steps = windows.transpose(-2, -3).flatten(-3, -2)  # [B, L, 3 N, D]
        terms = [windows.mean(dim=-2)]
        terms += [graph.unsqueeze(1) @ steps for graph in dynamic]
        terms += [stacked(graph, WINDOW) @ steps for graph in two_orders(static)]
        return self.drop(self.linear(torch.cat(terms, dim=-1), f"{name}.gcn_updt"))

    def _inherent(self, x: Tensor, name: str) -> tuple[Tensor, Tensor]:
        batch, length, nodes, size = x.shape
        rows = x.transpose(0, 1).reshape(length, batch * nodes, size)
        state = rows.new_zeros(batch * nodes, size)
        states = []
        for row in rows:
            state = self._recur(row, state, name)
            states.append(state)
        memory = self._place(self.drop(torch.stack(states)))
        explained = self.drop(self._attend(memory, memory, name))
        forecasts = [explained[-1]]
        for _ in range(BLOCKS - 1):
            state = self._recur(forecasts[-1], memory[-1], name)
            memory = self._place(torch.cat([memory, state.unsqueeze(0)]))
            forecasts.append(self.drop(self._attend(state.unsqueeze(0), memory, name))[0])
        forecast = torch.stack(forecasts).view(BLOCKS, batch, nodes, size).transpose(0, 1)
        explained = torch.relu(self.linear(explained, f"{name}.backcast_fc"))
        rest = self.layer_norm(rows - explained, f"{name}.residual_decompose.ln")
        rest = rest.view(length, batch, nodes, size).transpose(0, 1)
        return rest, self.linear(forecast, f"{name}.forecast_block.forecast_fc")

    def _recur(self, x: Tensor, state: Tensor, name: str) -> Tensor:
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return torch.gru_cell(x, state, *(self.p[f"{name}.rnn_layer.gru_cell.{kind}"] for kind in kinds))

    def _place(self, states: Tensor) -> Tensor:
        return self.drop(states + self.get_buffer("positions")[: len(states)])

    def _attend(self, asked: Tensor, memory: Tensor, name: str) -> Tensor:
        """With the mean weights of all heads, which nobody reads."""
        name = f"{name}.transformer_layer.multi_head_self_attention"
        weights = [self.p[f"{name}.{part}"] for part in ("in_proj_weight", "in_proj_bias")]
        out = [self.p[f"{name}.out_proj.{kind}"] for kind in ("weight", "bias")]
        attended, _ = F.multi_head_attention_forward(
            asked, memory, memory, SIZE, HEADS, *weights, None, None, False, self.dropout, *out, self.training
        )
        return attended
