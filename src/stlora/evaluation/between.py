"""The default adapter against every other column of the same backbone: whether it is ahead by more than chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from stlora.evaluation.changes import ALONE, Change, paired, tested
from stlora.evaluation.rows import by_column
from stlora.evaluation.tables import Table, how_sure

if TYPE_CHECKING:
    from stlora.evaluation.errors import WindowErrors

DEFAULT = ("stlora", "frozen")


def between(runs: Sequence[dict[str, Any]], errors: Callable[[dict[str, Any]], WindowErrors | None]) -> list[Change]:
    """What the default adapter on the frozen backbone changes against each other column but the backbone alone.

    Args:
        runs: contents of ``metrics.json``.
        errors: those of the test windows of such a run, or None if it did not keep them.
    """
    groups = by_column(runs)
    columns = [
        paired(groups.get((backbone, *DEFAULT), {}), by_seed)
        for (backbone, *column), by_seed in groups.items()
        if tuple(column) not in (ALONE, DEFAULT)
    ]
    return tested(columns, errors)


def between_table(found: Sequence[Change]) -> Table:
    """A line for each pair of columns; negative is in favour of the default."""
    header = ["backbone", "against", "seeds", "Δ MAE %", "95 % interval", "p", "p Holm", "sensors better"]
    body = [
        [
            change.backbone,
            change.against,
            str(len(change.seeds)),
            *how_sure(change),
            f"{change.improved} of {change.sensors}",
        ]
        for change in found
    ]
    return Table(header, body)
