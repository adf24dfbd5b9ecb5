"""Adapters as small safe files: a folder of JSON, safetensors and a model card, laid out as PEFT does."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from stlora._version import __version__
from stlora.adapters.config import STLoRAConfig
from stlora.errors import InputError
from stlora.files import read_json, read_tensors, write_json, write_tensors, write_text

if TYPE_CHECKING:
    from stlora.adapters.stlora import STLoRA

FORMAT_VERSION = 1
CONFIG, WEIGHTS, CARD = "adapter_config.json", "adapter_model.safetensors", "README.md"

_OWN_KEYS = {
    "peft_type",
    "format_version",
    "stlora_version",
    "num_nodes",
    "history",
    "horizon",
    "in_channels",
    "backbone_class",
    "backbone_fingerprint",
}


def fingerprint(module: nn.Module) -> str:
    """A SHA-256 over the names and values of a module's weights and statistics."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(str(tensor.dtype).encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_adapter(model: STLoRA, folder: Path, extra: dict[str, Any]) -> None:
    """Write configuration, weights and model card of the adapter of ``model``."""
    config = {
        "peft_type": "STLORA",
        "format_version": FORMAT_VERSION,
        "stlora_version": __version__,
        "num_nodes": model.num_nodes,
        "history": model.history,
        "horizon": model.horizon,
        "in_channels": model.in_channels,
        "backbone_class": type(model.backbone).__name__,
        "backbone_fingerprint": fingerprint(model.backbone),
        **asdict(model.config),
        "extra": extra,
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, model.adapter.state_dict())
    write_text(folder / CARD, _card(model, extra))
    write_json(folder / CONFIG, config)


def load_adapter(cls: type[STLoRA], backbone: nn.Module, folder: Path, check_backbone: bool) -> STLoRA:
    """Build ``cls`` on ``backbone`` with the adapter of ``folder``; every weight must be found and used."""
    content = read_json(folder / CONFIG)
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise InputError(
            f"{folder / CONFIG} has format_version {version!r}; this library reads {FORMAT_VERSION}; upgrade stlora"
        )
    known = {field.name for field in fields(STLoRAConfig)}
    unknown = sorted(set(content) - known - _OWN_KEYS - {"extra"})
    if unknown:
        warnings.warn(f"{folder / CONFIG}: ignoring unknown entries {', '.join(unknown)}", stacklevel=3)
    try:
        config = STLoRAConfig(**{name: content[name] for name in known})
        num_nodes = int(content["num_nodes"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / CONFIG} is incomplete or damaged ({error}); save the adapter again") from error
    if check_backbone and content.get("backbone_fingerprint") != fingerprint(backbone):
        raise InputError(
            f"the adapter in {folder} was fitted to a {content.get('backbone_class')} with other weights than the "
            f"given {type(backbone).__name__}; load the weights it was fitted to, or pass check_backbone=False"
        )
    model = cls(backbone, num_nodes, config)
    for size in ("history", "horizon", "in_channels"):
        if getattr(model, size) != content.get(size):
            raise InputError(
                f"the adapter in {folder} was fitted for {size}={content.get(size)} and the backbone has "
                f"{getattr(model, size)}; give the backbone it was fitted to"
            )
    try:
        model.adapter.load_state_dict(read_tensors(folder / WEIGHTS), strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{folder / WEIGHTS} does not fit its configuration ({reason}); save the adapter again"
        ) from error
    return model


def _card(model: STLoRA, extra: dict[str, Any]) -> str:
    config = model.config
    lines = [
        "# ST-LoRA adapter",
        "",
        f"A node-adaptive low-rank adapter for a `{type(model.backbone).__name__}` over {model.num_nodes} sensors, "
        f"{model.history} steps in, {model.horizon} steps out.",
        "",
        "| | |",
        "|---|---|",
        f"| node factor | {config.node_factor}, rank {config.rank}, alpha {config.alpha:g} |",
        f"| predictor | {config.predictors} × {config.layers} layers of width {config.width}, {config.fusion} fusion |",
        f"| parameters | {model.parameter_report()} |",
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
