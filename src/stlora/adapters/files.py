"""Adapters as small safe files: a folder of JSON, safetensors and a model card, laid out as PEFT does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stlora._version import __version__
from stlora.adapters.config import STLoRAConfig
from stlora.errors import InputError
from stlora.files import read_json, read_tensors, write_json, write_tensors, write_text
from stlora.records import Size, Steps, Text, check_version, record_of
from stlora.tensors import weights_of

FORMAT_VERSION = 1
CONFIG, WEIGHTS, CARD = "adapter_config.json", "adapter_model.safetensors", "README.md"
AGAIN = "restore it, or save the adapter again"
_STAMP = {"peft_type": "STLORA", "format_version": FORMAT_VERSION, "stlora_version": __version__}


def fingerprint(module: nn.Module) -> str:
    """A SHA-256 over the names and values of a module's weights and statistics."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights_of(module).items()):
        digest.update(name.encode())
        digest.update(str(tensor.dtype).encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Fit:
    """What an adapter was fitted to.

    Attributes:
        num_nodes: N.
        history: T.
        horizon: H.
        in_channels: history channels that the backbone reads.
        backbone_class: its class, for messages.
        backbone_fingerprint: of its weights.
    """

    num_nodes: Size
    history: Steps
    horizon: Steps
    in_channels: Size
    backbone_class: Text
    backbone_fingerprint: Text


@dataclass(frozen=True)
class _Stored(STLoRAConfig, Fit):
    """``adapter_config.json``."""

    extra: dict[str, Any] = field(default_factory=dict)


def save_adapter(
    folder: Path, config: STLoRAConfig, fit: Fit, tensors: dict[str, Tensor], size: str, extra: dict[str, Any]
) -> None:
    """Write configuration, weights and model card; ``size`` is the parameter report, for the card."""
    write_tensors(folder / WEIGHTS, tensors)
    write_text(folder / CARD, _card(config, fit, size, extra))
    write_json(folder / CONFIG, {**_STAMP, **asdict(fit), **asdict(config), "extra": extra})


def load_adapter(folder: Path) -> tuple[STLoRAConfig, Fit, dict[str, Tensor]]:
    """Read the configuration, what the adapter was fitted to, and its weights.

    Raises:
        InputError: a file is missing, damaged, or of a later format.
    """
    path = folder / CONFIG
    content = read_json(path)
    check_version(path, content.get("format_version"), FORMAT_VERSION)
    if "method" in content:
        raise InputError(f"{path} holds the rival {content['method']}; load it with stlora.rivals.load")
    stored = record_of(path, content, _Stored, AGAIN)
    check_sensors(path, stored.num_nodes, stored.extra)
    config = STLoRAConfig(**{part.name: getattr(stored, part.name) for part in fields(STLoRAConfig)})
    fit = Fit(**{part.name: getattr(stored, part.name) for part in fields(Fit)})
    return config, fit, read_tensors(folder / WEIGHTS)


def check_sensors(path: Path, nodes: int, extra: Mapping[str, Any]) -> None:
    """Refuse a file that names another number of sensors than it was fitted to.

    Raises:
        InputError: it does.
    """
    named = extra.get("node_ids", [None] * nodes)  # an adapter saved by hand need not name them
    if not isinstance(named, list) or len(named) != nodes:
        count = len(named) if isinstance(named, list) else repr(named)[:60]
        raise InputError(f"{path} is damaged (num_nodes is {nodes} and extra.node_ids are {count}); {AGAIN}")


def _card(config: STLoRAConfig, fit: Fit, size: str, extra: dict[str, Any]) -> str:
    lines = [
        "# ST-LoRA adapter",
        "",
        f"A node-adaptive low-rank adapter for a `{fit.backbone_class}` over {fit.num_nodes} sensors, "
        f"{fit.history} steps in, {fit.horizon} steps out.",
        "",
        "| | |",
        "|---|---|",
        f"| node factor | {config.node_factor}, rank {config.rank}, alpha {config.alpha:g} |",
        f"| predictor | {config.predictors} × {config.layers} layers of width {config.width}, gone through "
        f"{config.passes} times, {config.fusion} fusion |",
        f"| parameters | {size} |",
        *(f"| {name} | {value} |" for name, value in extra.items() if isinstance(value, (str, int, float))),
        "",
        "```python",
        "from stlora import STLoRA",
        "model = STLoRA.from_pretrained(backbone, folder)  # the backbone with the weights it was fitted to",
        "```",
        "",
        "The correction depends on the node and on the clock, so it cannot be folded into the backbone's weights.",
        "",
    ]
    return "\n".join(lines)
