"""The table of a comparison: mean and spread over seeds, and what an adapter changed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MEASURES = ("mae", "rmse", "mape")


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over n seeds.

    Attributes:
        mean: over seeds.
        std: with ddof = 1; NaN for a single seed.
        n: seeds.
    """

    mean: float
    std: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value a seed.

        Example:
            >>> Spread.of([1.0, 3.0])
            Spread(mean=2.0, std=1.4142135623730951, n=2)
        """
        std = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        return cls(float(np.mean(values)), std, len(values))

    def text(self, digits: int = 3, plus_minus: str = "±") -> str:
        """As ``mean ± std``, or the value alone of a single seed."""
        if math.isnan(self.std):
            return f"{self.mean:.{digits}f}"
        return f"{self.mean:.{digits}f} {plus_minus} {self.std:.{digits}f}"


@dataclass(frozen=True)
class Row:
    """A line of the table: a backbone, alone or with an adapter, over all its seeds.

    Attributes:
        backbone: its name.
        adapter: its name; ``none`` for the backbone alone.
        mode: fit, joint or frozen.
        seeds: in order.
        errors: by (step or ``average``, measure).
        change: change of the average MAE in percent against the backbone alone, paired by seed; None without one.
        parameters: of backbone and adapter.
        seconds: to fit what is new in this row: the backbone, both, or the adapter alone.
    """

    backbone: str
    adapter: str
    mode: str
    seeds: tuple[int, ...]
    errors: dict[tuple[str, str], Spread]
    change: Spread | None
    parameters: dict[str, int]
    seconds: Spread


def summarise(runs: Sequence[dict[str, Any]]) -> list[Row]:
    """One row for each backbone, adapter and mode, in the order in which they come.

    Args:
        runs: contents of ``metrics.json``, in any order of seeds.
    """
    groups: dict[tuple[str, str, str], dict[int, dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault((run["backbone"], run["adapter"], run["mode"]), {})[run["seed"]] = run
    rows = []
    for (backbone, adapter, mode), by_seed in groups.items():
        alone = groups.get((backbone, "none", "fit"), {})
        seeds = sorted(by_seed)
        changes = [
            100 * (_error(by_seed[seed], "average", "mae") / _error(alone[seed], "average", "mae") - 1)
            for seed in seeds
            if adapter != "none" and seed in alone
        ]
        first = by_seed[seeds[0]]
        wanted = [(step, measure) for step in (*first["horizons"], "average") for measure in MEASURES]
        rows.append(
            Row(
                backbone=backbone,
                adapter=adapter,
                mode=mode,
                seeds=tuple(seeds),
                errors={key: Spread.of([_error(by_seed[seed], *key) for seed in seeds]) for key in wanted},
                change=Spread.of(changes) if changes else None,
                parameters=first["parameters"],
                seconds=Spread.of([by_seed[s]["seconds"]["adapt" if mode == "frozen" else "fit"] for s in seeds]),
            )
        )
    return rows


def _error(run: dict[str, Any], step: str, measure: str) -> float:
    value = run["average"][measure] if step == "average" else run["horizons"][step][measure]
    return math.nan if value is None else float(value)


def cells(rows: Sequence[Row], plus_minus: str = "±") -> tuple[list[str], list[list[str]]]:
    """Header and body of the table for people: steps 3, 6, 12 where the horizon has them, and the average."""
    steps = [step for step in ("3", "6", "12") if rows and (step, "mae") in rows[0].errors]
    header = ["backbone", "adapter", "mode", "seeds", *(f"MAE step {step}" for step in steps)]
    header += ["MAE average", "RMSE average", "MAPE average %", "Δ MAE %", "parameters", "added", "fit s"]
    body = []
    for row in rows:
        body.append(
            [
                row.backbone,
                row.adapter,
                row.mode,
                str(len(row.seeds)),
                *(row.errors[step, "mae"].text(plus_minus=plus_minus) for step in steps),
                row.errors["average", "mae"].text(plus_minus=plus_minus),
                row.errors["average", "rmse"].text(plus_minus=plus_minus),
                row.errors["average", "mape"].text(2, plus_minus),
                "" if row.change is None else f"{row.change.mean:+.1f}",
                f"{row.parameters['backbone']:,}",
                f"{row.parameters['adapter']:,}" if row.parameters["adapter"] else "",
                row.seconds.text(0, plus_minus),
            ]
        )
    return header, body


def to_markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown."""
    header, body = cells(rows)
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join("---" for _ in header) + "|"]
    lines += ["| " + " | ".join(line) + " |" for line in body]
    return "\n".join(lines) + "\n"


def to_text(rows: Sequence[Row]) -> str:
    """The table for a terminal, columns aligned."""
    header, body = cells(rows)
    widths = [max(len(line[column]) for line in (header, *body)) for column in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) if column < 3 else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in (header, *body))
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]]) + "\n"


def to_csv(rows: Sequence[Row]) -> str:
    """Every step and measure, a line each, for other programs."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["backbone", "adapter", "mode", "step", "measure", "mean", "std", "seeds"])
    for row in rows:
        for (step, measure), spread in row.errors.items():
            writer.writerow([row.backbone, row.adapter, row.mode, step, measure, spread.mean, spread.std, spread.n])
    return out.getvalue()


def to_latex(rows: Sequence[Row]) -> str:
    """The table for a paper, with booktabs."""
    header, body = cells(rows, plus_minus=r"$\pm$")
    escape = str.maketrans({"%": r"\%", "_": r"\_", "&": r"\&", "#": r"\#"})
    lines = [r"\begin{tabular}{lll" + "r" * (len(header) - 3) + "}", r"\toprule"]
    lines += [" & ".join(cell.translate(escape).replace("Δ", r"$\Delta$") for cell in header) + r" \\", r"\midrule"]
    lines += [" & ".join(cell.translate(escape) for cell in line) + r" \\" for line in body]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"
