"""What a command says of cells without a result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_TOLD = 3


def cells_failed(failed: Mapping[str, str], folder: str | Path) -> str:
    """One line for cells without a result: the reasons of the first ones, and where the others are told.

    Args:
        failed: cells, with their reasons.
        folder: where the tables are.

    Example:
        >>> cells_failed({"lstm none seed 0": "no memory", "lstm stlora seed 0": "lstm has no result to adapt"}, "runs")
        '2 cells failed: lstm none seed 0: no memory | 1 more, told below the tables in runs'
    """
    first = [f"{name}: {reason}" for name, reason in failed.items() if "has no result to" not in reason][:_TOLD]
    more = len(failed) - len(first)
    told = [*first, f"{more} more, told below the tables in {folder}"] if more else first
    return f"{len(failed)} cell{'s' * (len(failed) > 1)} failed: {' | '.join(told)}"
