"""How the adapters on frozen backbones were trained, every number settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from stlora import rivals
from stlora.training.comparing.cells import Cell, adapt_config
from stlora.training.config import CompareConfig
from stlora.training.recipe import Recipe


def adapter_recipes(config: CompareConfig, chains: Sequence[Sequence[Cell]]) -> dict[str, dict[str, Any]]:
    """The recipe of each adapter that is fitted to a trained backbone, for the protocol of a comparison.

    Args:
        config: of the comparison.
        chains: its cells, the backbone alone first.

    Returns:
        By the adapter's name; ``epochs`` by the backbone's name, as they may depend on it.
    """
    found: dict[str, dict[str, Any]] = {}
    for chain in chains:
        for cell in chain:
            if cell.column.kind == "frozen":
                recipe = adapter_recipe(config, cell, chain[0])
                epochs = recipe.pop("epochs")
                found.setdefault(cell.column.adapter, {"epochs": {}, **recipe})["epochs"][cell.backbone] = epochs
    return found


def adapter_recipe(config: CompareConfig, cell: Cell, alone: Cell) -> dict[str, Any]:
    """The recipe of one, with the rate at which it learns: some take a share of the one that a run asks for."""
    plan = asdict(adapt_config(config, cell, alone))
    recipe = {field.name: plan[field.name] for field in fields(Recipe)}
    name = cell.column.adapter
    rate = rivals.find(name).rate if name in rivals.names() else 1.0
    return {**recipe, "learning_rate": recipe["learning_rate"] * rate}


def about_adapters(protocol: Mapping[str, Any]) -> str:
    """A sentence for people; none for a comparison without such an adapter, or of an earlier version.

    Example:
        >>> recipe = {"epochs": {"lstm": 20}, "optimizer": "adamw", "learning_rate": 0.004, "schedule": "cosine"}
        >>> about_adapters({"adapter_recipes": {"stlora": {**recipe, "batch_size": 128}}})
        ' On a frozen backbone stlora was trained by adamw at 0.004, schedule cosine, batches of 128, 20 epochs.'
    """
    alike: dict[str, list[str]] = {}
    for name, recipe in protocol.get("adapter_recipes", {}).items():
        epochs = "/".join(map(str, sorted(set(recipe["epochs"].values()))))
        text = (
            f"by {recipe['optimizer']} at {recipe['learning_rate']:g}, schedule {recipe['schedule']}, batches of "
            f"{recipe['batch_size']}, {epochs} epochs"
        )
        alike.setdefault(text, []).append(name)
    if not alike:
        return ""
    each = (f"{', '.join(names)} {'were' if len(names) > 1 else 'was'} trained {text}" for text, names in alike.items())
    return f" On a frozen backbone {'; '.join(each)}."
