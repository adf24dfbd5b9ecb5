"""The protocol of a table that several commands filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stlora.training.comparing.cells import Cell
from stlora.training.comparing.columns import ALONE
from stlora.training.comparing.lists import names
from stlora.training.comparing.order import Place, adapter_place, backbone_place, column_place
from stlora.training.comparing.protocol import MORE, parts_of
from stlora.training.config import CompareConfig


def with_earlier(
    protocol: dict[str, Any], stored: dict[str, Any], config: CompareConfig, kept: Sequence[Cell]
) -> dict[str, Any]:
    """The protocol of a comparison that goes on, with what belongs to the cells of earlier commands.

    In the options what is asked for now comes first; recipes and forms stand in the order of the tables.

    Args:
        protocol: of this command.
        stored: of those before; empty if there are none.
        config: all options.
        kept: the cells of earlier commands.
    """
    if not stored and not kept:
        return protocol
    there = parts_of(config, [[Cell.of(Path(config.out), cell.backbone, ALONE, cell.seed), cell] for cell in kept])
    recipes: dict[str, dict[str, Any]] = {}
    for parts in (there, stored, protocol):
        for name, recipe in parts.get("adapter_recipes", {}).items():
            epochs = recipes.get(name, {}).get("epochs", {}) | recipe["epochs"]
            recipes[name] = {**recipe, "epochs": _sorted(epochs, backbone_place)}
    asked = names(config.backbones)  # whose sizes are those of this command: none of another one's is finished
    sizes = {backbone: given for backbone, given in stored.get("backbone_options", {}).items() if backbone not in asked}
    machines = dict.fromkeys([*stored.get("machine", protocol["machine"]).split("; "), protocol["machine"]])
    return {
        **protocol,
        "options": protocol["options"] | _lists(protocol["options"], stored.get("options", {}), kept),
        "recipes": _merged("recipes", backbone_place, there, stored, protocol),
        "backbone_options": _merged("backbone_options", backbone_place, there, {"backbone_options": sizes}, protocol),
        "adapters": _merged("adapters", adapter_place, there, stored, protocol),
        "adapter_recipes": _sorted(recipes, adapter_place),
        "machine": "; ".join(machines),
    }


def _lists(now: dict[str, Any], before: dict[str, Any], kept: Sequence[Cell]) -> dict[str, str]:
    """Backbones, adapters and seeds of all commands."""
    there = {
        "backbones": sorted({cell.backbone for cell in kept}, key=backbone_place),
        "adapters": sorted({cell.column.name for cell in kept}, key=column_place),
        "seeds": map(str, sorted({cell.seed for cell in kept})),
    }
    given = {name: [*names(now[name]), *(names(before[name]) if name in before else [])] for name in MORE}
    return {name: ",".join(dict.fromkeys([*given[name], *there[name]])) for name in MORE}


def _merged(part: str, place: Callable[[str], Place], *protocols: dict[str, Any]) -> dict[str, Any]:
    """One part of several protocols; of two that know the same name the latter is believed."""
    return _sorted({name: value for content in protocols for name, value in content.get(part, {}).items()}, place)


def _sorted(content: dict[str, Any], place: Callable[[str], Place]) -> dict[str, Any]:
    return {name: content[name] for name in sorted(content, key=place)}
