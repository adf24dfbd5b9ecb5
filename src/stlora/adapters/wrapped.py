"""What every way to adapt a backbone shares: the shapes, the frozen state, the count, the fit of saved weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary, WeakSet

import torch
from torch import Tensor, nn

from stlora.adapters.files import AGAIN, WEIGHTS, Fit, fingerprint
from stlora.errors import InputError
from stlora.tensors import put, unwrapped


@dataclass(frozen=True)
class ParameterReport:
    """How many parameters a wrapped model has.

    Attributes:
        trainable: parameters that training would change now.
        adapter: parameters of the adapter.
        measured: numbers of the adapter that are measured on the training period and not trained.
        backbone: parameters of the backbone, trained or frozen.
        is_measured: whether they have been measured.
    """

    trainable: int
    adapter: int
    measured: int
    backbone: int
    is_measured: bool = True

    @property
    def percent_added(self) -> float:
        """Adapter parameters in percent of the backbone's; infinite for a backbone without parameters."""
        return 100 * self.adapter / self.backbone if self.backbone else float("inf")

    def __str__(self) -> str:
        return (
            f"trainable: {self.trainable:,} | adapter: {self.adapter:,} | backbone: {self.backbone:,} "
            f"| added: {self.percent_added:.2f} % | measured: {self.measured:,}"
            + ("" if self.is_measured else " (not yet: call learn_profile)")
        )


_ADAPTED: WeakKeyDictionary[nn.Module, WeakSet[WrappedBackbone]] = WeakKeyDictionary()  # what is around each backbone
_FROZEN: WeakKeyDictionary[nn.Module, list[nn.Parameter]] = WeakKeyDictionary()  # what adapters have frozen of each


def _share(model: WrappedBackbone, backbone: nn.Module) -> None:
    """Freeze the backbone or make what earlier adapters froze trainable again, as the model says.

    Raises:
        InputError: another adapter that is in use says otherwise.
    """
    others = _ADAPTED.setdefault(backbone, WeakSet())
    if any(other.freeze_backbone != model.freeze_backbone for other in others):
        raise InputError(
            f"freeze_backbone is {model.freeze_backbone} and another adapter on the same {type(backbone).__name__} has "
            f"{not model.freeze_backbone}; give one of them a copy of the backbone, copy.deepcopy(backbone)"
        )
    if model.freeze_backbone:
        ours = [parameter for parameter in backbone.parameters() if parameter.requires_grad]
        _FROZEN.setdefault(backbone, []).extend(ours)
        backbone.requires_grad_(False)
    else:
        for parameter in _FROZEN.pop(backbone, []):
            parameter.requires_grad_(True)
    others.add(model)


