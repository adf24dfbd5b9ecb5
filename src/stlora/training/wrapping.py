"""The one place where the name of an adapter becomes a network: a backbone with that adapter behind it."""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from stlora.adapters import STLoRA, STLoRAConfig
from stlora.training.prepare import Prepared


def wrap(backbone: nn.Module, name: str, options: dict[str, Any], data: Prepared, freeze: bool) -> STLoRA:
    """Put an adapter behind a backbone; it knows the training part and has not learned yet.

    Args:
        backbone: ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        name: of the adapter.
        options: fields that differ from the named adapter.
        data: what it will be trained on.
        freeze: keep the backbone as it is.

    Raises:
        InputError: the name or an option is unknown, or the backbone cannot be wrapped.
    """
    choice = dataclasses.replace(STLoRAConfig.named(name, **options), freeze_backbone=freeze)
    model = STLoRA(backbone, data.series.num_nodes, choice)
    model.learn_profile(*data.training_part())
    return model
