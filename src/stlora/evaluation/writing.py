"""Tables as Markdown, plain text, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from stlora.evaluation.changes import Change
from stlora.evaluation.rows import Row
from stlora.evaluation.tables import Table


def to_markdown(table: Table) -> str:
    """The table as Markdown, numbers to the right."""
    rule = ["---" if column < table.words else "---:" for column in range(len(table.header))]
    lines = ["| " + " | ".join(table.header) + " |", "|" + "|".join(rule) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in table.body]
    return "\n".join(lines) + "\n"


def to_text(table: Table) -> str:
    """The table for a terminal, columns aligned."""
    whole = (table.header, *table.body)
    widths = [max(len(line[column]) for line in whole) for column in range(len(table.header))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < table.words else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in whole
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]]) + "\n"


_LATEX = {
    "%": r"\%",
    "_": r"\_",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "<": "$<$",
    ">": "$>$",
}


def to_latex(table: Table) -> str:
    """The table for a paper, with booktabs; lines that begin alike stand together under one name."""
    escape = str.maketrans(_LATEX)
    lines = [r"\begin{tabular}{" + "l" * table.words + "r" * (len(table.header) - table.words) + "}", r"\toprule"]
    lines += [" & ".join(cell.translate(escape) for cell in table.header) + r" \\", r"\midrule"]
    above = None
    for name, *cells in table.body:
        if above not in (None, name):
            lines.append(r"\addlinespace")
        shown = ["" if name == above else name, *cells]
        lines.append(" & ".join(cell.translate(escape) for cell in shown) + r" \\")
        above = name
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def to_csv(rows: Sequence[Row], changes: Sequence[Change] = ()) -> str:
    """Every number at full precision, a line each, for other programs."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["backbone", "adapter", "mode", "step", "measure", "mean", "std", "seeds"])
    for row in rows:
        name = (row.backbone, row.adapter, row.mode)
        for (step, measure), spread in row.errors.items():
            writer.writerow([*name, step, measure, spread.mean, spread.std, spread.n])
        for cost, known in row.costs.items():
            if known is not None:
                writer.writerow([*name, "", _COSTS[cost], known.mean, known.std, known.n])
        for part, count in row.parameters.items():
            writer.writerow([*name, "", f"parameters_{part}", count, "", len(row.seeds)])
    for change in changes:
        for step, measure, value in _numbers(change):
            writer.writerow([change.backbone, change.adapter, change.mode, step, measure, value, "", len(change.seeds)])
    return out.getvalue()


_COSTS = {"fit": "fit_seconds", "adapt": "adapt_seconds", "per_window": "seconds_per_window"}
_COSTS |= {name: name for name in ("resident_mb", "gpu_mb")}


def _numbers(change: Change) -> Iterator[tuple[str, str, Any]]:
    for step, value in change.percent.items():
        yield step, "change_percent", value
    for step, test in change.tests.items():
        yield step, "p", test.p
        yield step, "p_holm", change.holm[step]
    if change.interval is not None:
        yield "average", "interval_low_percent", change.interval[0]
        yield "average", "interval_high_percent", change.interval[1]
    if change.val_percent is not None:
        yield "average", "val_change_percent", change.val_percent
    if change.sensors:
        yield "average", "share_improved", change.improved / change.sensors
