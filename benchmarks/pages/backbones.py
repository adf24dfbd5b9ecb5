"""The measured steps of the backbones as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import plain

from stlora.files import write_text

TEXT = """\
# Backbones: one training step, this code beside the literal form

`python benchmarks/backbones.py --out results/speed`: forward, masked MAE, backward and Adam at N = 307, 3 channels,
12 steps in and 12 out, float32, training mode with the published dropout, on a simulated road network with self loops
(1,605 of 94,249 pairs). The literal form (`benchmarks/plain`) does what the published implementations do, step by
step, redundant work included; it has the same parameters and gives the same numbers (last column: the largest
difference of the outputs in evaluation mode, relative to the largest output). The two take turns in one process;
the median counts. Memory is the largest resident set of a process that runs one form only, less that after its
imports.

{table}

Seconds are processor time, because other programs ran on the machine; of the ratios (above 1: this code is faster) the
second is that of the clock.

{machines}
"""
HEAD = ("model", "batch", "plain s", "ours s", "ratio", "by the clock", "plain MiB", "ours MiB", "difference")


def write_table(found: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """One row for each measured model."""
    names = [name for name in plain.MODELS if name in found]
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD), *(_row(name, found[name]) for name in names)]
    machines: dict[str, list[str]] = {}
    for name in names:
        timed = f"steps timed: {found[name]['repeats']}, after one that is not; {found[name]['machine']}"
        machines.setdefault(timed, []).append(name)
    told = "\n".join(f"- {', '.join(names)}: {machine}." for machine, names in machines.items())
    write_text(path, TEXT.format(table="\n".join(lines), machines=told))


def cost_line(entry: Mapping[str, Any]) -> str:
    """What the page of a backbone says."""
    literal, ours = entry["plain"], entry["ours"]
    return (
        f"One training step on {entry['batch']} windows at N = 307 takes {ours['processor_s']:.2f} s of one core "
        f"({entry['machine'].partition(',')[0]}, float32) and {ours['memory_mib']:,.0f} MiB. Written out literally, as "
        f"the published implementations compute, it takes {literal['processor_s']:.2f} s and "
        f"{literal['memory_mib']:,.0f} MiB ([how it was measured](../../results/speed/backbones.md))."
    )


def _row(name: str, entry: Mapping[str, Any]) -> str:
    literal, ours = entry["plain"], entry["ours"]
    cells = (
        name,
        entry["batch"],
        f"{literal['processor_s']:.2f}",
        f"{ours['processor_s']:.2f}",
        f"{literal['processor_s'] / ours['processor_s']:.2f}",
        f"{literal['clock_s'] / ours['clock_s']:.2f}",
        f"{literal['memory_mib']:,.0f}",
        f"{ours['memory_mib']:,.0f}",
        f"{entry['difference']:.0e}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"
