"""Rivals as small safe files: the same three as those of an ST-LoRA adapter."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stlora._version import __version__
from stlora.adapters.files import CARD, CONFIG, WEIGHTS, Fit
from stlora.adapters.wrapped import check_same_backbone
from stlora.errors import InputError
from stlora.files import read_json, read_tensors, write_json, write_tensors, write_text
from stlora.rivals.registry import create

if TYPE_CHECKING:
    from torch import nn

    from stlora.rivals.base import Rival

FORMAT_VERSION = 1


def save(rival: Rival, fit: Fit, folder: Path, extra: dict[str, Any]) -> None:
    """Write what the method adds, how it was made, and a model card."""
    write_tensors(folder / WEIGHTS, rival.adapter.state_dict())
    write_text(folder / CARD, _card(rival, fit, extra))
    content = {
        "method": rival.method,
        "format_version": FORMAT_VERSION,
        "stlora_version": __version__,
        **dataclasses.asdict(fit),
        "freeze_backbone": rival.freeze_backbone,
        "options": rival.options,
        "extra": extra,
    }
    write_json(folder / CONFIG, content)


def is_rival(folder: str | Path) -> bool:
    """Whether an adapter folder holds a rival rather than an ST-LoRA adapter.

    Raises:
        InputError: its configuration is missing or damaged.
    """
    return "method" in read_json(Path(folder) / CONFIG)


def load(backbone: nn.Module, folder: str | Path, check_backbone: bool = True) -> Rival:
    """Put a saved rival around the backbone that it was fitted to.

    Args:
        backbone: the backbone, with its weights.
        folder: what :meth:`Rival.save_pretrained` wrote.
        check_backbone: refuse a backbone with other weights than the rival was fitted to.

    Raises:
        InputError: a file is missing, damaged, of a later format, or does not fit the backbone.
    """
    folder = Path(folder)
    content = read_json(folder / CONFIG)
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise InputError(
            f"{folder / CONFIG} has format_version {version!r}; this library reads {FORMAT_VERSION}; upgrade stlora"
        )
    try:
        fit = Fit(**{field.name: content[field.name] for field in dataclasses.fields(Fit)})
        method, frozen, options = content["method"], content["freeze_backbone"], dict(content["options"])
        if not all(type(size) is int for size in (fit.num_nodes, fit.history, fit.horizon, fit.in_channels)):
            raise TypeError("a size is no whole number")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / CONFIG} is incomplete or damaged ({error}); save the adapter again") from error
    tensors = read_tensors(folder / WEIGHTS)
    if check_backbone:
        check_same_backbone(backbone, fit, folder)
    rival = create(method, backbone, fit.num_nodes, frozen, **options)
    rival._take(tensors, fit, folder)
    return rival


def _card(rival: Rival, fit: Fit, extra: dict[str, Any]) -> str:
    sizes = ", ".join(f"{name} {value}" for name, value in rival.options.items()) or "none"
    lines = [
        f"# Adapter {rival.method}",
        "",
        f"Fitted to a `{fit.backbone_class}` over {fit.num_nodes} sensors, {fit.history} steps in, {fit.horizon} out.",
        "",
        "| | |",
        "|---|---|",
        f"| options | {sizes} |",
        f"| parameters | {rival.parameter_report()} |",
        *(f"| {name} | {value} |" for name, value in extra.items() if isinstance(value, (str, int, float))),
        "",
        "```python",
        "from stlora import rivals",
        "model = rivals.load(backbone, folder)  # the backbone with the weights it was fitted to",
        "```",
        "",
    ]
    return "\n".join(lines)
