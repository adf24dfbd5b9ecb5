"""``table.tex``: the tables of a comparison with captions, to be pasted into a paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stlora.evaluation.between import between_table
from stlora.evaluation.changes import Change, untested
from stlora.evaluation.failed import with_failed
from stlora.evaluation.latex import PACKAGES, escape, to_latex
from stlora.evaluation.paper_table import common_seeds, paper_table, steps_of
from stlora.evaluation.rows import Row
from stlora.evaluation.tables import change_table, cost_table
from stlora.training.comparing.failed import failed_rows
from stlora.training.comparing.protocol_text import corrected, sizes_given

_MEAN = r"mean $\pm$ sample standard deviation"


def latex_page(
    rows: Sequence[Row],
    changes: Sequence[Change],
    others: Sequence[Change],
    protocol: dict[str, Any],
    failed: Mapping[str, str],
    name: str,
) -> str:
    """Errors, changes and costs, each as one or more floats that fit a page.

    Args:
        rows: of the tables.
        changes: of the rows against their backbones alone.
        others: of the default adapter against the other columns.
        protocol: of the comparison.
        failed: cells without a result, with their reason, which stands in comments at the end.
        name: of the comparison, for labels that differ from those of another one in the same paper.
    """
    labels = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "comparison"
    lost = failed_rows(failed)
    parts = [
        f"% In the preamble: {PACKAGES}\n",
        paper_table(rows, lost, f"{labels}-errors", _about_errors(rows, protocol)),
    ]
    if changes:
        behind = [row for row in lost if row.adapter != "none"]
        parts.append(to_latex(with_failed(change_table(changes), behind), f"{labels}-changes", _about_changes(changes)))
    if others:
        parts.append(to_latex(between_table(others), f"{labels}-between", _about_others(others, labels)))
    parts.append(to_latex(with_failed(cost_table(rows), lost), f"{labels}-costs", _about_costs(labels)))
    parts += [f"% {name} failed: {' '.join(reason.split())}\n" for name, reason in failed.items()]
    return "\n".join(parts)


def _about_errors(rows: Sequence[Row], protocol: dict[str, Any]) -> str:
    steps = [step for step in steps_of(rows) if step != "average"]
    at = f"at {_listed('step', steps)} and " if steps else ""
    unit = f"MAE and RMSE in {escape(protocol['unit'])}, " if protocol["unit"] else ""
    return (
        f"Test errors on {escape(protocol['dataset'])} ({protocol['nodes']} sensors), {at}on average over "
        rf"{protocol['options']['horizon']} steps: {unit}MAPE in \%, without targets of 0; {_MEAN} over "
        rf"{_seeds(rows)}. $\Delta$ \%: change of each of these errors in percent against the backbone alone, paired "
        "by seed; negative is better."
        f"{escape(sizes_given(protocol))}"
    )


def _about_changes(changes: Sequence[Change]) -> str:
    text = (
        r"What each column changed against its backbone alone, mean over the seeds; $\Delta$ MAE \%: of the average "
        "over all steps."
    )
    if reason := untested(changes):
        text += f" Whether any change is more than chance cannot be said: {escape(reason)}."
    else:
        text += (
            r" $p$: Diebold--Mariano test of the errors of all test windows, with a standard error of $\nu$ degrees of "
            f"freedom; $p$ Holm: corrected for the {corrected(changes)}."
        )
    if any(change.interval for change in changes):
        text += r" 95 \% interval: bootstrap over whole days."
    return text + " Worst sensor: the largest growth of its MAE, or the smallest fall."


def _about_others(others: Sequence[Change], labels: str) -> str:
    above = rf"table~\ref{{tab:{labels}-changes}}"
    tests = f" Tests and intervals as in {above}; $p$ Holm: corrected for the {corrected(others)}."
    return (
        f"{escape(others[0].column)} against the other columns of the same backbone and seeds; negative is in its "
        f"favour.{'' if untested(others) else tests} Sensors better: those with a lower error than in that column, of "
        "the means over the seeds."
    )


def _about_costs(labels: str) -> str:
    return (
        "What each column costs. Added: trained parameters of the adapter; measured: numbers of the sensors that it "
        "keeps and does not train. Seconds to fit the backbone (both, in a joint row) and to adapt it, and the ratio "
        f"of the two; milliseconds for a window of the network alone; memory at its peak. {_MEAN.capitalize()} over "
        rf"the seeds that each row has in table~\ref{{tab:{labels}-errors}}."
    )


def _seeds(rows: Sequence[Row]) -> str:
    """Which they are, and how others are marked."""
    seeds = common_seeds(rows)
    if not seeds:
        return "the seeds"
    others = " unless a row says otherwise" if any(row.seeds != seeds for row in rows) else ""
    return f"{_listed('seed', list(map(str, seeds)))} ($n = {len(seeds)}${others})"


def _listed(word: str, items: Sequence[str]) -> str:
    """Such as: steps 3, 6 and 12.

    Example:
        >>> _listed("seed", ["0"]), _listed("step", ["3", "6", "12"])
        ('seed 0', 'steps 3, 6 and 12')
    """
    if len(items) == 1:
        return f"{word} {items[0]}"
    return f"{word}s {', '.join(items[:-1])} and {items[-1]}"
