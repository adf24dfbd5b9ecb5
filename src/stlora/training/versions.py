"""With which versions and on which machine each run was made, and what a table of several says of it."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from stlora._version import __version__

NOT_RECORDED = "not recorded"  # by earlier versions


def versions_now(adapter: str, device: torch.device) -> dict[str, Any]:
    """For ``metrics.json``: what makes a run in this process.

    Args:
        adapter: its name; ``peft`` is work of a library of that name.
        device: that the network is on.

    Returns:
        Versions by name, the ``cpu`` and its ``threads``, and the ``gpu``, which is None where none was used.
    """
    return {
        "stlora": __version__,
        **{name: version(name) for name in ("torch", "lightning", "numpy")},
        **({"peft": version("peft")} if adapter == "peft" else {}),
        "python": platform.python_version(),
        "cpu": cpu_model(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
    }


def cpu_model(info: Path = Path("/proc/cpuinfo")) -> str:
    """The name of the processor; its architecture where the system does not say."""
    try:
        lines = info.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def versions_of(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """For the protocol of a comparison.

    Args:
        runs: contents of ``metrics.json`` by the name of their cells.

    Returns:
        ``versions``: of each name what most cells were made with; ``other_versions``: cells that were made with
        something else, and with what; of cells that do not know, ``not recorded``.

    Example:
        >>> made = {"a": {"versions": {"torch": "2.1"}}, "b": {"versions": {"torch": "2.1"}}}
        >>> found = versions_of({**made, "c": {"versions": {"torch": "2.0"}}, "d": {}})
        >>> found["versions"]
        {'torch': '2.1'}
        >>> found["other_versions"]
        [{'cells': ['c'], 'versions': {'torch': '2.0'}}, {'cells': ['d'], 'versions': 'not recorded'}]
    """
    known = {name: run["versions"] for name, run in runs.items() if "versions" in run}
    parts = dict.fromkeys(part for made in known.values() for part in made)
    most = {part: Counter(made[part] for made in known.values() if part in made).most_common(1)[0][0] for part in parts}
    others: list[dict[str, Any]] = []
    for name in runs:
        differs = {part: value for part, value in known.get(name, {}).items() if value != most[part]}
        found: Any = differs if name in known else NOT_RECORDED
        same = [other for other in others if other["versions"] == found]
        if same:
            same[0]["cells"].append(name)
        elif found:
            others.append({"cells": [name], "versions": found})
    return {"versions": most, "other_versions": others}


def about_versions(protocol: Mapping[str, Any]) -> str:
    """One line for people, of what :func:`versions_of` found; of a comparison of an earlier version, what it knows.

    Example:
        >>> other = {"cells": ["lstm none seed 0", "lstm none seed 1"], "versions": {"torch": "2.0"}}
        >>> about_versions({"versions": {"stlora": "0.1.0", "torch": "2.1", "gpu": None}, "other_versions": [other]})
        'stlora 0.1.0, torch 2.1; lstm none seeds 0, 1: torch 2.0'
    """
    most = {part: value for part, value in protocol["versions"].items() if value is not None}
    others = protocol.get("other_versions", [])
    if not most:
        return f"versions {NOT_RECORDED}" if others else ""
    return "; ".join([_listed(most), *(f"{_cells(other['cells'])}: {_listed(other['versions'])}" for other in others)])


def _listed(versions: Mapping[str, Any] | str) -> str:
    if isinstance(versions, str):
        return versions
    return ", ".join(f"no {part}" if value is None else f"{part} {value}" for part, value in versions.items())


def _cells(given: Sequence[str]) -> str:
    """Their names, those that differ in their seed alone under one."""
    seeds: dict[str, list[str]] = {}
    for name in given:
        row, _, seed = name.rpartition(" seed ")
        seeds.setdefault(row, []).append(seed)
    return ", ".join(f"{row} seed{'s' if len(each) > 1 else ''} {', '.join(each)}" for row, each in seeds.items())
