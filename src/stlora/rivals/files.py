"""Rivals as small safe files: the same three as those of an ST-LoRA adapter."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from stlora._version import __version__
from stlora.adapters.files import AGAIN, CARD, CONFIG, WEIGHTS, Fit, check_sensors
from stlora.errors import InputError
from stlora.files import read_json, read_tensors, write_json, write_tensors, write_text
from stlora.records import Name, Size, check_version, record_of

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Saved:
    """What the files of a rival hold.

    Attributes:
        method: its name in the registry.
        frozen: whether the backbone was kept as it was.
        options: sizes of the method.
        fit: what it was fitted to.
        tensors: what the method adds.
    """

    method: str
    frozen: bool
    options: dict[str, int]
    fit: Fit
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class _Stored(Fit):
    """``adapter_config.json`` of a rival."""

    method: Name
    freeze_backbone: bool
    options: dict[str, Size]
    extra: dict[str, Any]


def save(saved: Saved, folder: Path, size: str, extra: dict[str, Any]) -> None:
    """Write what the method adds, how it was made, and a model card; ``size`` is the parameter report, for the card."""
    write_tensors(folder / WEIGHTS, saved.tensors)
    write_text(folder / CARD, _card(saved, size, extra))
    content = {
        "method": saved.method,
        "format_version": FORMAT_VERSION,
        "stlora_version": __version__,
        **dataclasses.asdict(saved.fit),
        "freeze_backbone": saved.frozen,
        "options": saved.options,
        "extra": extra,
    }
    write_json(folder / CONFIG, content)


def is_rival(folder: str | Path) -> bool:
    """Whether an adapter folder holds a rival rather than an ST-LoRA adapter.

    Raises:
        InputError: its configuration is missing or damaged.
    """
    return "method" in read_json(Path(folder) / CONFIG)


def read(folder: Path) -> Saved:
    """What :func:`save` wrote.

    Raises:
        InputError: a file is missing, damaged, or of a later format.
    """
    path = folder / CONFIG
    content = read_json(path)
    check_version(path, content.get("format_version"), FORMAT_VERSION)
    if "method" not in content and "node_factor" in content:
        raise InputError(f"{path} holds an ST-LoRA adapter; load it with STLoRA.from_pretrained")
    stored = record_of(path, content, _Stored, AGAIN)
    check_sensors(path, stored.num_nodes, stored.extra)
    fit = Fit(**{part.name: getattr(stored, part.name) for part in dataclasses.fields(Fit)})
    return Saved(stored.method, stored.freeze_backbone, stored.options, fit, read_tensors(folder / WEIGHTS))


def _card(saved: Saved, size: str, extra: dict[str, Any]) -> str:
    fit = saved.fit
    options = ", ".join(f"{name} {value}" for name, value in saved.options.items()) or "none"
    lines = [
        f"# Adapter {saved.method}",
        "",
        f"Fitted to a `{fit.backbone_class}` over {fit.num_nodes} sensors, {fit.history} steps in, {fit.horizon} out.",
        "",
        "| | |",
        "|---|---|",
        f"| options | {options} |",
        f"| parameters | {size} |",
        *(f"| {name} | {value} |" for name, value in extra.items() if isinstance(value, (str, int, float))),
        "",
        "```python",
        "from stlora import rivals",
        "model = rivals.load(backbone, folder)  # the backbone with the weights it was fitted to",
        "```",
        "",
    ]
    return "\n".join(lines)
