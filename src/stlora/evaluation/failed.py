"""Lines of a table for what has no result: they stand there and say so, instead of not being there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stlora.evaluation.rows import column_label
from stlora.evaluation.tables import Table

FAILED = "failed"


@dataclass(frozen=True)
class FailedRow:
    """A backbone, alone or with an adapter, and the seeds of it that failed.

    Attributes:
        backbone: its name.
        adapter: its name; ``none`` and ``trained-on`` as in :class:`stlora.evaluation.rows.Row`.
        mode: fit, joint or frozen.
        seeds: that failed, in the order in which they were tried.
    """

    backbone: str
    adapter: str
    mode: str
    seeds: tuple[int, ...]

    @property
    def column(self) -> str:
        """What was to be done to the backbone, for people."""
        return column_label(self.adapter, self.mode)


def with_failed(table: Table, failed: Sequence[FailedRow]) -> Table:
    """The table with a line for each row that has no result, and a word beside the seeds of one that lacks some.

    Args:
        table: whose first two columns are the backbone and what was done to it.
        failed: in any order; a line stands behind the others of its backbone.

    Example:
        >>> table = Table(["backbone", "column", "seeds", "MAE"], [["lstm", "alone", "2", "3.1"]])
        >>> failed = [FailedRow("lstm", "none", "fit", (2,)), FailedRow("lstm", "stlora", "frozen", (0, 1, 2))]
        >>> with_failed(table, failed).body
        [['lstm', 'alone', '2, 1 failed', '3.1'], ['lstm', 'ST-LoRA (frozen)', 'failed', '']]
    """
    body = [list(line) for line in table.body]
    for row in failed:
        name = [row.backbone, row.column]
        there = next((line for line in body if line[:2] == name), None)
        if there is None:
            last = max((index for index, line in enumerate(body) if line[0] == row.backbone), default=len(body) - 1)
            body.insert(last + 1, [*name, FAILED, *[""] * (len(table.header) - 3)])
        elif table.header[2] == "seeds":
            there[2] = f"{there[2]}, {len(row.seeds)} {FAILED}"
    return Table(table.header, body, table.words)
