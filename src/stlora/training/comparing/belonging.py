"""Whether a finished run that no table listed was made under the protocol of a comparison."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from stlora.files import read_json
from stlora.training.comparing.adapter_recipes import adapter_recipe
from stlora.training.comparing.cells import Cell, fit_config
from stlora.training.config import CompareConfig, DataOptions, FitConfig
from stlora.training.models import is_baseline
from stlora.training.recipe import Recipe
from stlora.training.run import Run
from stlora.training.wrapping import form_of

_PLACES = {"data", "graph", "data_fingerprint"}
_SIZES_GIVEN = {"steps_per_day", "seed"}  # by the library itself, not by an option


def belongs(cell: Cell, alone: Cell, config: CompareConfig, fingerprint: str) -> bool:
    """Whether a cell was made as this comparison would make it.

    Args:
        cell: a finished one.
        alone: of its backbone and seed.
        config: of the comparison.
        fingerprint: of its data.

    Raises:
        InputError: a file of the run is missing or damaged.
    """
    fit = Run(cell.folder).record().fit
    plan = _plain(asdict(fit_config(config, alone).settled()))
    names = {field.name for field in fields(DataOptions)} - _PLACES | {"backbone", "seed", "train_fraction"}
    if not is_baseline(cell.backbone):
        names |= {field.name for field in fields(Recipe)}
    if fit.get("data_fingerprint") != fingerprint or _sizes(fit) != _sizes(plan):
        return False
    if any(fit.get(name, getattr(FitConfig, name, None)) != plan[name] for name in names):
        return False
    return _adapted_alike(cell, alone, config)


def _sizes(fit: dict[str, Any]) -> dict[str, Any]:
    """What an option says of a backbone's sizes."""
    return {name: value for name, value in fit.get("backbone_options", {}).items() if name not in _SIZES_GIVEN}


def _adapted_alike(cell: Cell, alone: Cell, config: CompareConfig) -> bool:
    if cell.column.adapter == "none":
        return True
    stored = read_json(cell.folder / "adapter" / "adapter_config.json")
    stored = stored | stored.get("options", {})
    form = _plain(form_of(cell.column.adapter))
    if any(stored.get(name, value) != value for name, value in form.items()):
        return False
    if cell.column.kind == "joint":
        return True
    options = Run(cell.folder).options
    recipe = _plain(adapter_recipe(config, cell, alone)) | {"train_fraction": config.train_fraction}
    del recipe["learning_rate"]  # of the network that is made; what was asked for is in the options
    return all(options.get(name, value) == value for name, value in recipe.items())


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """As a file gives it back."""
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain
