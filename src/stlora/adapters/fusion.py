"""How predictors join a backbone's forecast: a residual, or the published gate."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stlora.adapters.config import STLoRAConfig
from stlora.adapters.features import check_channels, num_features, window_features
from stlora.adapters.predictor import NodeSpecificPredictor
from stlora.adapters.profile import NodeProfile


def _predictor(config: STLoRAConfig, num_nodes: int, in_features: int, horizon: int) -> NodeSpecificPredictor:
    return NodeSpecificPredictor(
        num_nodes,
        in_features,
        horizon,
        width=config.width,
        layers=config.layers,
        rank=config.rank,
        alpha=config.alpha,
        node_factor=config.node_factor,
        dropout=config.dropout,
    )


class ResidualFusion(nn.Module):
    """``Y' = Y + NSP([features of X, Y])``, repeated for each predictor; heads start at zero.

    A fresh one is exactly the identity on the backbone's forecast.
    """

    def __init__(self, config: STLoRAConfig, num_nodes: int, history: int, horizon: int) -> None:
        super().__init__()
        self.config = config
        self.profile = NodeProfile(num_nodes, config.profile) if config.profile else None
        in_features = num_features(config, history, horizon)
        self.predictors = nn.ModuleList(
            _predictor(config, num_nodes, in_features, horizon) for _ in range(config.predictors)
        )
        for predictor in self.predictors:
            predictor.head.reset_to_zero()  # type: ignore[operator,union-attr]

    def forward(self, x: Tensor, forecast: Tensor) -> Tensor:
        """History ``[B, T, N, C]`` and forecast ``[B, H, N, 1]`` to the corrected forecast ``[B, H, N, 1]``.

        Raises:
            InputError: the clock is wanted and ``x`` has no clock channels.
        """
        check_channels(x, self.config)
        usual = None if self.profile is None else self.profile(x, forecast.shape[1])  # [B, N, H]
        for predictor in self.predictors:
            correction = predictor(window_features(x, forecast, self.config, usual))  # [B, N, H]
            forecast = forecast + correction.transpose(1, 2).unsqueeze(-1)
        return forecast


class GatedFusion(nn.Module):
    """The published fusion (ST-LoRA, section "fusion").

    ``Z₁ = NSP₁(ReLU(Y))``, ``Z_k = NSP_k(ReLU([X, Z_{k-1}]))``, ``R = sigmoid(F([X, mean Z]))`` and
    ``Y' = R ⊙ Y + (1 − R) ⊙ mean Z``, with X all channels of the history.
    """

    def __init__(self, config: STLoRAConfig, num_nodes: int, history: int, horizon: int, in_channels: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        past = history * in_channels
        self.predictors = nn.ModuleList(
            _predictor(config, num_nodes, horizon if k == 0 else past + horizon, horizon)
            for k in range(config.predictors)
        )
        self.gate = nn.Linear(past + horizon, horizon)

    def forward(self, x: Tensor, forecast: Tensor) -> Tensor:
        """History ``[B, T, N, C]`` and forecast ``[B, H, N, 1]`` to the fused forecast ``[B, H, N, 1]``."""
        past = x[..., : self.in_channels].transpose(1, 2).flatten(2)  # [B, N, T·C]
        backbone = forecast.squeeze(-1).transpose(1, 2)  # [B, N, H]
        own = backbone
        chain = []
        for k, predictor in enumerate(self.predictors):
            own = predictor(F.relu(own if k == 0 else torch.cat([past, own], dim=-1)))
            chain.append(own)
        mean = torch.stack(chain).mean(dim=0)
        gate = torch.sigmoid(self.gate(torch.cat([past, mean], dim=-1)))
        fused = gate * backbone + (1 - gate) * mean
        return fused.transpose(1, 2).unsqueeze(-1)
