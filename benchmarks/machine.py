"""What a measurement ran on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def describe(threads: int) -> str:
    """Processor, cores, threads used, and versions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    used = "one thread" if threads == 1 else f"{threads} threads"
    return f"{processor}, {os.cpu_count()} cores, {used}; Python {platform.python_version()}, torch {torch.__version__}"
