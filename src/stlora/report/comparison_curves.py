"""Errors and changes of a comparison as lines: by step ahead and by time of day.

Where a table has more columns than there are colours, the forms of ST-LoRA and the other columns have figures of their
own, and what is drawn is their change: the errors themselves lie too close together to be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from stlora.evaluation.rows import OURS
from stlora.report.comparison_content import ComparisonContent, Key, key_of
from stlora.report.curves import Curve, curves_figure
from stlora.report.figures import label, row_curve, steps_label
from stlora.report.looks import COLOURS, Look, looks_of
from stlora.report.panels import Panel
from stlora.report.style import to_svg

_SEEDS = " The bands are one sample standard deviation over seeds (ddof = 1)."


def families(content: ComparisonContent) -> dict[str, list[str]]:
    """The columns behind the backbones by what their figures are called; one nameless family if there are few."""
    columns = list(dict.fromkeys(row.column for row in content.rows if row.adapter != "none"))
    ours = {row.column for row in content.rows if row.adapter in OURS}
    found = {
        "forms of ST-LoRA": [name for name in columns if name in ours],
        "other columns": [name for name in columns if name not in ours],
    }
    return found if 1 + len(columns) > COLOURS and all(found.values()) else {"": columns}


def column_looks(content: ComparisonContent) -> dict[str, Look]:
    """One for each column, the same in all figures."""
    first, *others = families(content).values()
    return looks_of(["alone", *first], *others)


def family_panels(
    content: ComparisonContent,
    curves: Mapping[Key, Curve],
    names: tuple[str, str],
    labels: tuple[str, str],
    caption: str,
    *,
    marked: bool = False,
    robust: bool = False,
) -> Iterator[Panel]:
    """A figure for each family of columns, in it a panel for each backbone.

    Args:
        content: of the page.
        curves: of rows, by what they are of, named by their columns; those of ``alone`` are in every family.
        names: heading and name of the figure.
        labels: below and at the left.
        caption: below the figure.
        marked: whether each point has a dot.
        robust: as of :func:`~stlora.report.curves.curves_figure`.
    """
    heading, name = names
    adapted = list(dict.fromkeys(row.backbone for row in content.rows if row.adapter != "none"))
    for number, (family, columns) in enumerate(families(content).items()):
        wanted = {"alone", *columns}
        groups = {
            backbone: [curve for key, curve in curves.items() if key[0] == backbone and curve.name in wanted]
            for backbone in adapted
        }
        groups = {backbone: lines for backbone, lines in groups.items() if {line.name for line in lines} & wanted}
        if groups:
            figure = curves_figure(groups, column_looks(content), *labels, marked=marked, robust=robust)
            parts = [family, next(iter(groups)) if len(groups) == 1 else ""]
            title = ": ".join([heading, *([", ".join(filter(None, parts))] if any(parts) else [])])
            yield Panel(title, to_svg(figure, f"{name}{number or ''}"), caption, whole=len(groups) > 1)


def error_panels(content: ComparisonContent) -> Iterator[Panel]:
    """By step ahead and by time of day: what the columns come to, and the backbones beside each other."""
    made = [*_by_step(content), *_by_hour(content)]
    yield from sorted(made, key=lambda panel: not panel.whole)


def _by_step(content: ComparisonContent) -> Iterator[Panel]:
    bands = _SEEDS if any(len(row.seeds) > 1 for row in content.rows) else ""
    steps = {key_of(row): row_curve(row, row.column) for row in content.rows}
    below, measure = steps_label(content.interval), label("MAE", content.unit)
    caption = "Mean absolute error over all sensors and the whole test period, by how far ahead the forecast looks."
    if len(families(content)) == 1:
        names = ("Error by step ahead", "steps")
        yield from family_panels(content, steps, names, (below, measure), caption + bands, marked=True)
    else:
        columns = {key_of(change): change.column for change in content.changes}
        lines = {
            key: Curve(columns[key], change.steps, change.percent, change.std)
            for key, change in content.step_changes.items()
        }
        names, about = ("Change by step ahead", "steps"), "Change of the mean absolute error against the backbone alone"
        text = f"{about}, the same seeds in both, by how far ahead the forecast looks."
        yield from family_panels(content, lines, names, (below, "change of MAE, %"), text + bands, marked=True)
    yield from _alone(content, steps, ("Error by step ahead", "steps"), (below, measure), caption + bands, marked=True)


def _by_hour(content: ComparisonContent) -> Iterator[Panel]:
    columns = {key_of(row): row.column for row in content.rows}
    hours = {key: Curve(columns[key], *line) for key, line in content.hours.items()}
    below, measure = "hour of day", label("MAE", content.unit)
    caption = "Mean absolute error of all steps ahead and seeds, by the time of day for which the forecast is."
    if len(families(content)) == 1:
        yield from family_panels(content, hours, ("Error by time of day", "hours"), (below, measure), caption)
    else:
        lines = {key: Curve(columns[key], *line) for key, line in content.hour_changes.items()}
        text = (
            "Change of the mean absolute error of all steps ahead and seeds against the backbone alone, by the time of "
            "day for which the forecast is."
        )
        names = ("Change by time of day", "hours")
        yield from family_panels(content, lines, names, (below, "change of MAE, %"), text)
    yield from _alone(content, hours, ("Error by time of day", "hours"), (below, measure), caption)


def _alone(
    content: ComparisonContent,
    curves: Mapping[Key, Curve],
    names: tuple[str, str],
    labels: tuple[str, str],
    caption: str,
    marked: bool = False,
) -> Iterator[Panel]:
    """The backbones beside each other; those that nothing was put behind have dashes of their own."""
    alone = [replace(curve, name=key[0]) for key, curve in curves.items() if key[1] == "none"]
    adapted = [row.backbone for row in content.rows if row.adapter != "none"]
    if len(alone) > 1 or (alone and not adapted):
        figure = curves_figure({"": alone}, _backbone_looks(content, adapted), *labels, marked=marked)
        yield Panel(f"{names[0]}: nothing adapted", to_svg(figure, f"{names[1]}-alone"), caption)


def _backbone_looks(content: ComparisonContent, adapted: Sequence[str]) -> dict[str, Look]:
    backbones = list(dict.fromkeys(row.backbone for row in content.rows))
    first = [name for name in backbones if name in adapted]
    others = [name for name in backbones if name not in adapted]
    return looks_of(first, others) if len(backbones) > COLOURS and first else looks_of(backbones)
