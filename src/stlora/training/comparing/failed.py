"""The cells of a comparison without a result, as rows of its tables."""

from __future__ import annotations

from collections.abc import Iterable

from stlora import rivals
from stlora.evaluation.failed import FailedRow
from stlora.training.comparing.columns import Column


def failed_rows(names: Iterable[str]) -> list[FailedRow]:
    """One for each backbone and column that has a failed cell.

    Args:
        names: of the cells, as :attr:`stlora.training.comparing.cells.Cell.name` makes them and ``results.json`` keeps
            them.

    Example:
        >>> failed_rows(["lstm stlora-joint seed 0", "lstm stlora-joint seed 2"])
        [FailedRow(backbone='lstm', adapter='stlora', mode='joint', seeds=(0, 2))]
    """
    seeds: dict[tuple[str, str, str], list[int]] = {}
    for name in names:
        backbone, column, _, seed = name.rsplit(" ", 3)
        seeds.setdefault((backbone, *_adapter_and_mode(Column.named(column))), []).append(int(seed))
    return [FailedRow(*key, tuple(found)) for key, found in seeds.items()]


def _adapter_and_mode(column: Column) -> tuple[str, str]:
    """As ``metrics.json`` would have them."""
    if column.kind in ("alone", "trained-on"):
        return column.name, "fit"
    is_backbone = column.adapter in rivals.names() and rivals.find(column.adapter).adapts == "joint"
    return column.adapter, "joint" if is_backbone else column.kind
