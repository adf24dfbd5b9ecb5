"""What the measurements of the adapter share: a simulated network, an adapted backbone, its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from stlora import STLoRA, backbones
from stlora.data import simulate
from stlora.data.scaling import Scaler
from stlora.data.time.clock import clock
from stlora.data.windows import Windows
from stlora.training.loss import masked_mae


class Network:
    """Windows over a simulated network of 15-minute steps with 2 % gaps."""

    def __init__(self, nodes: int, days: int) -> None:
        series = simulate(num_nodes=nodes, days=days, missing=0.02, seed=0).series
        self.graph = torch.as_tensor(series.adjacency)
        self.windows = Windows(series, Scaler.fit(series.values))
        self.values = self.windows.scaler.transform(torch.as_tensor(series.values))
        self.clock = torch.from_numpy(clock(series.time))

    def adapted(self, name: str) -> STLoRA:
        """A backbone with the default adapter, its profile measured and its shares a half."""
        nodes = self.windows.num_nodes
        model = STLoRA(backbones.create(name, nodes, self.graph), nodes)
        model.learn_profile(self.values, self.clock)
        nn.init.constant_(model.adapter.share, 0.5)
        return model


class Step:
    """A training step of the forecasts that ``forward`` makes: masked MAE of each, backward, fused Adam."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], forward: Callable[[], tuple[Tensor, ...]], target: Tensor
    ) -> None:
        self.forward, self.target = forward, target
        self.optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)

    def __call__(self) -> None:
        self.optimizer.zero_grad()
        torch.stack([masked_mae(forecast, self.target) for forecast in self.forward()]).sum().backward()
        self.optimizer.step()
