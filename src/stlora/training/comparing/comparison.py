"""Backbones × adapters × seeds on one data set: resumable a cell at a time, several at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stlora.data.load import Data
from stlora.errors import InputError
from stlora.evaluation.between import between
from stlora.evaluation.changes import Change, changes
from stlora.evaluation.errors import WindowErrors
from stlora.evaluation.rows import Row, summarise
from stlora.files import write_json
from stlora.folders import claimed
from stlora.progress import say
from stlora.training import together
from stlora.training.comparing.cells import Cell
from stlora.training.comparing.columns import columns_for, columns_of
from stlora.training.comparing.earlier import find_earlier, trouble
from stlora.training.comparing.lists import names
from stlora.training.comparing.order import backbone_place, column_place
from stlora.training.comparing.protocol import check_same_protocol, make_protocol
from stlora.training.comparing.protocol_so_far import with_earlier
from stlora.training.comparing.table_files import write_tables
from stlora.training.comparing.workers import run_cells
from stlora.training.config import CompareConfig, expect_config
from stlora.training.models import check_backbones
from stlora.training.prepare import open_series
from stlora.training.run import Run
from stlora.training.versions import versions_of


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to.

    Attributes:
        rows: of the tables, cells of earlier commands with the same ``out`` too.
        changes: of every row against its backbone alone.
        failed: cells that were asked for and have no result, with their reason.
        left_out: cells of earlier commands that can no longer be in the tables, with the reason.
    """

    rows: list[Row]
    changes: list[Change]
    failed: dict[str, str]
    left_out: dict[str, str] = field(default_factory=dict)


def compare(config: CompareConfig, series: Data | None = None, show: bool = False) -> Comparison:
    """Fit every backbone alone with every seed, do with it what the columns say, and write the tables.

    A finished cell is not run again; an interrupted one is taken up; a failed one is reported and the others go on.
    What earlier commands left in the folder stays in the tables, which are written anew after each cell.

    Args:
        config: all options.
        series: the measurements, if they are at hand.
        show: progress on the terminal.

    Raises:
        InputError: the data or an option cannot be used, a backbone is unknown, or another process writes to the
            folder.
    """
    expect_config(config, CompareConfig)
    together.refuse("a comparison")
    with claimed(config.out):
        return _compare(config, series, show)


def _compare(config: CompareConfig, series: Data | None, show: bool) -> Comparison:
    check_backbones(names(config.backbones), config.backbone_options)
    series = open_series(config, series)
    if config.seed != CompareConfig.seed:
        raise InputError(f"seed is {config.seed}; a comparison takes --seeds, such as --seeds {config.seed}")
    seeds = [int(seed) for seed in names([_integer(seed) for seed in names(config.seeds)])]  # 0 and 00 are one
    out, columns = Path(config.out), columns_of(names(config.adapters))
    chains = [
        [Cell.of(out, backbone, column, seed) for column in columns_for(backbone, columns)]
        for backbone in names(config.backbones)
        for seed in seeds
    ]
    asked = [cell for chain in chains for cell in chain]
    protocol = make_protocol(config, series, chains)
    check_same_protocol(out, protocol)
    for cell in asked:
        if Run(cell.folder).finished and (reason := trouble(cell)):
            raise InputError(f"{reason}; delete {cell.folder}, and the same command makes that run again")
    earlier = find_earlier(config, protocol["data_fingerprint"], asked)
    for name, reason in earlier.left_out.items() if show else ():
        say(f"{name} left out: {reason}")
    cells, failed = [*asked, *earlier.cells], earlier.failed
    protocol = with_earlier(protocol, earlier.protocol, config, earlier.cells)
    comparison = write_comparison(out, protocol, cells, failed)  # the protocol stands before the first cell does
    for more in run_cells(config, series, chains, show):
        finished = {cell.name for cell in asked if Run(cell.folder).finished}
        failed = {name: reason for name, reason in {**failed, **more}.items() if name not in finished}
        comparison = write_comparison(out, protocol, cells, failed)
    mine = {cell.name: failed[cell.name] for cell in asked if cell.name in failed}
    return replace(comparison, failed=mine, left_out=earlier.left_out)


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"the seed {text!r} is not a whole number; give numbers such as 0,1,2") from error


def write_comparison(out: Path, protocol: dict[str, Any], cells: Sequence[Cell], failed: dict[str, str]) -> Comparison:
    """Write what is finished by now.

    Args:
        out: the folder of the comparison.
        protocol: as :func:`stlora.training.comparing.protocol.make_protocol` makes it.
        cells: finished or not.
        failed: their reasons.
    """
    done = sorted((cell for cell in cells if Run(cell.folder).finished), key=_place)
    contents = {cell.name: Run(cell.folder).metrics for cell in done}
    metrics = list(contents.values())
    kept = {_key(content): Run(cell.folder) for cell, content in zip(done, metrics, strict=True)}

    def errors(content: dict[str, Any]) -> WindowErrors | None:
        return kept[_key(content)].errors()

    rows, found, others = summarise(metrics), changes(metrics, errors), between(metrics, errors)
    protocol = {**protocol, **versions_of(contents)}
    results = {"format_version": 1, "protocol": protocol, "runs": metrics, "failed": failed}
    results |= {"comparisons": [change.entry() for change in found], "between": [change.entry() for change in others]}
    write_json(out / "results.json", results)
    write_tables(out, rows, found, others, protocol, failed)
    return Comparison(rows, found, failed)


def _place(cell: Cell) -> tuple[Any, ...]:
    return backbone_place(cell.backbone), column_place(cell.column.name), cell.seed


def _key(metrics: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(metrics[name] for name in ("backbone", "adapter", "mode", "seed"))
