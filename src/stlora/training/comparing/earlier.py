"""The cells that earlier commands with the same ``--out`` left: they stay in the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yaml import YAMLError

from stlora.errors import InputError
from stlora.evaluation.rows import summarise
from stlora.training.comparing.belonging import belongs
from stlora.training.comparing.cells import Cell
from stlora.training.comparing.columns import ALONE, column_behind
from stlora.training.config import CompareConfig
from stlora.training.run import Run
from stlora.training.schemas import read_results


@dataclass(frozen=True)
class Earlier:
    """What is kept of earlier commands.

    Attributes:
        cells: finished ones that are not asked for now.
        failed: cells without a result, with their reasons, asked for now or not.
        left_out: cells that were in the tables and cannot be any more, with the reason.
        protocol: of those commands; empty if there were none.
    """

    cells: list[Cell]
    failed: dict[str, str]
    left_out: dict[str, str]
    protocol: dict[str, Any]


def find_earlier(config: CompareConfig, fingerprint: str, asked: Sequence[Cell]) -> Earlier:
    """Look into the folder of the comparison.

    Args:
        config: of this command; that those before had the same protocol is known.
        fingerprint: of the data.
        asked: the cells of this command.

    Raises:
        InputError: ``results.json`` is damaged.
    """
    out, kept, left_out = Path(config.out), list[Cell](), dict[str, str]()
    stored = read_results(out) if (out / "results.json").exists() else {}
    seen = {cell.folder for cell in asked}
    for cell in _listed(out, stored):
        if cell.folder in seen:
            continue
        seen.add(cell.folder)
        reason = trouble(cell)
        if reason:
            left_out[cell.name] = reason
        else:
            kept.append(cell)
    for path in sorted((out / "runs").glob("*/*/metrics.json")):  # a command may have been killed before its table
        found = None if path.parent in seen else _unlisted(out, path.parent, config, fingerprint)
        kept += [] if found is None else [found]
    finished = {cell.name for cell in kept}
    failed = {name: reason for name, reason in stored.get("failed", {}).items() if name not in finished}
    return Earlier(kept, failed, left_out, stored.get("protocol", {}))


def cell_of(out: Path, metrics: dict[str, Any]) -> Cell:
    """The cell of a comparison that a content of ``metrics.json`` is of."""
    column = column_behind(metrics["adapter"], metrics["mode"])
    return Cell.of(out, metrics["backbone"], column, metrics["seed"])


def _listed(out: Path, stored: dict[str, Any]) -> list[Cell]:
    return [cell_of(out, metrics) for metrics in stored.get("runs", [])]


def trouble(cell: Cell) -> str:
    """Why a finished cell cannot be in a table; empty if it can."""
    run = Run(cell.folder)
    if not run.finished:
        return f"there is no finished run in {cell.folder} any more"
    try:
        if cell_of(cell.folder.parents[2], run.metrics) != cell:
            return f"{cell.folder} holds another run"
        summarise([run.metrics])
        run.errors()
    except InputError as error:
        return str(error)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return f"{cell.folder / 'metrics.json'} is damaged ({type(error).__name__}: {error})"
    return ""


def _unlisted(out: Path, folder: Path, config: CompareConfig, fingerprint: str) -> Cell | None:
    """The cell of a run folder that no table listed, if it is one of this comparison."""
    try:
        cell = cell_of(out, Run(folder).metrics)
        alone = Cell.of(out, cell.backbone, ALONE, cell.seed)
        mine = cell.folder == folder and not trouble(cell) and belongs(cell, alone, config, fingerprint)
    except (InputError, OSError, AttributeError, KeyError, TypeError, ValueError, YAMLError):
        return None
    return cell if mine else None
