"""Adapters as small safe files: a folder of JSON, safetensors and a model card, laid out as PEFT does."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stlora._version import __version__
from stlora.adapters.config import STLoRAConfig
from stlora.errors import InputError
from stlora.files import read_json, read_tensors, write_json, write_tensors, write_text

FORMAT_VERSION = 1
CONFIG, WEIGHTS, CARD = "adapter_config.json", "adapter_model.safetensors", "README.md"
_STAMP = {"peft_type": "STLORA", "format_version": FORMAT_VERSION, "stlora_version": __version__}


def fingerprint(module: nn.Module) -> str:
    """A SHA-256 over the names and values of a module's weights and statistics."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
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

    num_nodes: int
    history: int
    horizon: int
    in_channels: int
    backbone_class: str
    backbone_fingerprint: str


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
    content = read_json(folder / CONFIG)
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise InputError(
            f"{folder / CONFIG} has format_version {version!r}; this library reads {FORMAT_VERSION}; upgrade stlora"
        )
    if "method" in content:
        raise InputError(f"{folder / CONFIG} holds the rival {content['method']}; load it with stlora.rivals.load")
    sizes, fitted = ({field.name for field in fields(kind)} for kind in (STLoRAConfig, Fit))
    unknown = sorted(set(content) - sizes - fitted - set(_STAMP) - {"extra"})
    if unknown:
        warnings.warn(f"{folder / CONFIG}: ignoring unknown entries {', '.join(unknown)}", stacklevel=3)
    try:
        config = STLoRAConfig(**{name: content[name] for name in sizes})
        fit = Fit(**{name: content[name] for name in fitted})
        if not all(type(size) is int for size in (fit.num_nodes, fit.history, fit.horizon, fit.in_channels)):
            raise TypeError("a size is no whole number")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / CONFIG} is incomplete or damaged ({error}); save the adapter again") from error
    return config, fit, read_tensors(folder / WEIGHTS)


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
