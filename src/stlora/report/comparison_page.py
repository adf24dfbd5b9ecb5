"""The page of a comparison: what stands in its tables and what its figures show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from stlora.evaluation.between import between_table
from stlora.evaluation.changes import untested
from stlora.evaluation.tables import change_table, cost_table, error_table
from stlora.report.comparison_content import ComparisonContent
from stlora.report.content import signed
from stlora.report.page import Page, PageTable, write_page


def write_comparison_page(path: str | Path, content: ComparisonContent) -> None:
    """Write the page, whole or not at all.

    Args:
        path: of the HTML file.
        content: what it shows.

    Raises:
        InputError: matplotlib or jinja2 is not installed.
    """
    write_page(path, lambda: _page(content))


def _page(content: ComparisonContent) -> Page:
    from stlora.report.comparison_panels import comparison_sections

    return Page(
        title=content.title,
        summary=content.summary,
        facts=list(_facts(content)),
        tables=list(_tables(content)),
        failed=content.failed,
        sections=comparison_sections(content),
        protocol=content.protocol,
    )


def _tables(content: ComparisonContent) -> Iterator[PageTable]:
    yield PageTable("Errors", error_table(content.rows), content.notes["errors"])
    if content.changes:
        yield PageTable("What the columns changed", change_table(content.changes), content.notes["changes"])
    if content.others:
        heading = "The default against the other columns"
        yield PageTable(heading, between_table(content.others), content.notes["others"])
    yield PageTable("What they cost", cost_table(content.rows), content.notes["costs"])


def _facts(content: ComparisonContent) -> Iterator[tuple[str, str]]:
    unit = f" {content.unit}" if content.unit else ""
    measured = [row for row in content.rows if not math.isnan(row.errors["average", "mae"].mean)]
    if measured:
        best = min(measured, key=lambda row: row.errors["average", "mae"].mean)
        name = best.backbone if best.adapter == "none" else f"{best.backbone}, {best.column}"
        yield f"{best.errors['average', 'mae'].mean:.4g}{unit}", f"the lowest average MAE: {name}"
    if content.failed:
        yield str(len(content.failed)), "without a result, see below"
    changes = [change for change in content.changes if not math.isnan(change.percent["average"])]
    if changes:
        lowest = min(changes, key=lambda change: change.percent["average"])
        value = signed(lowest.percent["average"])
        how = "largest fall" if lowest.percent["average"] < 0 else "smallest growth"
        yield f"{value} %", f"the {how} of the average MAE: {lowest.backbone}, {lowest.column}"
        fell = sum(change.percent["average"] < 0 for change in changes)
        yield f"{fell} of {len(changes)}", "rows with a lower average MAE than their backbone alone"
    tested = [change for change in changes if "average" in change.holm]
    if reason := untested(changes):
        yield "no test", f"whether any change is more than chance cannot be said: {reason}"
    if tested:
        sure = sum(change.holm["average"] < 0.05 and change.percent["average"] < 0 for change in tested)
        yield f"{sure} of {len(tested)}", "rows whose fall has a p, corrected by Holm, below 0.05"
