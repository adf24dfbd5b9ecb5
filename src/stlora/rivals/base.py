"""What the rivals share: whole-number options, what training must know of them, saving."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from stlora.adapters import WrappedBackbone
from stlora.errors import InputError
from stlora.rivals.files import Saved, save


class Rival(WrappedBackbone):
    """A backbone adapted in another way than ST-LoRA's; a fresh one forecasts what the backbone does.

    Args:
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        num_nodes: N.
        freeze_backbone: keep the backbone's weights and statistics as they are.
        options: sizes of the method.

    Raises:
        InputError: an option is below 1.
    """

    method: ClassVar[str]  # its name in the registry
    adapts: ClassVar[str] = "frozen or joint"  # or frozen alone, or joint alone
    from_scratch: ClassVar[bool] = True  # whether it can be trained together with a backbone that is not trained yet

    def __init__(self, backbone: nn.Module, num_nodes: int, freeze_backbone: bool, **options: int) -> None:
        for name, value in options.items():
            if value < 1:
                raise InputError(f"{name} of {self.method} is {value}; expected 1 or more")
        super().__init__(backbone, num_nodes, freeze_backbone)
        self.options = options

    def save_pretrained(self, folder: str | Path, extra: Mapping[str, Any] | None = None) -> None:
        """Write what the method adds, and that alone; :func:`stlora.rivals.load` reads it."""
        saved = Saved(self.method, self.freeze_backbone, self.options, self._fit(), self.adapter.state_dict())
        save(saved, Path(folder), str(self.parameter_report()), dict(extra or {}))

    def _gradients(self) -> AbstractContextManager[Any]:
        """Lets gradients through a frozen recurrent backbone: cuDNN refuses them in evaluation mode."""
        recurrent = any(isinstance(module, nn.RNNBase) for module in self.backbone.modules())
        if recurrent and self.freeze_backbone and self.training:
            return torch.backends.cudnn.flags(enabled=False)
        return nullcontext()
