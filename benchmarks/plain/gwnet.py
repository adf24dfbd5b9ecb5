"""Graph WaveNet on ``[B, C, N, T]``: skip connections of all steps, dense products, every diffused copy joined."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from plain.base import Plain
from stlora.backbones.graph import transition_matrix

DILATIONS = (1, 2) * 4
FIELD = 1 + sum(DILATIONS)


class Model(Plain):
    def prepare(self, adjacency: Tensor) -> None:
        walks = torch.stack([transition_matrix(adjacency), transition_matrix(adjacency.T)])
        self.register_buffer("walks", walks.to(torch.get_default_dtype()))
        for layer in range(len(DILATIONS)):
            self.track(f"bn.{layer}", self.p[f"bn.{layer}.weight"])

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        learned = torch.softmax(torch.relu(self.p["nodevec1"] @ self.p["nodevec2"]), dim=1)
        supports = [*self.get_buffer("walks"), learned]
        x = x.transpose(1, 3)
        x = self.convolve(F.pad(x, (FIELD - x.shape[3], 0)), "start_conv")
        skip = x.new_zeros(())
        for layer, dilation in enumerate(DILATIONS):
            residual = x
            filtered = torch.tanh(self.convolve(x, f"filter_convs.{layer}", dilation))
            x = filtered * torch.sigmoid(self.convolve(x, f"gate_convs.{layer}", dilation))
            step = self.convolve(x, f"skip_convs.{layer}")
            skip = step + (skip[..., -step.shape[3] :] if layer else skip)
            x = self._diffuse(x, supports, f"gconv.{layer}.mlp.mlp") + residual[..., -x.shape[3] :]
            x = self.batch_norm(x, f"bn.{layer}")
        x = torch.relu(self.convolve(torch.relu(skip), "end_conv_1"))
        return self.convolve(x, "end_conv_2")

    def _diffuse(self, x: Tensor, supports: list[Tensor], name: str) -> Tensor:
        terms = [x]
        for support in supports:
            once = torch.einsum("bcvt,vw->bcwt", x, support).contiguous()
            twice = torch.einsum("bcvt,vw->bcwt", once, support).contiguous()
            terms += [once, twice]
        return self.drop(self.convolve(torch.cat(terms, dim=1), name))
