"""Windows cut from one array against windows that are all written out; and a network that is larger than memory.

    python benchmarks/windows.py            # needs 4 GB of disk for a while; some minutes
    python benchmarks/windows.py --small    # a hundredth of the large network, to try it out

Every measurement is a process of its own; the ways take turns, and the median of three rounds counts. Memory is the
largest resident set of the process (VmHWM), less what it has after its imports. Writes results/windows.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from stlora.data import simulate
from stlora.data.scaling import Scaler
from stlora.data.simulation.store import simulate_store
from stlora.data.store import open_store
from stlora.data.windows import Windows

RESULT = Path(__file__).parents[1] / "results" / "windows.md"
ROUNDS, BATCH = 3, 64
PEMS04 = {"num_nodes": 307, "days": 59, "interval": "5min"}  # 16,992 steps
LARGE = {"num_nodes": 8600, "days": 365}  # of 5 minutes: 105,120 steps
LARGE_BATCHES, LARGE_BATCH = 200, 16


def memory(name: str) -> float:
    """``VmRSS`` (now) or ``VmHWM`` (largest) of this process in MiB; Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def pems04(folder: Path, missing: float) -> Windows:
    """The measurements are read from a file, so that no trace of making them is measured."""
    series = open_store(folder)
    series = type(series)(np.array(series.values), series.time, series.node_ids)
    assert (np.isnan(series.values).mean() > 0) == (missing > 0)
    return Windows(series, Scaler.fit(series.values))


def make_pems04(folder: Path, missing: float) -> None:
    from stlora.data.store import write_store

    series = simulate(**PEMS04, missing=missing).series
    write_store(type(series)(series.values, series.time, series.node_ids), folder)


def on_demand(windows: Windows) -> int:
    """An epoch of batches cut out when they are asked for."""
    seen = 0
    for start in torch.randperm(len(windows)).split(BATCH):
        x, _ = windows.inputs(start), windows.targets(start)
        seen += len(x)
    return seen


def written_out(windows: Windows, channels: int) -> DataLoader[tuple[Tensor, ...]]:
    """All windows as two arrays, filled without any other copy of them."""
    x = torch.empty(len(windows), windows.history, windows.num_nodes, channels)
    y = torch.empty(len(windows), windows.horizon, windows.num_nodes, 1)
    for start in torch.arange(len(windows)).split(BATCH):
        x[start] = windows.inputs(start)[..., :channels]
        y[start] = windows.targets(start)
    return DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)


def measure_pems04(folder: Path, missing: float, channels: int | None) -> dict[str, float]:
    before = memory("VmRSS")
    windows = pems04(folder, missing)
    started = time.perf_counter()
    loader = None if channels is None else written_out(windows, channels)
    ready = time.perf_counter()
    busy = time.process_time()
    seen = on_demand(windows) if loader is None else sum(len(x) for x, _ in loader)
    busy, done = time.process_time() - busy, time.perf_counter()
    assert seen == len(windows)
    return {
        "prepare": ready - started,
        "rate": seen / (done - ready),
        "busy_rate": seen / busy,
        "memory": memory("VmHWM") - before,
    }


def measure_large(folder: Path) -> dict[str, float]:
    before = memory("VmRSS")
    started = time.perf_counter()
    series = open_store(folder)
    opened = time.perf_counter()
    scaler = Scaler.fit(series.values[: int(0.7 * series.num_steps)])
    scaled = time.perf_counter()
    windows = Windows(series, scaler)
    order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(0))
    total = 0.0
    for start in order[: LARGE_BATCHES * LARGE_BATCH].split(LARGE_BATCH):
        total += float(windows.inputs(start)[..., 0].mean()) + float(windows.targets(start).nanmean())
    done = time.perf_counter()
    assert np.isfinite(total)
    return {
        "steps": series.num_steps,
        "nodes": series.num_nodes,
        "open": opened - started,
        "scale": scaled - opened,
        "rate": LARGE_BATCHES * LARGE_BATCH / (done - scaled),
        "peak": memory("VmHWM"),
        "memory": memory("VmHWM") - before,
    }


