"""How long ``import stlora`` and ``stlora --help`` take.

    python benchmarks/startup.py

Fresh processes that take turns; medians of processor time. Neither needs torch, whose own import is measured beside
them. Writes results/speed/startup.json and startup.md.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from measuring.machine import describe
from pages.speed import startup_page

from stlora.files import write_json, write_text

RESULT = Path(__file__).parents[1] / "results" / "speed" / "startup"
ROUNDS, SHOWN = 7, 6
COMMANDS = {
    "python": ["-c", "pass"],
    "import torch": ["-c", "import torch"],
    "import stlora": ["-c", "import stlora"],
    "stlora --help": ["-m", "stlora.cli", "--help"],
}


def processor_seconds(arguments: list[str]) -> float:
    """Of a fresh process, in user and system mode."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def slowest_imports(arguments: list[str]) -> list[tuple[str, float]]:
    """Modules that take longest by themselves, in seconds of the clock."""
    command = [sys.executable, "-X", "importtime", *arguments]
    told = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True).stderr
    rows = [line.removeprefix("import time:").split("|") for line in told.splitlines() if line.count("|") == 2]
    alone = [(name.strip(), int(own) / 1e6) for own, _, name in rows if own.strip().isdigit()]
    return sorted(alone, key=lambda entry: -entry[1])[:SHOWN]


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            times[name].append(processor_seconds(arguments))
    found = {
        "machine": describe(1),
        "rounds": ROUNDS,
        "seconds": {name: statistics.median(each) for name, each in times.items()},
        "slowest": {name: slowest_imports(COMMANDS[name]) for name in ("import stlora", "stlora --help")},
    }
    write_json(RESULT.with_suffix(".json"), found)
    write_text(RESULT.with_suffix(".md"), startup_page(found))


if __name__ == "__main__":
    main()