class WrappedBackbone(nn.Module):
    """A backbone with something around it that adapts it to its nodes: the ``adapter``, made by the subclass.

    Args:
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units. Its attributes
            ``history``, ``horizon`` and ``in_channels`` are believed where it has them; otherwise 12, 12 and 3.
        num_nodes: N.
        freeze_backbone: keep the backbone's weights and statistics as they are.

    Raises:
        InputError: another adapter on the same backbone is to train what this one keeps, or the other way round.
    """

    corrects_only: ClassVar[bool] = True  # the backbone runs as if alone, so its forecasts can be kept
    rate: ClassVar[float] = 1.0  # of the learning rate that a run asks for
    adapter: nn.Module

    def __init__(self, backbone: nn.Module, num_nodes: int, freeze_backbone: bool) -> None:
        super().__init__()
        self.backbone = backbone
        self.num_nodes = num_nodes
        self.freeze_backbone = freeze_backbone
        sizes = unwrapped(backbone)  # parallel modules do not say what is inside
        self.history = int(getattr(sizes, "history", 12))
        self.horizon = int(getattr(sizes, "horizon", 12))
        self.in_channels = int(getattr(sizes, "in_channels", 3))
        self._checked = False  # that the nodes have been measured
        _share(self, unwrapped(backbone))
        if freeze_backbone:
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
        expected = f"[B, {self.history}, {self.num_nodes}, C]"
        if not isinstance(x, Tensor):
            raise InputError(f"the history is a {type(x).__name__}; expected a tensor {expected}")
        if x.dim() != 4 or x.shape[1] != self.history or x.shape[2] != self.num_nodes:
            raise InputError(f"the history has shape {list(x.shape)}; expected {expected}")
        if x.shape[3] < self.in_channels:
            raise InputError(f"the history has {x.shape[3]} channels; the backbone reads {self.in_channels}")
        if self.training and not self._checked and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            self._checked = True
            if not self.is_measured:
                warnings.warn(
                    "the adapter is trained before its nodes were measured; call learn_profile(values, clock) with the "
                    "training period first",
                    stacklevel=2,
                )
        forecast = self.backbone_forecast(x)
        answer = (x.shape[0], self.horizon, self.num_nodes, 1)
        if forecast.shape != answer:
            raise InputError(
                f"the backbone answered with shape {list(forecast.shape)}; expected {list(answer)} "
                "([B, H, N, 1]); wrap it so that it does"
            )
        return self.correct(x, forecast)

    def backbone_forecast(self, x: Tensor, **shown: Tensor) -> Tensor:
        """The backbone's forecast ``[B, H, N, 1]``, from the channels it was built for.

        Args:
            x: ``[B, T, N, C]``.
            shown: what else the backbone takes while it trains.
        """
        if self.freeze_backbone and not torch.compiler.is_compiling():
            self._keep_still()
        forecast: Tensor = self.backbone(x[..., : self.in_channels], **shown)
        return forecast

    def _keep_still(self) -> None:
        """Undo what put parts of a frozen backbone into training mode, in which their statistics would move."""
        if any(module.training for module in self.backbone.modules()):
            self.backbone.eval()

    def correct(self, x: Tensor, forecast: Tensor) -> Tensor:
        """What comes after the backbone: history and its forecast to the corrected forecast ``[B, H, N, 1]``."""
        return forecast

    @property
    def learns_alone(self) -> bool:
        """Whether the adapter is trained without the backbone's forecast."""
        return False

    def learned(self, x: Tensor, forecast: Tensor | None) -> tuple[Tensor, ...]:
        """The forecasts ``[B, H, N, 1]`` whose errors are trained.

        Args:
            x: history ``[B, T, N, C]``.
            forecast: the backbone's ``[B, H, N, 1]``; None if the adapter learns alone.
        """
        assert forecast is not None
        return (self.correct(x, forecast),)

    def train(self, mode: bool = True) -> WrappedBackbone:
        """Training mode; a frozen backbone stays in evaluation mode, so its statistics do not move."""
        super().train(mode)
        if self.freeze_backbone:
            self.backbone.eval()
        return self

    def parameter_report(self) -> ParameterReport:
        """Count what is trained, what the adapter adds, and what the backbone has."""
        return ParameterReport(
            trainable=sum(p.numel() for p in self.parameters() if p.requires_grad),
            adapter=sum(p.numel() for p in self.adapter.parameters()),
            measured=sum(b.numel() for b in self.adapter.buffers()),
            backbone=sum(p.numel() for p in self.backbone.parameters()),
            is_measured=self.is_measured,
        )

    @property
    def is_measured(self) -> bool:
        """Whether all has been measured that the adapter is to know of each node."""
        return True

    def save_pretrained(self, folder: str | Path, extra: Mapping[str, Any] | None = None) -> None:
        """Write the adapter, and the adapter alone, to ``folder``.

        Args:
            folder: gets ``adapter_config.json``, ``adapter_model.safetensors`` and ``README.md``.
            extra: more entries for the configuration file, such as node ids or the data's unit.
        """
        raise NotImplementedError

    def _fit(self) -> Fit:
        """What the adapter is fitted to, for its file."""
        return Fit(
            num_nodes=self.num_nodes,
            history=self.history,
            horizon=self.horizon,
            in_channels=self.in_channels,
            backbone_class=type(unwrapped(self.backbone)).__name__,
            backbone_fingerprint=fingerprint(self.backbone),
        )

    def _take(self, tensors: dict[str, Tensor], fit: Fit, folder: Path) -> None:
        """Take the weights of a saved adapter, in the type of the backbone's.

        Raises:
            InputError: the backbone has other sizes than the adapter was fitted for, or a tensor does not fit.
        """
        for size in ("history", "horizon", "in_channels"):
            if getattr(self, size) != getattr(fit, size):
                raise InputError(
                    f"the adapter in {folder} was fitted for {size}={getattr(fit, size)} and the backbone has "
                    f"{getattr(self, size)}; give the backbone it was fitted to"
                )
        kinds = [parameter.dtype for parameter in self.backbone.parameters() if parameter.is_floating_point()]
        self.adapter.to(dtype=kinds[0] if kinds else None)
        put(self.adapter, tensors, f"the weights of the adapter in {folder / WEIGHTS}", AGAIN)


def check_same_backbone(backbone: nn.Module, fit: Fit, folder: Path) -> None:
    """Refuse a backbone with other weights than a saved adapter was fitted to.

    Raises:
        InputError: its weights or statistics are others.
    """
    if fit.backbone_fingerprint != fingerprint(backbone):
        raise InputError(
            f"the adapter in {folder} was fitted to a {fit.backbone_class} with other weights than the given "
            f"{type(unwrapped(backbone)).__name__}; load the weights it was fitted to, or pass check_backbone=False"
        )
