"""What a run costs besides training time: memory at its peak, and seconds for a forecast; and what memory is free."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

import stlora.progress

_MB = 1e6


class PeakMemory:
    """The most memory that the process has held since this object was made.

    A command starts the counts of its process anew. In a program of somebody else, whose counts they are, the peak is
    known if it is higher than whatever was before.
    """

    def __init__(self) -> None:
        if stlora.progress.is_command:
            with contextlib.suppress(OSError):  # not on all systems
                Path("/proc/self/clear_refs").write_text("5")
            if _gpu_in_use():  # what was never used has no peak to forget
                torch.cuda.reset_peak_memory_stats()
        self._before = (0.0, 0.0) if stlora.progress.is_command else (_resident() or 0.0, _gpu())

    def report(self) -> dict[str, float | None]:
        """``resident_mb``, and ``gpu_mb`` if a GPU was used; in 10⁶ bytes, None where it is not known."""
        resident, gpu = _resident(), _gpu()
        return {
            "resident_mb": resident if resident is not None and resident > self._before[0] else None,
            "gpu_mb": gpu if gpu > self._before[1] else None,
        }


def free_memory(info: Path = Path("/proc/meminfo")) -> float | None:
    """MB that new work could take without anything being swapped out; None where the system does not say.

    Of the whole machine: a limit that a container has is not seen.
    """
    return _entry(info, "MemAvailable:")


def resident_memory(pid: int) -> float | None:
    """MB that a process holds now; None where the system does not say, or the process is gone."""
    return _entry(Path(f"/proc/{pid}/status"), "VmRSS:")


def room_for_another(free: float | None, needed: float, held: Sequence[float]) -> bool:
    """Whether one more process may start beside running ones, all numbers in the same unit.

    Args:
        free: that new work could take; None, not known, is no limit.
        needed: that each is expected to take at its peak.
        held: by each of those that run. What one of them still lacks of its peak is not free for another.

    Example:
        >>> room_for_another(5.0, 4.0, held=[4.0]), room_for_another(5.0, 4.0, held=[1.0])
        (True, False)
        >>> room_for_another(None, 4.0, held=[4.0])
        True
    """
    return free is None or free - sum(max(0.0, needed - mine) for mine in held) >= needed


def _gpu() -> float:
    """The most memory that was allocated on the GPU in MB."""
    return round(torch.cuda.max_memory_allocated() / _MB, 1) if _gpu_in_use() else 0.0


def _gpu_in_use() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _resident() -> float | None:
    """The largest resident set in MB."""
    most = _entry(Path("/proc/self/status"), "VmHWM:")
    if most is not None:
        return most
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MB, 1)


def _entry(file: Path, name: str) -> float | None:
    """In MB, of a file of Linux that has a line ``name  number kB``."""
    with contextlib.suppress(OSError):
        for line in file.read_text().splitlines():
            if line.startswith(name):
                return round(int(line.split()[1]) * 1024 / _MB, 1)
    return None


class ForwardClock:
    """Counts the windows that a network forecasts inside a ``with`` block, and the time it takes for them.

    Args:
        model: the network; its first argument is ``[B, ...]``.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> with ForwardClock(model) as clock:
        ...     _ = model(torch.ones(3, 2))
        >>> clock.windows, clock.seconds > 0
        (3, True)
    """

    def __init__(self, model: nn.Module) -> None:
        self.windows = 0
        self.seconds = 0.0
        self._started = 0.0
        self._hooks = [model.register_forward_pre_hook(self._before), model.register_forward_hook(self._after)]

    @property
    def seconds_per_window(self) -> float:
        """Mean over all windows; NaN if there was none."""
        return self.seconds / self.windows if self.windows else float("nan")

    def __enter__(self) -> ForwardClock:
        return self

    def __exit__(self, *_: Any) -> None:
        for hook in self._hooks:
            hook.remove()

    def _before(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._finish_queue(inputs[0])
        self._started = time.perf_counter()

    def _after(self, _: nn.Module, inputs: tuple[Any, ...], __: Any) -> None:
        self._finish_queue(inputs[0])
        self.seconds += time.perf_counter() - self._started
        self.windows += len(inputs[0])

    @staticmethod
    def _finish_queue(x: torch.Tensor) -> None:
        if x.is_cuda:  # a GPU works on after the call has returned
            torch.cuda.synchronize(x.device)
