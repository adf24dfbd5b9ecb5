"""What a run costs besides training time: memory at its peak, and seconds for a forecast."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

_MB = 1e6


class PeakMemory:
    """The most memory that the process has held since this object was made.

    Where the system cannot start its count anew, which Linux can, it is the most since the process began.
    """

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        if _gpu_in_use():  # what was never used has no peak to forget
            torch.cuda.reset_peak_memory_stats()

    def report(self) -> dict[str, float | None]:
        """``resident_mb``, and ``gpu_mb`` if a GPU was used; in 10⁶ bytes, None where it is not known."""
        gpu = torch.cuda.max_memory_allocated() if _gpu_in_use() else 0
        return {"resident_mb": _resident(), "gpu_mb": round(gpu / _MB, 1) if gpu else None}


def _gpu_in_use() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _resident() -> float | None:
    """The largest resident set in MB."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / _MB, 1)
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MB, 1)


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
