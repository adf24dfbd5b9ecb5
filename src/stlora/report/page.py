"""The report: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from stlora._version import __version__
from stlora.errors import InputError
from stlora.evaluation.rows import Row
from stlora.evaluation.tables import overview
from stlora.files import write_text
from stlora.report.content import ReportContent, row_name, signed

PAPER = "https://arxiv.org/abs/2404.07919"


def write_report(path: str | Path, content: ReportContent) -> None:
    """Write the page, whole or not at all.

    Args:
        path: of the HTML file.
        content: what it shows.

    Raises:
        InputError: matplotlib or jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup

        from stlora.report.panels import sections
    except ImportError as error:
        raise InputError('writing a report needs matplotlib and jinja2; pip install "stlora[report]"') from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((files("stlora.report") / "page.html.jinja").read_text(encoding="utf-8"))
    table = overview(content.rows)
    page = template.render(
        content=content,
        facts=_facts(content),
        header=table.header,
        body=[["−" + cell[1:] if cell.startswith("-") else cell for cell in line] for line in table.body],
        sections=sections(content),
        drawing=Markup,  # our own SVG, in which matplotlib has escaped every name
        paper=PAPER,
        version=__version__,
    )
    write_text(Path(path), page)


def _facts(content: ReportContent) -> list[tuple[str, str]]:
    """The few numbers that matter, each with what it is."""
    alone, adapted = _row(content, content.alone), _row(content, content.adapted)
    before, after = alone.errors["average", "mae"].mean, adapted.errors["average", "mae"].mean
    unit = f" {content.unit}" if content.unit else ""
    facts = [(f"{signed(100 * (after / before - 1))} %", f"average MAE, {before:.4g} to {after:.4g}{unit}")]
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
