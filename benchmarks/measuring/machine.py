"""What a measurement ran on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy
import torch

import stlora


def describe(threads: int) -> str:
    """Processor, cores, threads used, and versions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    used = "one thread" if threads == 1 else f"{threads} threads"
    versions = {"Python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__}
    named = ", ".join(f"{name} {version}" for name, version in {**versions, "stlora": stlora.__version__}.items())
    device = f" and {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{processor}, {os.cpu_count()} cores, {used}{device}; {named}"
