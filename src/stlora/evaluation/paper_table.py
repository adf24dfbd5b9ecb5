"""The table of errors as papers of this field print it: blocks of steps with MAE, RMSE and MAPE, grouped by backbone.

Below a backbone alone, each column has a line of errors and a line of their change in percent; the last lines are the
mean changes over the backbones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from stlora.evaluation.changes import STEPS
from stlora.evaluation.failed import FAILED, FailedRow
from stlora.evaluation.latex import Block, Layout, Line, floats
from stlora.evaluation.rows import MEASURES, TRAINED_ON, Row, Spread

_DIGITS = {"mae": 3, "rmse": 3, "mape": 2}
_OVER_BACKBONES = "Mean Δ % over the backbones that have the column; how many in brackets"


def paper_table(rows: Sequence[Row], failed: Sequence[FailedRow], label: str, caption: str) -> str:
    r"""Floats of LaTeX.

    Args:
        rows: of the comparison.
        failed: rows without a result, or with fewer seeds for it.
        label: for ``\ref``, behind ``tab:``.
        caption: in LaTeX; must say what Δ is, and which seeds :func:`common_seeds` are.
    """
    steps = steps_of(rows)
    names = [f"Step {step}" if step != "average" else "Average" for step in steps]
    over = " & ".join(["", *(rf"\multicolumn{{3}}{{c}}{{{name}}}" for name in names)]) + r" \\"
    rules = " ".join(rf"\cmidrule(lr){{{2 + 3 * block}-{4 + 3 * block}}}" for block in range(len(steps)))
    measures = " & ".join(["", *[measure.upper() for measure in MEASURES] * len(steps)]) + r" \\"
    layout = Layout(label, caption, "l" + "rrr" * len(steps), [over, rules, measures])
    keys = [(step, measure) for step in steps for measure in MEASURES]
    return floats(layout, [*_blocks(rows, failed, keys), *_mean_changes(rows, keys)])


def steps_of(rows: Sequence[Row]) -> list[str]:
    """Steps 3, 6 and 12 where the horizon has them, and the average."""
    return [step for step in STEPS if step == "average" or (rows and (step, "mae") in rows[0].errors)]


def common_seeds(rows: Sequence[Row]) -> tuple[int, ...]:
    """Those of the row that has most."""
    return max((row.seeds for row in rows), key=len, default=())


def _blocks(rows: Sequence[Row], failed: Sequence[FailedRow], keys: Sequence[tuple[str, str]]) -> Iterator[Block]:
    """One for each backbone that has columns, one for neighbours that stand alone."""
    seeds = common_seeds(rows)
    there = {(row.backbone, row.column): row for row in rows}
    lost = {(row.backbone, row.column): row for row in failed}
    alone: list[list[Line]] = []
    for backbone in dict.fromkeys(name for name, _ in [*there, *lost]):
        parts = [_part(there[key], lost.get(key), seeds, keys) for key in there if key[0] == backbone]
        parts += [[[_name(lost[key]), FAILED]] for key in lost if key[0] == backbone and key not in there]
        if len(parts) == 1:
            alone += parts
            continue
        if alone:
            yield Block("", alone)
            alone = []
        yield Block(backbone, parts)
    if alone:
        yield Block("", alone)


def _part(row: Row, lost: FailedRow | None, seeds: tuple[int, ...], keys: Sequence[tuple[str, str]]) -> list[Line]:
    """The errors, and below them their changes, if there is something that they changed against."""
    notes = []
    if len(row.seeds) != len(seeds):
        notes.append(f"n = {len(row.seeds)}")
    elif row.seeds != seeds:
        notes.append(f"seeds {', '.join(map(str, row.seeds))}")
    if lost:
        notes.append(f"{len(lost.seeds)} {FAILED}")
    name = _name(row) + (f" ({', '.join(notes)})" if notes else "")
    lines = [[name, *(row.errors[key].text(_DIGITS[key[1]]) for key in keys)]]
    if row.changes:
        lines.append(["    Δ %", *(_percent(row.changes.get(key)) for key in keys)])
    return lines  # type: ignore[return-value]


def _name(row: Row | FailedRow) -> str:
    """Of a line: a column is set in below its backbone."""
    if row.adapter == "none":
        return row.backbone
    return f"  {row.column}" if row.adapter == TRAINED_ON else f"  + {row.column}"


def _mean_changes(rows: Sequence[Row], keys: Sequence[tuple[str, str]]) -> Iterator[Block]:
    """What each column changed in the mean over its backbones, if there are several."""
    columns: dict[str, list[Row]] = {}
    for row in rows:
        if row.changes:
            columns.setdefault(row.column, []).append(row)
    if len({row.backbone for found in columns.values() for row in found}) < 2:
        return
    lines: list[Line] = [
        [f"  {column} ({len(found)})", *(_percent(_mean(found, key)) for key in keys)]
        for column, found in columns.items()
    ]
    title: Line = [_OVER_BACKBONES]
    yield Block(_OVER_BACKBONES, [[title, lines[0]], *([line] for line in lines[1:])])


def _mean(rows: Sequence[Row], key: tuple[str, str]) -> Spread | None:
    """Every backbone counts alike, however many seeds it has; None unless all know this change."""
    known = [row.changes[key].mean for row in rows if key in row.changes]
    return Spread(float(np.mean(known)), math.nan, len(known)) if len(known) == len(rows) else None


def _percent(change: Spread | None) -> str:
    return "" if change is None or math.isnan(change.mean) else change.text(1, "+")
