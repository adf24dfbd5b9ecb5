"""How long ``import stlora`` takes, and commands that have next to nothing to do.

    python benchmarks/startup.py

Fresh processes that take turns; medians of processor time, beside that of ``import torch``. The commands use a run of
an LSTM on two sensors. Writes results/speed/startup.json and startup.md.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measuring.machine import describe
from pages.speed import startup_page

from stlora.files import write_json, write_text

RESULT = Path(__file__).resolve().parents[1] / "results" / "speed" / "startup"
ROUNDS, SHOWN = 7, 6
STLORA = ["-m", "stlora.cli"]
FIT = ["fit", "--data=net.csv", "--backbone=lstm", "--history=12", "--horizon=12", "--epochs=1", "--out=run"]
COMMANDS = {
    "python": ["-c", "pass"],
    "import torch": ["-c", "import torch"],
    "import stlora": ["-c", "import stlora"],
    "stlora --help": [*STLORA, "--help"],
    "stlora data check": [*STLORA, "data", "check", "net.csv"],
    "stlora predict": [*STLORA, "predict", "run", "--data=net.csv", "--output=next.csv"],
    "stlora evaluate": [*STLORA, "evaluate", "run"],
    "stlora export": [*STLORA, "export", "run", "--output=run.pt2"],
}


def processor_seconds(arguments: list[str]) -> float:
    """Of a fresh process, in user and system mode."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
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
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        time = pd.date_range("2024-01-01", periods=400, freq="1h", name="time")
        pd.DataFrame({"a": np.arange(400.0) % 24, "b": np.arange(400.0) % 7}, index=time).to_csv("net.csv")
        processor_seconds([*STLORA, *FIT])
        measure()
        os.chdir(RESULT.parent)


def measure() -> None:
    """Measure the commands in a folder that has what they use, and write the page."""
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
