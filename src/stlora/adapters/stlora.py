"""ST-LoRA around any backbone: the forecast of shared weights, corrected for each node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from stlora.adapters.config import STLoRAConfig
from stlora.adapters.files import WEIGHTS, Fit, fingerprint, load_adapter, save_adapter
from stlora.adapters.fusion import GatedFusion, ResidualFusion
from stlora.errors import InputError


@dataclass(frozen=True)
class ParameterReport:
    """How many parameters a wrapped model has.

    Attributes:
        trainable: parameters that training would change now.
        adapter: parameters of the adapter.
        measured: numbers of the adapter that are measured on the training period and not trained.
        backbone: parameters of the backbone, trained or frozen.
    """

    trainable: int
    adapter: int
    measured: int
    backbone: int

    @property
    def percent_added(self) -> float:
        """Adapter parameters in percent of the backbone's; infinite for a backbone without parameters."""
        return 100 * self.adapter / self.backbone if self.backbone else float("inf")

    def __str__(self) -> str:
        return (
            f"trainable: {self.trainable:,} | adapter: {self.adapter:,} | backbone: {self.backbone:,} "
            f"| added: {self.percent_added:.2f} % | measured: {self.measured:,}"
        )


class STLoRA(nn.Module):
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
        super().__init__()
        self.config = config or STLoRAConfig()
        self.backbone = backbone
        self.num_nodes = num_nodes
        self.history = int(getattr(backbone, "history", 12))
        self.horizon = int(getattr(backbone, "horizon", 12))
        self.in_channels = int(getattr(backbone, "in_channels", 3))
        self.adapter: ResidualFusion | GatedFusion
        if self.config.fusion == "residual":
            self.adapter = ResidualFusion(self.config, num_nodes, self.history, self.horizon)
        else:
            self.adapter = GatedFusion(self.config, num_nodes, self.history, self.horizon, self.in_channels)
        if self.config.freeze_backbone:
            self.backbone.requires_grad_(False)
            self.backbone.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Forecast from a history.

        Args:
            x: ``[B, T, N, C]``: scaled value, time of day, day of week / 7, and, if there, observed or not. The
                backbone receives the first channels it was built for.

        Returns:
            ``[B, H, N, 1]`` in scaled units.

        Raises:
            InputError: the shape does not fit, or the backbone answers with another shape.
        """
        if x.dim() != 4 or x.shape[1] != self.history or x.shape[2] != self.num_nodes:
            raise InputError(
                f"the history has shape {list(x.shape)}; expected [B, {self.history}, {self.num_nodes}, C]"
            )
        forecast = self.backbone_forecast(x)
        expected = (x.shape[0], self.horizon, self.num_nodes, 1)
        if forecast.shape != expected:
            raise InputError(
                f"the backbone answered with shape {list(forecast.shape)}; expected {list(expected)} "
                "([B, H, N, 1]); wrap it so that it does"
            )
        return self.correct(x, forecast)

    def backbone_forecast(self, x: Tensor) -> Tensor:
        """The backbone's own forecast ``[B, H, N, 1]``, from the channels it was built for."""
        forecast: Tensor = self.backbone(x[..., : self.in_channels])
        return forecast

    def correct(self, x: Tensor, forecast: Tensor) -> Tensor:
        """The adapter's part alone: history and the backbone's forecast to the corrected forecast."""
        corrected: Tensor = self.adapter(x, forecast)
        return corrected

    def learn_profile(self, values: Tensor, clock: Tensor) -> None:
        """Measure each node's typical day, if the adapter has one; before training, on the training period alone.

        Args:
            values: ``[T, N]`` in scaled units, NaN = missing.
            clock: ``[T, 2]`` time of day in [0, 1) and day of week / 7.
        """
        profile = getattr(self.adapter, "profile", None)
        if profile is not None:
            profile.fit(values, clock)

    def train(self, mode: bool = True) -> STLoRA:
        """Training mode; a frozen backbone stays in evaluation mode, so its statistics do not move."""
        super().train(mode)
        if self.config.freeze_backbone:
            self.backbone.eval()
        return self

    def parameter_report(self) -> ParameterReport:
        """Count what is trained, what the adapter adds, and what the backbone has."""
        return ParameterReport(
            trainable=sum(p.numel() for p in self.parameters() if p.requires_grad),
            adapter=sum(p.numel() for p in self.adapter.parameters()),
            measured=sum(b.numel() for b in self.adapter.buffers()),
            backbone=sum(p.numel() for p in self.backbone.parameters()),
        )

    def save_pretrained(self, folder: str | Path, extra: Mapping[str, Any] | None = None) -> None:
        """Write the adapter, and the adapter alone, to ``folder``.

        Args:
            folder: gets ``adapter_config.json``, ``adapter_model.safetensors`` and ``README.md``.
            extra: more entries for the configuration file, such as node ids or the data's unit.
        """
        report, tensors = str(self.parameter_report()), self.adapter.state_dict()
        save_adapter(
            Path(folder), self.config, self._fit(fingerprint(self.backbone)), tensors, report, dict(extra or {})
        )

    def _fit(self, backbone_fingerprint: str) -> Fit:
        return Fit(
            num_nodes=self.num_nodes,
            history=self.history,
            horizon=self.horizon,
            in_channels=self.in_channels,
            backbone_class=type(self.backbone).__name__,
            backbone_fingerprint=backbone_fingerprint,
        )

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
        if check_backbone and fit.backbone_fingerprint != fingerprint(backbone):
            raise InputError(
                f"the adapter in {folder} was fitted to a {fit.backbone_class} with other weights than the given "
                f"{type(backbone).__name__}; load the weights it was fitted to, or pass check_backbone=False"
            )
        model = cls(backbone, fit.num_nodes, config)
        for size in ("history", "horizon", "in_channels"):
            if getattr(model, size) != getattr(fit, size):
                raise InputError(
                    f"the adapter in {folder} was fitted for {size}={getattr(fit, size)} and the backbone has "
                    f"{getattr(model, size)}; give the backbone it was fitted to"
                )
        try:
            model.adapter.load_state_dict(tensors, strict=True)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"{Path(folder) / WEIGHTS} does not fit its configuration ({reason}); save the adapter again"
            ) from error
        return model
