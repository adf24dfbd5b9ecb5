"""What all cells of a study have in common, so that only like is set beside like."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from stlora._version import __version__
from stlora.errors import InputError
from stlora.records import read_record
from stlora.studies.cells import Cell, adapt_config
from stlora.studies.config import DesignOptions
from stlora.studies.designs import base_form
from stlora.training.recipe import Recipe
from stlora.training.schemas import StudyRecord


def make_protocol(study: str, options: DesignOptions, cells: Sequence[Cell]) -> dict[str, Any]:
    """What stands in ``study.json`` beside the numbers.

    Args:
        study: its name.
        options: all options.
        cells: of the study.
    """
    plan = dataclasses.asdict(adapt_config(options, cells[0]))
    sources = dict.fromkeys(cell.source for cell in cells)
    return {
        "study": study,
        "adapter": {"named": options.adapter, **dataclasses.asdict(base_form(options))},
        "recipe": {field.name: plan[field.name] for field in dataclasses.fields(Recipe)},
        "std": "sample standard deviation over seeds (ddof = 1)",
        "backbones": {source.key: source.entry() for source in sources},
        **circumstances(),
    }


def circumstances() -> dict[str, Any]:
    """Versions and machine."""
    return {
        "versions": {"stlora": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def check_same_study(out: Path, protocol: dict[str, Any]) -> None:
    """More values and backbones may come, another study may not.

    Args:
        out: the folder of the study, which may hold one already.
        protocol: of the one that is to be made.

    Raises:
        InputError: the folder holds another study, or one with other options or on other backbones.
    """
    if not (out / "study.json").exists():
        return
    record = read_record(out / "study.json", StudyRecord, "delete it, and the command of the study writes it anew")
    stored: dict[str, Any] = dict(record["protocol"])
    now = json.loads(json.dumps(protocol))
    _check(out, {"study": stored.get("study")}, {"study": now["study"]})
    for part in ("adapter", "recipe"):
        _check(out, stored.get(part, {}), now.get(part, {}))
    known = stored.get("backbones", {})
    for key, entry in now.get("backbones", {}).items():
        if known.get(key, entry)["weights"] != entry["weights"]:
            raise InputError(
                f"{out} holds runs on another {entry['backbone']} with seed {entry['seed']} on {entry['dataset']}; "
                "choose another --out"
            )


def _check(out: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    for name, value in now.items():
        if before.get(name) != value:
            raise InputError(
                f"{out} holds a study with {name}={before.get(name)} and this one has {value}; give the same options, "
                "or choose another --out"
            )
