"""The page: one HTML file that needs nothing beside itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stlora._version import __version__
from stlora.errors import InputError
from stlora.evaluation.rows import Row
from stlora.evaluation.tables import Table, overview
from stlora.files import write_text
from stlora.report.content import ReportContent, change_text, row_name

if TYPE_CHECKING:
    from stlora.report.panels import Section

PAPER = "https://arxiv.org/abs/2404.07919"


@dataclass(frozen=True)
class PageTable:
    """A table of the page.

    Attributes:
        heading: above it.
        content: its cells.
        note: below it.
        marked: lines that stand out, by number.
    """

    heading: str
    content: Table
    note: str
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Page:
    """All parts of a page, in order; every text is plain.

    Attributes:
        title: of the page.
        summary: a sentence or two.
        facts: the few numbers that matter, each with what it is.
        tables: what came out.
        failed: what has no result, with the reason.
        sections: figures.
        protocol: names and values that repeat the experiment.
    """

    title: str
    summary: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[PageTable]
    sections: Sequence[Section]
    protocol: Sequence[tuple[str, str]]
    failed: Mapping[str, str] = field(default_factory=dict)


def write_report(path: str | Path, content: ReportContent) -> None:
    """Write the page of runs on one data set, whole or not at all.

    Args:
        path: of the HTML file.
        content: what it shows.

    Raises:
        InputError: matplotlib or jinja2 is not installed.
    """
    write_page(path, lambda: _page(content))


def write_page(path: str | Path, make: Callable[[], Page]) -> None:
    """Write a page, whole or not at all.

    Args:
        path: of the HTML file.
        make: draws the figures, for which the extra is needed.

    Raises:
        InputError: matplotlib or jinja2 is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise InputError('writing a report needs matplotlib and jinja2; pip install "stlora[report]"') from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((files("stlora.report") / "page.html.jinja").read_text(encoding="utf-8"))
    text = template.render(
        page=make(),
        minus=lambda cell: re.sub(r"(?<!\w)-(?=\d)", "−", cell),
        drawing=Markup,  # our own SVG, in which matplotlib has escaped every name
        paper=PAPER,
        version=__version__,
    )
    write_text(Path(path), text)


def _page(content: ReportContent) -> Page:
    from stlora.report.panels import sections

    names = [row_name(row.backbone, row.adapter) for row in content.rows]
    unit = content.unit or "the data's unit"
    note = (
        f"MAE and RMSE in {unit}, over observed values alone; “average” is the mean over all steps ahead. MAPE leaves "
        "out true values of zero. Δ MAE compares the average with the backbone alone, seed by seed. “fit s” is the "
        "time to train what is new in a row."
    )
    marked = frozenset(number for number, name in enumerate(names) if name == content.adapted)
    return Page(
        title=content.title,
        summary=content.summary,
        facts=_facts(content),
        tables=[PageTable("Results", overview(content.rows), note, marked)],
        sections=sections(content),
        protocol=content.protocol,
    )


def _facts(content: ReportContent) -> list[tuple[str, str]]:
    """The few numbers that matter, each with what it is."""
    alone, adapted = _row(content, content.alone), _row(content, content.adapted)
    before, after = alone.errors["average", "mae"].mean, adapted.errors["average", "mae"].mean
    unit = f" {content.unit}" if content.unit else ""
    facts = [(change_text(before, after), f"average MAE, {before:.4g} to {after:.4g}{unit}")]
    change = content.nodes.change
    known = change[np.isfinite(change)]
    facts.append((f"{(known < 0).sum()} of {len(known)}", "sensors improved"))
    added, shared = adapted.parameters["adapter"], adapted.parameters["backbone"]
    percent = f", {100 * added / shared:.1f} % of the backbone's" if shared else ""
    facts.append((f"{added:,}", f"parameters added{percent}"))
    if adapted.mode == "frozen":
        facts.append(
            (f"{adapted.seconds.mean:.0f} s", f"to fit the adapter; its backbone took {alone.seconds.mean:.0f} s")
        )
    return facts


def _row(content: ReportContent, name: str) -> Row:
    return next(row for row in content.rows if row_name(row.backbone, row.adapter) == name)
