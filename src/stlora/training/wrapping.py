"""The one place where the name of an adapter becomes a network: a backbone with that adapter behind it."""

from __future__ import annotations

import dataclasses
from inspect import signature
from pathlib import Path
from typing import Any, get_args

from torch import nn

from stlora import rivals
from stlora.adapters import STLoRA, STLoRAConfig
from stlora.adapters.config import AdapterName
from stlora.errors import InputError
from stlora.rivals import Rival
from stlora.training.prepare import Prepared


def wrap(backbone: nn.Module, name: str, options: dict[str, Any], data: Prepared, freeze: bool) -> STLoRA | Rival:
    """Put an adapter around a backbone; it knows the training part and has not learned yet.

    Args:
        backbone: ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        name: of the adapter.
        options: fields that differ from the named adapter.
        data: what it will be trained on.
        freeze: keep the backbone as it is; without effect on an adapter that is the backbone, trained on.

    Raises:
        InputError: the name or an option is unknown, or the backbone cannot be wrapped.
    """
    if name in rivals.names():
        frozen = None if rivals.find(name).adapts == "joint" else freeze
        return rivals.create(name, backbone, data.series.num_nodes, frozen, **options)
    choice = dataclasses.replace(_config(name, **options), freeze_backbone=freeze)
    model = STLoRA(backbone, data.series.num_nodes, choice)
    model.learn_profile(*data.training_part())
    return model


def form_of(name: str) -> dict[str, Any]:
    """What an adapter of that name is made of, for the protocol of a comparison.

    Raises:
        InputError: the name is unknown.
    """
    if name in rivals.names():
        sizes = list(signature(rivals.find(name)).parameters.values())[3:]
        return {"method": name, **{size.name: size.default for size in sizes}}
    form = dataclasses.asdict(_config(name))
    del form["freeze_backbone"]  # a matter of the column
    return form


def check_from_scratch(name: str) -> None:
    """Refuse an adapter that makes no sense around a backbone that is not trained yet.

    Raises:
        InputError: it starts from a trained one, or makes nothing of any.
    """
    if not from_scratch(name):
        raise InputError(f"{name} starts from a trained backbone; fit the backbone alone, then use stlora adapt")
    if name == "own":
        raise InputError(
            "own does without the backbone's forecast, so there is nothing to train jointly; use stlora adapt"
        )


def from_scratch(name: str) -> bool:
    """Whether an adapter can be trained together with a backbone that is not trained yet."""
    return name not in rivals.names() or rivals.find(name).from_scratch


def runs_backbone(name: str) -> bool:
    """Whether an adapter needs the backbone at every step of its training, even where it is frozen."""
    return name in rivals.names() and not rivals.find(name).corrects_only


def load_wrapped(backbone: nn.Module, folder: Path) -> STLoRA | Rival:
    """A saved adapter around the backbone that it was fitted to.

    Raises:
        InputError: a file is missing, damaged, or does not fit the backbone.
    """
    if rivals.is_rival(folder):
        return rivals.load(backbone, folder)
    return STLoRA.from_pretrained(backbone, folder)


def _config(name: str, **options: Any) -> STLoRAConfig:
    if name not in get_args(AdapterName):
        known = ("none", *get_args(AdapterName), *rivals.names())
        raise InputError(f"no adapter is called {name!r}; choose one of {', '.join(known)}")
    return STLoRAConfig.named(name, **options)
