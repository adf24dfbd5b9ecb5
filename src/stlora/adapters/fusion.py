"""How predictors join a backbone's forecast: a share of their own, a residual, the published gate, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stlora.adapters.config import STLoRAConfig
from stlora.adapters.features import check_channels, num_features, window_features
from stlora.adapters.predictor import NodeSpecificPredictor
from stlora.adapters.profile import Context, NodeProfile


def _predictor(config: STLoRAConfig, num_nodes: int, in_features: int, horizon: int) -> NodeSpecificPredictor:
    return NodeSpecificPredictor(
        num_nodes,
        in_features,
        horizon,
        width=config.width,
        layers=config.layers,
        passes=config.passes,
        rank=config.rank,
        alpha=config.alpha,
        node_factor=config.node_factor,
        dropout=config.dropout,
    )


class _Chain(nn.Module):
    """Predictors that refine a forecast in turn, ``Z ← Z + NSP([features of X, Z])``; heads start at zero.

    Where they start from what is expected, which says nothing new, the first one sees the features of X alone.
    """

    def __init__(self, config: STLoRAConfig, num_nodes: int, history: int, horizon: int, own: bool) -> None:
        super().__init__()
        self.config = config
        self.horizon = horizon
        self.profile = (
            NodeProfile(num_nodes, history, horizon, config.profile, config.neighbours) if config.profile else None
        )
        self.predictors = nn.ModuleList(
            _predictor(config, num_nodes, num_features(config, history, horizon, drafted=k > 0 or not own), horizon)
            for k in range(config.predictors)
        )
        for predictor in self.predictors:
            predictor.head.reset_to_zero()  # type: ignore[operator,union-attr]

    def context(self, x: Tensor) -> Context | None:
        """The history ``[B, T, N, C]`` in the light of what is known of its nodes; None where nothing is.

        Raises:
            InputError: the clock is wanted and ``x`` has no clock channels.
        """
        check_channels(x, self.config)
        return None if self.profile is None else self.profile(x)

    def refine(self, x: Tensor, forecast: Tensor, context: Context | None, predictors: Iterable[nn.Module]) -> Tensor:
        """Refine a forecast ``[B, H, N, 1]`` by each of these predictors: ``[B, H, N, 1]``."""
        draft = forecast.squeeze(-1)  # [B, H, N]
        for predictor in predictors:
            correction = predictor(window_features(x, draft, self.config, context))  # [B, N, H]
            draft = draft + correction.transpose(1, 2)
        return draft.unsqueeze(-1)

    def unless_strange(self, refined: Tensor, forecast: Tensor, x: Tensor, context: Context | None) -> Tensor:
        """The backbone's forecast ``[B, H, N, 1]`` where a node has gone dead, the refined one elsewhere."""
        if self.profile is None or context is None:
            return refined
        return torch.where(self.profile.strange(x, context)[:, None, :, None], forecast, refined)


class Seen(NamedTuple):
    """What a forecast without a backbone is made of, in a window; nothing of it is trained."""

    features: Tensor  # [B, F, N]
    expected: Tensor  # [B, H, N]


class OwnForecast(_Chain):
    """``Y' = Z``: a forecast from the history, the clock and what is known of each node, and from nothing else.

    The control without a backbone: whatever stands before it, its forecast is not used.
    """

    def __init__(self, config: STLoRAConfig, num_nodes: int, history: int, horizon: int) -> None:
        super().__init__(config, num_nodes, history, horizon, own=True)

    def own_forecast(self, x: Tensor) -> Tensor:
        """Z: the history ``[B, T, N, C]`` to ``[B, H, N, 1]``.

        Raises:
            InputError: the clock is wanted and ``x`` has no clock channels.
        """
        return self._own(x, self.context(x))

    def see(self, x: Tensor) -> Seen:
        """What the first predictor makes its forecast of, from the history ``[B, T, N, C]``."""
        return self._see(x, self.context(x))

    def first_forecast(self, seen: Seen) -> Tensor:
        """The forecast ``[B, H, N, 1]`` of the first predictor, which is Z where it is the only one."""
        correction: Tensor = self.predictors[0](seen.features.transpose(1, 2))  # [B, N, H]
        return (seen.expected + correction.transpose(1, 2)).unsqueeze(-1)

    def _see(self, x: Tensor, context: Context | None) -> Seen:
        """By the profile a node is expected to come back to its usual day; without one, to stay at its newest value."""
        newest = x[:, -1:, :, 0].expand(-1, self.horizon, -1)
        features = window_features(x, None, self.config, context).transpose(1, 2)
        return Seen(features, newest if context is None else context.expected)

    def _own(self, x: Tensor, context: Context | None) -> Tensor:
        return self.refine(x, self.first_forecast(self._see(x, context)), context, list(self.predictors)[1:])

    def forward(self, x: Tensor, forecast: Tensor) -> Tensor:
        """History ``[B, T, N, C]`` and a forecast that is not looked at to Z ``[B, H, N, 1]``."""
        return self.own_forecast(x)


class ShareFusion(OwnForecast):
    """``Y'_{h,i} = Y_{h,i} + s_h t_i (Z_{h,i} − Y_{h,i})``: a share of a forecast Z that has not seen Y.

    On the windows that it was trained on a backbone looks better than it is, and a predictor that sees its forecast
    there trusts it too much. So Z is made without it, from the history, the clock and what is known of each node.
    The share s of each step ahead is chosen afterwards, on windows that neither was trained on, and so is the trust t
    in each node's Z, which is 1 unless the node has changed since its typical day was measured. Until then s is zero:
    the identity. In a window in which a node has gone dead (:class:`stlora.adapters.stillness.Stillness`) Z is Y.
    """

    trust: Tensor

    def __init__(self, config: STLoRAConfig, num_nodes: int, history: int, horizon: int) -> None:
        super().__init__(config, num_nodes, history, horizon)
        self.share = nn.Parameter(torch.zeros(horizon))
        self.register_buffer("trust", torch.ones(num_nodes))

    def alternative(self, x: Tensor, forecast: Tensor) -> Tensor:
        """What the shares are of, from a history and the backbone's forecast: Z, and that forecast of a dead node."""
        context = self.context(x)
        return self.unless_strange(self._own(x, context), forecast, x, context)

    def forward(self, x: Tensor, forecast: Tensor) -> Tensor:
        """History ``[B, T, N, C]`` and forecast ``[B, H, N, 1]`` to the mixed forecast ``[B, H, N, 1]``."""
        return forecast + (self.share[:, None] * self.trust).unsqueeze(-1) * (self.alternative(x, forecast) - forecast)


class ResidualFusion(_Chain):
    """``Y' = Y + NSP([features of X, Y])``, repeated for each predictor.

    A fresh one is exactly the identity on the backbone's forecast, and so is any in a window in which a node has gone
    dead (:class:`stlora.adapters.stillness.Stillness`).
    """

    def __init__(self, config: STLoRAConfig, num_nodes: int, history: int, horizon: int) -> None:
        super().__init__(config, num_nodes, history, horizon, own=False)

    def forward(self, x: Tensor, forecast: Tensor) -> Tensor:
        """History ``[B, T, N, C]`` and forecast ``[B, H, N, 1]`` to the corrected forecast ``[B, H, N, 1]``.

        Raises:
            InputError: the clock is wanted and ``x`` has no clock channels.
        """
        context = self.context(x)
        return self.unless_strange(self.refine(x, forecast, context, self.predictors), forecast, x, context)


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
