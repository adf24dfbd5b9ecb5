"""Backbones × adapters × seeds on one data set: resumable a cell at a time, several at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.evaluation.between import between
from stlora.evaluation.changes import Change, changes
from stlora.evaluation.errors import WindowErrors
from stlora.evaluation.rows import Row, summarise
from stlora.files import write_json
from stlora.training import together
from stlora.training.cells import Cell, run_cells
from stlora.training.columns import columns_for, columns_of
from stlora.training.config import CompareConfig
from stlora.training.prepare import open_series
from stlora.training.protocol import check_same_protocol, make_protocol
from stlora.training.run import Run
from stlora.training.table_files import write_tables


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to.

    Attributes:
        rows: of the tables.
        changes: of every row against its backbone alone.
        failed: cells without a result, with their reason.
    """

    rows: list[Row]
    changes: list[Change]
    failed: dict[str, str]


def compare(config: CompareConfig, series: SensorSeries | None = None, show: bool = False) -> Comparison:
    """Fit every backbone alone with every seed, do with it what the columns say, and write the tables.

    A finished cell is not run again; an interrupted one is taken up; a failed one is reported and the others go on.

    Args:
        config: all options.
        series: the measurements, if they are at hand.
        show: progress on the terminal.

    Raises:
        InputError: the data or an option cannot be used.
    """
    together.refuse("a comparison")
    series = open_series(config, series)
    folder = Path(config.out) / "runs"
    columns = columns_of(names(config.adapters))
    chains = [
        [
            Cell(folder / f"{backbone.replace(':', '.')}-{seed}" / column.name, backbone, column, seed)
            for column in columns_for(backbone, columns)
        ]
        for backbone in names(config.backbones)
        for seed in map(_integer, names(config.seeds))
    ]
    cells = [cell for chain in chains for cell in chain]
    protocol = make_protocol(config, series, [chain[0] for chain in chains], columns)
    out, failed = Path(config.out), dict[str, str]()
    check_same_protocol(out, protocol)
    comparison = write_comparison(out, protocol, cells, failed)  # the protocol stands before the first cell does
    for more in run_cells(config, series, chains, show):
        failed |= more
        comparison = write_comparison(out, protocol, cells, failed)
    return comparison


def names(given: str | int | Sequence[Any]) -> list[str]:
    """A list of names from a list, or from text with commas.

    Raises:
        InputError: there is none, or one twice.

    Example:
        >>> names("lstm, stgcn")
        ['lstm', 'stgcn']
    """
    parts = str(given).split(",") if isinstance(given, (str, int)) else [str(item) for item in given]
    found = [part.strip() for part in parts if part.strip()]
    if not found or len(set(found)) != len(found):
        raise InputError(f"got {given!r}; expected one or more different names, separated by commas")
    return found


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"the seed {text!r} is not a whole number; give numbers such as 0,1,2") from error


def write_comparison(out: Path, protocol: dict[str, Any], cells: Sequence[Cell], failed: dict[str, str]) -> Comparison:
    """Write what is finished by now.

    Args:
        out: the folder of the comparison.
        protocol: as :func:`stlora.training.protocol.make_protocol` makes it.
        cells: finished or not.
        failed: their reasons.
    """
    runs = [Run(cell.folder) for cell in cells if Run(cell.folder).finished]
    metrics = [run.metrics for run in runs]
    kept = {_key(content): run for content, run in zip(metrics, runs, strict=True)}

    def errors(content: dict[str, Any]) -> WindowErrors | None:
        return kept[_key(content)].errors()

    rows, found, others = summarise(metrics), changes(metrics, errors), between(metrics, errors)
    results = {"format_version": 1, "protocol": protocol, "runs": metrics, "failed": failed}
    results |= {"comparisons": [change.entry() for change in found], "between": [change.entry() for change in others]}
    write_json(out / "results.json", results)
    write_tables(out, rows, found, others, protocol, failed)
    return Comparison(rows, found, failed)


def _key(metrics: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(metrics[name] for name in ("backbone", "adapter", "mode", "seed"))
