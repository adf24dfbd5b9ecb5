"""LoRA on the linear layers of a frozen backbone, by the peft package."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call

from stlora.errors import InputError
from stlora.rivals.base import Rival


class PeftLoRA(Rival):
    """``W + (α/r) B A`` for the weight of every ``nn.Linear`` of the backbone, the same for all nodes.

    Low-rank adaptation (Hu et al., ICLR 2022) as the peft package makes it. B starts at zero. The backbone runs with
    the sum in place of each weight, since some backbones read the weight of a layer past the layer's own forward,
    which a layer put in its place would not see. r · (in + out) parameters for each linear layer, whatever N.

    Args:
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        num_nodes: N.
        freeze_backbone: can only be True.
        rank: r.
        alpha: α.

    Raises:
        InputError: peft is not installed, or the backbone has no ``nn.Linear``.
    """

    method = "peft"
    corrects_only = False
    adapts = "frozen"
    from_scratch = False

    def __init__(
        self, backbone: nn.Module, num_nodes: int, freeze_backbone: bool = True, rank: int = 8, alpha: int = 16
    ) -> None:
        super().__init__(backbone, num_nodes, freeze_backbone, rank=rank, alpha=alpha)
        self.layers = _inject(backbone, rank, alpha)
        self.adapter: nn.ModuleDict = nn.ModuleDict(
            {
                name: nn.ModuleDict({part: getattr(layer, part)["default"] for part in ("lora_A", "lora_B")})
                for name, layer in self.layers.items()
            }
        )

    def backbone_forecast(self, x: Tensor, **shown: Tensor) -> Tensor:
        """The forecast ``[B, H, N, 1]`` of the backbone with the changed weights."""
        weights: dict[str, Tensor] = {}
        for name, layer in self.layers.items():
            made: Any = layer
            weights[f"{name.replace('/', '.')}.weight"] = made.weight + made.get_delta_weight("default")
        with self._gradients():
            forecast: Tensor = functional_call(self.backbone, weights, (x[..., : self.in_channels],), shown)
        return forecast


def _inject(backbone: nn.Module, rank: int, alpha: int) -> nn.ModuleDict:
    """What peft makes of the linear layers, by their names with / for a dot; the backbone keeps its own."""
    layers = nn.ModuleDict(
        {
            name.replace(".", "/"): layer
            for name, layer in backbone.named_modules()
            if isinstance(layer, nn.Linear) and name
        }
    )
    if not layers:
        raise InputError(
            f"{type(backbone).__name__} has no nn.Linear, so peft's LoRA has nothing to adapt; choose another adapter"
        )
    peft = _peft()
    config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(layers), lora_dropout=0.0, bias="none")
    peft.inject_adapter_in_model(config, layers)
    for layer in layers.values():
        made: Any = layer
        layer.to(made.weight.dtype)
    return layers


def _peft() -> Any:
    try:
        return import_module("peft")
    except ImportError as error:
        raise InputError(f'the adapter peft needs the package peft ({error}); pip install "stlora[peft]"') from error
