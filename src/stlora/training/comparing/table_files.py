"""The files of a comparison's tables: ``table.md``, ``table.csv`` and ``table.tex``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stlora.evaluation.changes import Change
from stlora.evaluation.csv_lines import to_csv
from stlora.evaluation.entries import change_of
from stlora.evaluation.rows import Row, summarise
from stlora.files import write_text
from stlora.training.comparing.failed import failed_rows
from stlora.training.comparing.latex_page import latex_page
from stlora.training.comparing.protocol_text import page
from stlora.training.schemas import read_results


def write_tables(
    folder: Path,
    rows: Sequence[Row],
    changes: Sequence[Change],
    others: Sequence[Change],
    protocol: dict[str, Any],
    failed: Mapping[str, str],
) -> None:
    """Write the three files.

    Args:
        folder: of the comparison.
        rows: of the tables.
        changes: of the rows against their backbones alone.
        others: of the default adapter against the other columns.
        protocol: as :func:`stlora.training.comparing.protocol.make_protocol` makes it.
        failed: cells without a result, with their reason.
    """
    write_text(folder / "table.md", page(rows, changes, others, protocol, failed))
    write_text(folder / "table.csv", to_csv(rows, changes, failed_rows(failed)))
    write_text(folder / "table.tex", latex_page(rows, changes, others, protocol, failed, folder.resolve().name))


def rewrite_tables(folder: str | Path) -> None:
    """Write the three files again from ``results.json`` alone: nothing is trained, and no run is read.

    Raises:
        InputError: the file is missing or damaged.
    """
    results = read_results(Path(folder))
    protocol = results["protocol"]
    changes, others = ([change_of(entry) for entry in results.get(name, [])] for name in ("comparisons", "between"))
    write_tables(Path(folder), summarise(results["runs"]), changes, others, protocol, results.get("failed", {}))
