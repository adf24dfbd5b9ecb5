"""ST-LoRA around any backbone: the forecast of shared weights, corrected for each node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from stlora.adapters.config import STLoRAConfig
from stlora.adapters.files import CONFIG, load_adapter, save_adapter
from stlora.adapters.fusion import GatedFusion, OwnForecast, ResidualFusion, ShareFusion
from stlora.adapters.wrapped import WrappedBackbone, check_same_backbone
from stlora.errors import InputError
from stlora.tensors import Within


class STLoRA(WrappedBackbone):
    """A backbone with node-adaptive low-rank predictors behind it (ST-LoRA, ECML-PKDD 2025).

    Args:
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units. Its attributes
            ``history``, ``horizon`` and ``in_channels`` are believed where it has them; otherwise 12, 12 and 3.
        num_nodes: N.
        config: the adapter's sizes; the lean default if None.

    Example:
        >>> import torch
        >>> from stlora.backbones import create
        >>> model = STLoRA(create("lstm", num_nodes=5), num_nodes=5)
        >>> x = torch.randn(2, 12, 5, 3)
        >>> bool((model.eval()(x) == model.backbone(x)).all())  # a fresh adapter changes nothing
        True
        >>> model.parameter_report().backbone
        97932
    """

    def __init__(self, backbone: nn.Module, num_nodes: int, config: STLoRAConfig | None = None) -> None:
        config = config or STLoRAConfig()
        super().__init__(backbone, num_nodes, config.freeze_backbone)
        self.config = config
        sizes = (config, num_nodes, self.history, self.horizon)
        self.adapter: OwnForecast | ResidualFusion | GatedFusion
        if config.fusion == "share":
            self.adapter = ShareFusion(*sizes)
        elif config.fusion == "own":
            self.adapter = OwnForecast(*sizes)
        elif config.fusion == "residual":
            self.adapter = ResidualFusion(*sizes)
        else:
            self.adapter = GatedFusion(*sizes, self.in_channels)

    def correct(self, x: Tensor, forecast: Tensor) -> Tensor:
        """The adapter's part alone: history and the backbone's forecast to the corrected forecast."""
        corrected: Tensor = self.adapter(x, forecast)
        return corrected

    @property
    def learns_alone(self) -> bool:
        """Whether the backbone is frozen and the adapter's forecast is made without its."""
        return self.freeze_backbone and isinstance(self.adapter, OwnForecast)

    def learned(self, x: Tensor, forecast: Tensor | None) -> tuple[Tensor, ...]:
        """The forecasts ``[B, H, N, 1]`` whose errors are trained: with shares, that of each part by itself."""
        if not isinstance(self.adapter, OwnForecast):
            return super().learned(x, forecast)
        own = self.adapter.own_forecast(x)
        return (own,) if self.learns_alone or forecast is None else (forecast, own)

    def dead(self, x: Tensor) -> Tensor:
        """Which nodes ``[B, N]`` have gone dead in ``x [B, T, N, C]``: their forecasts are the backbone's.

        Without measurements of the nodes, or without a backbone to leave them to, there is none.
        """
        profile = getattr(self.adapter, "profile", None)
        if profile is None or self.config.fusion == "own":
            return x.new_zeros(x.shape[0], x.shape[2]).bool()
        strange: Tensor = profile.strange(x, profile(x))
        return strange

    @property
    def is_measured(self) -> bool:
        """Whether :meth:`learn_profile` was called, where the adapter is to know its nodes."""
        profile = getattr(self.adapter, "profile", None)
        return profile is None or bool(profile.is_fitted)

    def learn_profile(self, values: Tensor, clock: Tensor) -> None:
        """Measure what the adapter is to know of each node; before training, on the training period alone.

        Args:
            values: ``[T, N]`` in scaled units, NaN = missing.
            clock: ``[T, 2]`` time of day in [0, 1) and day of week / 7.

        Raises:
            InputError: they are no tensors of these shapes.
        """
        for name, given, shape in (("values", values, (self.num_nodes,)), ("the clock", clock, (2,))):
            if not isinstance(given, Tensor) or given.dim() != 2 or given.shape[1:] != shape:
                found = list(given.shape) if isinstance(given, Tensor) else f"a {type(given).__name__}"
                raise InputError(f"{name} of the training period are {found}; expected a tensor [T, {shape[0]}]")
        if len(values) != len(clock):
            raise InputError(f"there are {len(values)} values and {len(clock)} times of the clock; expected as many")
        profile = getattr(self.adapter, "profile", None)
        if profile is not None:
            profile.fit(values, clock)

    def save_pretrained(self, folder: str | Path, extra: Mapping[str, Any] | None = None) -> None:
        """Write the adapter, and the adapter alone, to ``folder``; see :class:`WrappedBackbone`."""
        report, tensors = str(self.parameter_report()), self.adapter.state_dict()
        save_adapter(Path(folder), self.config, self._fit(), tensors, report, dict(extra or {}))

    @classmethod
    def from_pretrained(cls, backbone: nn.Module, folder: str | Path, check_backbone: bool = True) -> STLoRA:
        """Put a saved adapter on the backbone that it was fitted to.

        Args:
            backbone: the backbone, with its weights.
            folder: what :meth:`save_pretrained` wrote.
            check_backbone: refuse a backbone with other weights than the adapter was fitted to.

        Raises:
            InputError: a file is missing, damaged, of a later format, or does not fit the backbone.
        """
        config, fit, tensors = load_adapter(Path(folder))
        if check_backbone:
            check_same_backbone(backbone, fit, Path(folder))
        with Within(tensors, fit.num_nodes, Path(folder) / CONFIG):
            model = cls(backbone, fit.num_nodes, config)
        model._take(tensors, fit, Path(folder))
        return model