def measure_making(folder: Path, nodes: int) -> dict[str, float]:
    started = time.perf_counter()
    simulate_store(folder, **{**LARGE, "num_nodes": nodes})
    size = (folder / "values.npy").stat().st_size / 2**30
    return {"seconds": time.perf_counter() - started, "peak": memory("VmHWM"), "size": size}


def fresh(part: str, *arguments: object) -> dict[str, float]:
    """A measurement in a process of its own."""
    command = [sys.executable, __file__, "--part", part, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    print(part, *arguments[1:], done.stdout.strip(), file=sys.stderr)
    return json.loads(done.stdout)


def run_part(part: str, arguments: list[str]) -> dict[str, float]:
    torch.set_num_threads(1)
    folder = Path(arguments[0])
    if part == "make":
        return measure_making(folder, int(arguments[1]))
    if part == "large":
        return measure_large(folder)
    return measure_pems04(folder, float(arguments[1]), int(arguments[2]) or None)


def compare(folder: Path) -> list[str]:
    ways = {
        "`Windows`, 4 channels": 0,
        "`TensorDataset`, 4 channels": 4,
        "`TensorDataset`, 3 channels": 3,
    }
    lines = [
        "| series | windows | windows per second of processor time | of the clock | memory, MiB | seconds to prepare |",
        "|---|---|---|---|---|---|",
    ]
    for missing in (0.0, 0.05):
        store = folder / f"pems04-{missing}"
        make_pems04(store, missing)
        found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, channels in ways.items():
                found[way].append(fresh("pems04", store, missing, channels))
        for way, results in found.items():
            middle = {name: statistics.median(result[name] for result in results) for name in results[0]}
            lines.append(
                f"| {missing:.0%} missing | {way} | {middle['busy_rate']:,.0f} | {middle['rate']:,.0f} | "
                f"{middle['memory']:,.0f} | {middle['prepare']:.1f} |"
            )
    return lines


def large(folder: Path, nodes: int) -> list[str]:
    made = fresh("make", folder / "large", nodes)
    used = fresh("large", folder / "large")
    return [
        f"{used['nodes']:,.0f} sensors × {used['steps']:,.0f} steps of five minutes, {made['size']:.2f} GiB on disk, "
        f"made by `simulate_store` a day at a time in {made['seconds']:.0f} s with {made['peak']:,.0f} MiB resident "
        "at most.",
        "",
        "| opened and looked through, s | mean and deviation of 70 %, s | windows/s | largest resident set, MiB | "
        "of it above the imports, MiB |",
        "|---|---|---|---|---|",
        f"| {used['open']:.1f} | {used['scale']:.1f} | {used['rate']:,.0f} | {used['peak']:,.0f} | "
        f"{used['memory']:,.0f} |",
        "",
        f"{LARGE_BATCHES} random batches of {LARGE_BATCH} windows (12 steps in, 12 out, 4 channels), each mean taken. "
        "Pages of the file count as resident while they are mapped; they are handed back after every batch and every "
        "64 MiB of a walk.",
    ]


def report(nodes: int) -> str:
    processor = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    with tempfile.TemporaryDirectory() as name:
        tables = compare(Path(name)), large(Path(name), nodes)
    return "\n".join(
        [
            "# Windows: speed and memory",
            "",
            f"`python benchmarks/windows.py` on {processor}, {os.cpu_count()} cores, one thread; Python "
            f"{platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}.",
            "",
            "## PEMS04's shape: 16,992 steps × 307 sensors, 12 in, 12 out, batches of 64 in random order",
            "",
            *tables[0],
            "",
            "A simulated network; PEMS04 itself has no gaps. `Windows` cuts batches when they are asked for and "
            "fills gaps anew in each; `TensorDataset` with `DataLoader` holds all windows, written out and filled "
            "before. The 4 channels are value, time of day, day of week, observed; both ways give the same "
            "batches, in one thread and process. Memory is the largest resident set above that after the imports, "
            "the series included. Every number is the median of three processes that took turns. Other programs "
            "ran at the time, so processor time compares the ways better than the clock does.",
            "",
            "## Larger than memory",
            "",
            *tables[1],
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a hundredth of the large network; nothing is written")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(run_part(options.part[0], options.part[1:])))
        return
    text = report(86 if options.small else LARGE["num_nodes"])
    print(text)
    if not options.small:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
