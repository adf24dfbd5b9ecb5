"""The published parameters of every backbone: names, shapes, and how they become ours.

Names and shapes are those of the files that the parity tests read, ``tests/backbones/parity``; how they become ours is
said by the tests as well. Both are taken from there, so that there is one of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

TESTS = Path(__file__).parents[2] / "tests" / "backbones"


def shapes(model: str, num_nodes: int) -> dict[str, list[int]]:
    """The shapes of the published parameters; no axis but that of the nodes has the 20 of the parity files."""
    recorded = json.loads((TESTS / "parity" / f"{model}.json").read_text(encoding="utf-8"))["shapes"]
    return {name: [num_nodes if size == 20 else size for size in shape] for name, shape in recorded.items()}


def random_parameters(model: str, num_nodes: int, seed: int) -> dict[str, Tensor]:
    """Published parameters of a size at which signals neither fade nor grow."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, shape in shapes(model, num_nodes).items():
        fan_in = torch.Size(shape[1:] if len(shape) > 1 else shape).numel()
        found[name] = (2 * torch.rand(shape, generator=generator) - 1) / fan_in**0.5
        if any(part in name for part in ("ln", "bn")) and name.endswith("weight"):
            found[name] += 1
    return {name: tensor.to(torch.get_default_dtype()) for name, tensor in found.items()}


def as_ours(model: str, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published parameters as those of ``stlora.backbones``, by differentiable operations."""
    ours: dict[str, Tensor] = load(f"test_{model}")._from_published(parameters)
    return ours


@lru_cache
def load(name: str) -> ModuleType:
    """A module of the tests."""
    spec = spec_from_file_location(f"stlora_tests_{name}", TESTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
