"""The eight backbones as a literal reading of their descriptions: every step written out, redundant work included.

What ``stlora.backbones`` is compared with: its numbers must be equal to these, and its speed is measured against them.
Parameters lie as the published implementations keep them and go by the published names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from torch import Tensor

from plain.base import Plain

MODELS = ("lstm", "stgcn", "gwnet", "agcrn", "staeformer", "d2stgnn", "stid", "dcrnn")


def create(model: str, parameters: Mapping[str, Tensor], adjacency: Tensor, dropout: float) -> Plain:
    """A literal backbone with copies of the published parameters, by name; ``adjacency`` is ``[N, N]``."""
    built: Plain = import_module(f"plain.{model}").Model(parameters, adjacency, dropout)
    return built


__all__ = ["MODELS", "Plain", "create"]
