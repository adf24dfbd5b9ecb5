"""One training step of every backbone against the literal form of the same network: seconds and memory.

    python benchmarks/backbones.py --out results/speed                         # all, about half an hour
    python benchmarks/backbones.py --out results/speed --models gwnet,agcrn    # these two; the others' numbers stay

A step is forward, masked MAE, backward and Adam, in training mode with the published dropout, at N = 307. Both forms
start from the same parameters and take turns in one process. Memory is the largest resident set (VmHWM) of a process
that runs one form only, less what it has after its imports; Linux.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from inspect import signature
from pathlib import Path

import plain
import torch
from measuring import published
from measuring.machine import describe
from pages.backbones import write_table
from torch import Tensor, nn

from stlora import backbones
from stlora.data import simulate
from stlora.files import read_json, write_json
from stlora.training.loss import masked_mae

NODES, STEPS = 307, 12
BATCHES = {"lstm": 64, "stgcn": 64, "gwnet": 64, "agcrn": 64, "staeformer": 16, "d2stgnn": 16, "stid": 64, "dcrnn": 16}
FORMS = ("plain", "ours")


def road_graph() -> Tensor:
    """A simulated road network with self loops."""
    return torch.as_tensor(simulate(num_nodes=NODES, days=2, seed=0).series.adjacency)


def batch(size: int) -> tuple[Tensor, Tensor]:
    """Histories ``[B, T, N, 3]`` and targets ``[B, H, N, 1]``, of which 2 % are missing."""
    generator = torch.Generator().manual_seed(0)
    step = torch.randint(7 * 288, (size, 1), generator=generator) + torch.arange(STEPS)
    clock = torch.stack([step % 288 / 288, step // 288 % 7 / 7], dim=-1)[:, :, None].expand(-1, -1, NODES, -1)
    history = torch.cat([torch.randn(size, STEPS, NODES, 1, generator=generator), clock], dim=-1)
    target = torch.randn(size, STEPS, NODES, 1, generator=generator)
    missing = torch.rand(target.shape, generator=generator) < 0.02
    return history, target.masked_fill(missing, torch.nan)


def build(model: str, form: str) -> nn.Module:
    """One form of a backbone, in training mode with the published dropout."""
    parameters = published.random_parameters(model, NODES, seed=0)
    ours = backbones.create(model, NODES, road_graph())
    if form == "ours":
        ours.load_state_dict(published.as_ours(model, parameters), strict=False)
        return ours
    rate = signature(type(ours)).parameters["dropout"].default if backbones.takes(model, "dropout") else 0.0
    return plain.create(model, parameters, road_graph(), rate)


class Step:
    """A training step that can be repeated."""

    def __init__(self, model: str, form: str) -> None:
        self.network = build(model, form)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3, fused=True)
        self.history, self.target = batch(BATCHES[model])

    def __call__(self) -> tuple[float, float]:
        """Seconds of the clock and of the processor."""
        clock, processor = time.perf_counter(), time.process_time()
        self.optimizer.zero_grad()
        masked_mae(self.network(self.history), self.target).backward()
        self.optimizer.step()
        return time.perf_counter() - clock, time.process_time() - processor


def difference(model: str) -> float:
    """The largest difference of the two forms in evaluation mode, relative to the largest output."""
    history = batch(2)[0]
    with torch.no_grad():
        wanted, found = (build(model, form).eval()(history) for form in FORMS)
    return ((found - wanted).abs().max() / wanted.abs().max()).item()


def measure_speed(model: str, repeats: int) -> dict[str, object]:
    found: dict[str, object] = {"difference": difference(model)}
    steps = {form: Step(model, form) for form in FORMS}
    for step in steps.values():
        step()
    times = {form: [] for form in FORMS}
    for _ in range(repeats):
        for form, step in steps.items():
            times[form].append(step())
    for form, measured in times.items():
        clock, processor = zip(*measured, strict=True)
        found[form] = {"clock_s": statistics.median(clock), "processor_s": statistics.median(processor)}
    return found


def measure_memory(model: str, form: str) -> float:
    """MiB that two steps take."""
    before = resident("VmRSS")
    step = Step(model, form)
    for _ in range(2):
        step()
    return resident("VmHWM") - before


def resident(name: str) -> float:
    """``VmRSS`` (now) or ``VmHWM`` (largest) of this process in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def fresh(threads: int, *part: object) -> object:
    """A measurement in a process of its own."""
    command = [sys.executable, __file__, "--threads", str(threads), "--part", *map(str, part)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def measure(model: str, repeats: int, threads: int) -> dict[str, object]:
    found = fresh(threads, "speed", model, repeats)
    assert isinstance(found, dict)
    for form in FORMS:
        found[form]["memory_mib"] = fresh(threads, "memory", model, form)
    return {"batch": BATCHES[model], "repeats": repeats, "machine": describe(threads), **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/speed"), help="folder of backbones.json and .md")
    parser.add_argument("--models", default=",".join(plain.MODELS), help="measure these; default: all")
    parser.add_argument("--repeats", type=int, default=3, help="steps of which the median counts; default: 3")
    parser.add_argument("--threads", type=int, default=1, help="of torch; default: 1")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.part:
        kind, model, last = options.part
        print(json.dumps(measure_speed(model, int(last)) if kind == "speed" else measure_memory(model, last)))
        return
    kept = options.out / "backbones.json"
    for model in options.models.split(","):
        found = read_json(kept) if kept.exists() else {}
        found[model] = measure(model, options.repeats, options.threads)
        write_json(kept, {name: found[name] for name in plain.MODELS if name in found})
        write_table(found, options.out / "backbones.md")
        print(model, json.dumps(found[model]), flush=True)


if __name__ == "__main__":
    main()
