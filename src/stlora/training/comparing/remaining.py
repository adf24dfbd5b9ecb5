"""How much of a comparison is done, and how long the rest may take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stlora.training.run import Run

Kind = tuple[str, str]


def time_left(cells: Sequence[tuple[Path, Kind]], jobs: int = 1) -> tuple[float, bool]:
    """Seconds for the cells that are not finished, estimated by the mean of the finished ones of the same kind.

    Args:
        cells: the folder of each, and its backbone and column.
        jobs: processes at a time.

    Returns:
        The seconds, and whether they are all: False if a kind has no finished cell yet, whose time is left out.
    """
    finished: dict[Kind, list[float]] = {}
    for folder, kind in cells:
        if Run(folder).finished:
            finished.setdefault(kind, []).append(_seconds(Run(folder)))
    left = [kind for folder, kind in cells if not Run(folder).finished]
    known = [sum(finished[kind]) / len(finished[kind]) for kind in left if kind in finished]
    return sum(known) / min(jobs, max(1, len(left))), len(known) == len(left)


def _seconds(run: Run) -> float:
    """To train what is new in a cell, and to measure it."""
    seconds = run.metrics["seconds"]
    trained: float = seconds["adapt"] or seconds["fit"]  # what came after the backbone, if anything did
    return trained + float(seconds["evaluate"])


def left_text(seconds: float, all_known: bool) -> str:
    """For people.

    Example:
        >>> left_text(400.0, True), left_text(7300.0, False), left_text(0.0, False)
        ('about 7 min left', 'more than 2 h 2 min left', 'time left unknown')
    """
    if not all_known and not seconds:
        return "time left unknown"
    minutes = round(seconds / 60)
    if seconds < 90:
        text = f"{max(1, round(seconds))} s"
    else:
        text = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
    return f"{'about' if all_known else 'more than'} {text} left"
