"""Steps that take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import torch


def seconds(step: Callable[[], object]) -> float:
    """Of processor time that one call takes; of the clock where a GPU or several threads are used."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
        started = time.perf_counter()
        step()
        torch.cuda.synchronize()
        return time.perf_counter() - started
    started = now()
    step()
    return now() - started


def now() -> float:
    """Seconds of processor time; of the clock where several threads are used."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def medians(steps: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each step; they take turns, and a first round does not count."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            found[name].append(seconds(step))
    return {name: statistics.median(times[1:]) for name, times in found.items()}
