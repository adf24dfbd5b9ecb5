"""``study.json`` and ``study.md``: every number of a study, and its table with what a reader of it must know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stlora.evaluation.rows import Spread
from stlora.evaluation.tables import Table
from stlora.files import write_json, write_text
from stlora.studies.cells import Cell
from stlora.studies.designs import Design
from stlora.studies.outcome import Outcome, Point
from stlora.training.run import Run

CHOICE = (
    "Choices are made by the validation column; the test column says what they came to and chooses nothing. Chosen is "
    "the least mean validation MAE of what has all seeds."
)


def write_study(out: Path, protocol: dict[str, Any], cells: Sequence[Cell], outcome: Outcome, **more: Any) -> None:
    """Write ``study.json``.

    Args:
        out: the folder of the study.
        protocol: see :func:`stlora.studies.protocol.make_protocol`.
        cells: finished or not.
        outcome: of those that are finished.
        more: further entries.
    """
    content = {
        "format_version": 1,
        "protocol": protocol,
        "points": [_point_entry(point, outcome) for point in outcome.points],
        **more,
        "alone": [source.run.metrics for source in dict.fromkeys(cell.source for cell in cells)],
        "cells": [_cell_entry(cell) for cell in cells if Run(cell.folder).finished],
        "failed": outcome.failed,
    }
    write_json(out / "study.json", content)


def _point_entry(point: Point, outcome: Outcome) -> dict[str, Any]:
    row = point.row
    return {
        "dataset": point.group[0],
        "backbone": point.group[1],
        "form": point.design.name,
        "changes": point.design.changes,
        "seeds": list(row.seeds),
        "added_parameters": point.added,
        "val_change_percent": spread_entry(row.val_change),
        "change_percent": spread_entry(row.change),
        "mae": spread_entry(row.errors["average", "mae"]),
        "adapt_seconds": spread_entry(row.costs["adapt"]),
        "chosen": point is outcome.chosen(point.group),
    }


def _cell_entry(cell: Cell) -> dict[str, Any]:
    return {"form": cell.design.name, "changes": cell.design.changes, "metrics": Run(cell.folder).metrics}


def spread_entry(spread: Spread | None) -> dict[str, float] | None:
    """Mean and standard deviation."""
    return None if spread is None else {"mean": spread.mean, "std": spread.std}


def write_page(out: Path, title: str, parts: Sequence[str], failed: Mapping[str, str]) -> None:
    """Write ``study.md``, the cells that failed at its end."""
    lines = [f"# {title}\n", *parts, *(f"{name} failed: {reason}\n" for name, reason in failed.items())]
    write_text(out / "study.md", "\n".join(lines))


def study_table(outcome: Outcome, called: str, name: Callable[[Design], str]) -> Table:
    """A line for each form on each data set and backbone.

    Args:
        outcome: of the study.
        called: what the forms are called in the header.
        name: what each is called.
    """
    header = ["data set", "backbone", called, "seeds", "added", "Δ validation %", "Δ test %", "fit s", "chosen"]
    body = [
        [
            *point.group,
            name(point.design),
            str(len(point.row.seeds)),
            f"{point.added:,}",
            "" if point.val_change is None else point.val_change.text(2, "+"),
            point.change.text(2, "+"),
            point.row.seconds.text(0),
            "by validation" if point is outcome.chosen(point.group) else "",
        ]
        for point in outcome.points
    ]
    return Table(header, body, words=3)


def about_table(outcome: Outcome, protocol: dict[str, Any]) -> str:
    """What a reader must know of the table."""
    return (
        "Δ: change of the MAE against the backbone alone, paired by seed, negative is better; mean ± sample standard "
        f"deviation over seeds (ddof = 1), without ± for a single seed. {CHOICE} Each line is the adapter "
        f"{protocol['adapter']['named']} but for what it says, fitted for {protocol['recipe']['epochs']} epochs to the "
        "forecasts of the trained backbone, which stays as it is; fit s: the seconds of that, those of the backbone's "
        f"forecasts included. Alone: {'; '.join(_alone(outcome))}.\n"
    )


def _alone(outcome: Outcome) -> Iterator[str]:
    for (dataset, backbone), row in outcome.alone.items():
        mae = row.errors["average", "mae"]
        seeds = ", ".join(map(str, row.seeds))
        yield f"{dataset} {backbone}, average test MAE {mae.text()}, seed{'s' if mae.n > 1 else ''} {seeds}"
