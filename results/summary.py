"""The README's table of a comparison: what every column changed, a line for each backbone; and that of the rivals.

python results/summary.py metr-la-60
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

PAPER = ("lstm", "stgcn", "gwnet", "agcrn", "staeformer", "d2stgnn")  # the backbones of the paper
SHOWN = ("stlora", "large", "shared", "stlora-joint", "paper", "paper-joint", "trained-on")
RIVALS = ("bias_scale", "node_head", "embedding", "embedding-joint", "clora", "clora-joint", "peft", "finetune")
Runs = dict[tuple[str, str], dict[int, dict[str, Any]]]


def read(name: str) -> Runs:
    """``(backbone, column)`` to its runs by seed."""
    found: Runs = defaultdict(dict)
    for run in json.loads((Path(__file__).parent / name / "results.json").read_text(encoding="utf-8"))["runs"]:
        joint = run["mode"] == "joint" and run["adapter"] not in ("none", "trained-on", "finetune")
        column = run["adapter"] + "-joint" * joint
        found[run["backbone"], column][run["seed"]] = run
    return found


def errors(runs: Runs, backbone: str, column: str, *place: str) -> dict[int, float]:
    """MAE by seed."""
    found = {}
    for seed, run in runs.get((backbone, column), {}).items():
        for name in place:
            run = run[name]
        found[seed] = run["mae"]
    return found


def change(runs: Runs, backbone: str, column: str, *place: str) -> float | None:
    """Percent against the backbone alone, mean over the seeds that have both."""
    alone, other = (errors(runs, backbone, each, *place) for each in ("none", column))
    both = seeds(runs, backbone, column)
    return mean(100 * (other[seed] / alone[seed] - 1) for seed in both) if both else None


def seeds(runs: Runs, backbone: str, column: str) -> list[int]:
    """Those that the column and the backbone alone have."""
    return sorted(runs.get((backbone, "none"), {}).keys() & runs.get((backbone, column), {}).keys())


def means(runs: Runs, column: str, *place: str) -> float | None:
    """Mean change over the backbones of the paper; None unless all have the column."""
    changes = [change(runs, backbone, column, *place) for backbone in PAPER]
    known = [each for each in changes if each is not None]
    return mean(known) if len(known) == len(PAPER) else None


def table(runs: Runs, columns: tuple[str, ...]) -> str:
    """In Markdown; changes in percent, with the number of seeds behind it where a column has fewer than its row."""
    head = ["backbone", "seeds", "alone", *(f"`{column}`" for column in columns)]
    lines = [head, ["---"] * len(head)]
    for backbone in dict.fromkeys(backbone for backbone, _ in runs):
        alone = errors(runs, backbone, "none", "average")
        changes = [change(runs, backbone, column, "average") for column in columns]
        if all(each is None for each in changes):
            continue
        spread = f" ± {stdev(alone.values()):.3f}" if len(alone) > 1 else ""
        fewer = [len(seeds(runs, backbone, column)) for column in columns]
        cells = [
            percent(each) + (f" ({count})" if 0 < count < len(alone) else "")
            for each, count in zip(changes, fewer, strict=True)
        ]
        lines.append([backbone, str(len(alone)), f"{mean(alone.values()):.3f}{spread}", *cells])
    for name, place in (("mean of the six of the paper", ("average",)), ("… at step 12", ("horizons", "12"))):
        changes = [means(runs, column, *place) for column in columns]
        if any(each is not None for each in changes):
            lines.append([name, "", "", *(f"**{percent(each)}**" if each is not None else "" for each in changes)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percent(value: float | None) -> str:
    """With a sign; empty for None."""
    return "" if value is None else f"{value:+.1f}".replace("-", "−")


def baselines(runs: Runs) -> str:
    """The errors of those without adapters, on one line."""
    adapted = {backbone for backbone, column in runs if column != "none"}
    found = {name: errors(runs, name, "none", "average").values() for name, _ in runs if name not in adapted}
    return ", ".join(f"{name} {mean(values):.3f}" for name, values in found.items())


def shown(runs: Runs) -> tuple[str, ...]:
    """Those of the README's table that there are."""
    there = {column for _, column in runs}
    return tuple(column for column in SHOWN if column in there)


def own_forecast(runs: Runs) -> str:
    """The error of the adapter's own forecast without any backbone."""
    (found,) = (errors(runs, backbone, column, "average") for backbone, column in runs if column == "own")
    return f"{mean(found.values()):.3f} ± {stdev(found.values()):.3f}"


def rival_table(runs: Runs) -> str:
    """ST-LoRA's two forms and the rivals, behind the backbones that have rivals, with what each adds."""
    columns = ("stlora", "large", *(name for name in RIVALS if any(column == name for _, column in runs)))
    behind = {backbone for backbone, column in runs if column in RIVALS}
    theirs = {(backbone, column): found for (backbone, column), found in runs.items() if backbone in behind}
    sizes = []
    for name in columns:
        added = {
            run["parameters"]["adapter"]
            for (_, column), found in theirs.items()
            if column == name
            for run in found.values()
        }
        sizes.append(f"{min(added):,}" + (f" to {max(added):,}" if len(added) > 1 else "") if added else "")
    return table(theirs, columns) + "\n| parameters added |  |  | " + " | ".join(sizes) + " |"


if __name__ == "__main__":
    told = read(sys.argv[1])
    print(table(told, tuple(sys.argv[2:]) or shown(told)))
    print(baselines(told))
    if any(column == "own" for _, column in told):
        print("own forecast without backbone", own_forecast(told))
    if any(name in RIVALS for _, name in told):
        print(rival_table(told))
