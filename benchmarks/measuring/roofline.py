"""What a machine can do at best: the rate of a large matrix product, and how fast an array is read and written."""

from __future__ import annotations

import torch

from measuring.turns import medians


def product_rate(size: int = 1024) -> float:
    """Floating-point operations a second of a square product in float32."""
    left, right, out = (torch.ones(size, size) for _ in range(3))
    return 2 * size**3 / medians({"product": lambda: torch.mm(left, right, out=out)}, 9)["product"]


def copy_rate(numbers: int) -> float:
    """Bytes a second, read and written, of copying an array of so many float32 numbers into another."""
    source, target = torch.ones(numbers), torch.empty(numbers)
    return 2 * 4 * numbers / medians({"copy": lambda: target.copy_(source)}, 15)["copy"]
