"""The protocol of a comparison: what all its runs have in common, so that only like is set beside like."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.training.comparing.adapter_recipes import adapter_recipes
from stlora.training.comparing.cells import Cell, fit_config
from stlora.training.comparing.lists import names
from stlora.training.config import CompareConfig
from stlora.training.models import is_baseline
from stlora.training.recipe import Recipe
from stlora.training.schemas import read_results
from stlora.training.wrapping import form_of


def check_same_protocol(out: Path, protocol: dict[str, Any]) -> None:
    """A table of unlike runs would be no comparison: more cells may come, other options may not.

    Args:
        out: the folder of the comparison, which may hold one already.
        protocol: of the one that is to be made.

    Raises:
        InputError: the folder holds one of other data, options or adapters.
    """
    if not (out / "results.json").exists():
        return
    results = read_results(out)
    stored = results["protocol"]
    if stored.get("data_fingerprint") != protocol["data_fingerprint"]:
        raise InputError(f"{out} holds a comparison on other data; choose another --out or delete the folder")
    options = stored.get("options", {})
    recipe_parts = {field.name for field in fields(Recipe)}
    for name, value in json.loads(json.dumps(protocol["options"])).items():
        if name not in MORE:
            _check_same(out, name, options.get(name, getattr(CompareConfig, name, None)), value)
    finished = {run.get("backbone") for run in results.get("runs", [])}
    for backbone in (each for each in names(protocol["options"]["backbones"]) if each in finished):
        now, before = (each.get("backbone_options", {}).get(backbone, {}) for each in (protocol, stored))
        _check_same(out, f"backbone_options of {backbone}", before, json.loads(json.dumps(now)))
    for backbone, recipe in json.loads(json.dumps(protocol["recipes"])).items():
        before = stored["recipes"].get(backbone, {})
        for name in recipe_parts & before.keys():
            _check_same(out, name, before[name], recipe[name])
    for name, recipe in json.loads(json.dumps(protocol.get("adapter_recipes", {}))).items():
        _check_same_recipe(out, name, stored.get("adapter_recipes", {}).get(name, {}), recipe)
    for name, sizes in protocol["adapters"].items():
        before = dict(stored.get("adapters", {}).get(name, sizes))
        before.pop("freeze_backbone", None)  # of earlier versions
        if before != sizes:
            raise InputError(f"{out} holds runs with another form of the adapter {name}; choose another --out")


def _check_same_recipe(out: Path, adapter: str, before: dict[str, Any], now: dict[str, Any]) -> None:
    epochs = {
        name: count for name, count in before.get("epochs", {}).items() if now["epochs"].get(name, count) != count
    }
    differs = [name for name in before.keys() & now.keys() if name != "epochs" and before[name] != now[name]]
    if epochs or differs:
        part = min(differs, default="epochs")
        raise InputError(
            f"{out} holds runs with {part}={before[part]} for the adapter {adapter} and this one has {now[part]}; "
            "choose another --out"
        )


def _check_same(out: Path, name: str, before: Any, now: Any) -> None:
    if before != now:
        raise InputError(
            f"{out} holds a comparison with {name}={before} and this one has {now}; "
            "give the same options, or choose another --out"
        )


def make_protocol(config: CompareConfig, series: SensorSeries, chains: Sequence[Sequence[Cell]]) -> dict[str, Any]:
    """What stands in ``results.json`` beside the runs.

    Args:
        config: all options.
        series: the measurements.
        chains: the cells, the backbone alone first.

    Raises:
        InputError: an adapter is unknown.
    """
    options = {name: value for name, value in asdict(config).items() if name not in _ELSEWHERE}
    return {
        "dataset": series.name,
        "data_fingerprint": series.fingerprint(),
        "nodes": series.num_nodes,
        "steps": series.num_steps,
        "period": [str(series.time[0]), str(series.time[-1])],
        "interval": str(series.interval),
        "unit": series.unit,
        "graph": None if config.graph is None else Path(config.graph).name,
        "std": "sample standard deviation over seeds (ddof = 1)",
        "options": options | {name: ",".join(names(options[name])) for name in MORE},
        **parts_of(config, chains),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def parts_of(config: CompareConfig, chains: Sequence[Sequence[Cell]]) -> dict[str, dict[str, Any]]:
    """What a protocol says of backbones and of adapters."""
    sizes = {chain[0].backbone: config.backbone_options.get(chain[0].backbone) for chain in chains}
    adapters = dict.fromkeys(cell.column.adapter for chain in chains for cell in chain if cell.column.adapter != "none")
    return {
        "recipes": {chain[0].backbone: _recipe(config, chain[0]) for chain in chains if _is_trained(chain[0])},
        "backbone_options": {backbone: given for backbone, given in sizes.items() if given},
        "adapters": {name: form_of(name) for name in adapters},
        "adapter_recipes": adapter_recipes(config, chains),
    }


def _is_trained(cell: Cell) -> bool:
    return not is_baseline(cell.backbone)


def _recipe(config: CompareConfig, cell: Cell) -> dict[str, Any]:
    """How a backbone is trained, every number settled."""
    plan = asdict(fit_config(config, cell).settled())
    return {field.name: plan[field.name] for field in fields(Recipe)}


_ELSEWHERE = ("out", "data", "graph", "device", "jobs", "data_fingerprint", "backbone_options")  # where, or said there
MORE = ("backbones", "adapters", "seeds")  # a comparison can be continued with more of them
