"""The sections of a comparison's page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from stlora.evaluation.changes import Change
from stlora.report.comparison_content import ComparisonContent, Key, key_of
from stlora.report.content import NodeErrors, signed
from stlora.report.curves import Curve, colours_of, curves_figure
from stlora.report.figures import label, row_curve, steps_label
from stlora.report.group_figures import profile_figure, similarity_figure
from stlora.report.panels import Panel, Section, forecast_panels, node_panels
from stlora.report.style import to_svg

_POINTS = 100  # of a curve over the sensors, at most
_COLOURS = 8  # that differ


def comparison_sections(content: ComparisonContent) -> list[Section]:
    """All that there is something to say of."""
    shown, forecasts = content.shown, forecast_panels(content.examples, content.unit, content.interval)
    made = [Section("Where the error falls", tuple(_errors(content)), content.without_hours)]
    if shown is not None:
        sensors, of = tuple(_sensors(content, shown)), f"{shown.backbone}, {shown.column}"
        made += [
            Section("Who gained", sensors, f"Errors over all steps ahead, mean over the seeds. Bars and map: {of}."),
            Section("Forecast beside truth", tuple(forecasts), f"{of}, seed {content.seed}; changes are those above."),
            Section("What the node factors look like", tuple(_factors(content)), _agreement(content)),
        ]
    return [section for section in made if section.panels]


def _errors(content: ComparisonContent) -> Iterator[Panel]:
    measure = label("MAE", content.unit)
    caption = "Mean absolute error over all sensors and the whole test period, by how far ahead the forecast looks."
    if any(len(row.seeds) > 1 for row in content.rows):
        caption += " The bands are one standard deviation over seeds."
    steps = {key_of(row): row_curve(row, row.column) for row in content.rows}
    labels = (steps_label(content.interval), measure)
    made = [*_panels(content, steps, ("Error by step ahead", "steps"), labels, caption, marked=True)]
    caption = "Mean absolute error of all steps ahead and seeds, by the time of day for which the forecast is."
    columns = {key_of(row): row.column for row in content.rows}
    hours = {key: Curve(columns[key], *line, dashed=key[2] == "joint") for key, line in content.hours.items()}
    made += _panels(content, hours, ("Error by time of day", "hours"), ("hour of day", measure), caption)
    yield from sorted(made, key=lambda panel: not panel.whole)


def _panels(
    content: ComparisonContent,
    curves: Mapping[Key, Curve],
    names: tuple[str, str],
    labels: tuple[str, str],
    caption: str,
    marked: bool = False,
) -> Iterator[Panel]:
    """What the columns of each backbone come to, and the backbones beside each other.

    Args:
        content: of the page.
        curves: of rows, by what they are of, named by their columns.
        names: heading and name of the figure.
        labels: below and at the left.
        caption: below the figure.
        marked: whether each point has a dot.
    """
    heading, name = names
    adapted = list(dict.fromkeys(row.backbone for row in content.rows if row.adapter != "none"))
    groups = {backbone: [curve for key, curve in curves.items() if key[0] == backbone] for backbone in adapted}
    groups = {backbone: lines for backbone, lines in groups.items() if lines}
    if groups:
        figure = curves_figure(groups, _column_colours(content), *labels, marked=marked)
        title = heading if len(groups) > 1 else f"{heading}: {next(iter(groups))}"
        yield Panel(title, to_svg(figure, name), caption, whole=len(groups) > 1)
    alone = [replace(curve, name=key[0]) for key, curve in curves.items() if key[1] == "none"]
    if len(alone) > 1 or (alone and not groups):
        alone = [replace(curve, dashed=number >= _COLOURS) for number, curve in enumerate(alone)]
        given = [curve.name for curve in alone]
        figure = curves_figure({"": alone}, colours_of(given, given[0], given[-1]), *labels, marked=marked)
        yield Panel(f"{heading}: nothing adapted", to_svg(figure, f"{name}-alone"), caption)


def _column_colours(content: ComparisonContent) -> dict[str, str]:
    """One for each column, the same in all figures."""
    columns = [row.column for row in content.rows if row.adapter != "none"]
    return colours_of(columns, "alone", columns[0])


def _sensors(content: ComparisonContent, shown: Change) -> Iterator[Panel]:
    groups: dict[str, list[Curve]] = {}
    for change in content.changes:
        curve = _sorted_changes(content.nodes[key_of(change)], change)
        if len(curve.x):
            groups.setdefault(change.backbone, []).append(curve)
    if len(content.changes) > 1 and groups:
        labels = ("share of the sensors, %", "change of MAE, %")
        figure = curves_figure(groups, _column_colours(content), *labels)
        caption = (
            "Change of each sensor's MAE against the backbone alone, the one helped most at the left of each line. "
            "Where a line crosses zero, the share of sensors that improved can be read."
        )
        yield Panel("Changes of all sensors", to_svg(figure, "changes"), caption, whole=len(groups) > 1)
    yield from node_panels(content.nodes[key_of(shown)])


def _sorted_changes(nodes: NodeErrors, change: Change) -> Curve:
    known = np.sort(nodes.change[np.isfinite(nodes.change)])
    share = (np.arange(len(known)) + 0.5) * 100 / max(1, len(known))
    picked = np.unique(np.linspace(0, len(known) - 1, min(_POINTS, len(known))).round().astype(np.intp))
    return Curve(change.column, share[picked], known[picked], dashed=change.mode == "joint")


def _factors(content: ComparisonContent) -> Iterator[Panel]:
    factors = content.factors
    if factors is None:
        return
    groups = factors.groups
    yield Panel(
        "How alike the sensors' own weights are",
        to_svg(similarity_figure(groups.kinds, groups.similarity), "factors"),
        "Cosine similarity of the low-rank weights that the adapter gave each sensor (their mean taken off): the bluer "
        "the more alike, the more orange the more opposed. The groups are found in these weights alone, by Ward's "
        "method; four at most.",
    )
    yield Panel(
        "How alike their typical days are",
        to_svg(similarity_figure(groups.kinds, factors.day_similarity), "days"),
        "Correlation of the mean days of the training period, the sensors in the same order. If sensors with alike "
        "days have alike weights, the pictures look alike.",
    )
    yield Panel(
        "The typical days of each group",
        to_svg(profile_figure(groups), "profiles"),
        "The mean day of each sensor around its own mean, in its own standard deviations, and the mean of the group in "
        "bold; of large groups some sensors. The groups know nothing of the days but what the adapter learned of them.",
    )


def _agreement(content: ComparisonContent) -> str:
    factors, shown = content.factors, content.shown
    if factors is None or shown is None:
        return ""
    text = f"The factors of {shown.backbone}, {shown.column}, seed {content.seed}."
    if np.isfinite(factors.agreement):
        text += (
            f" Over all pairs of sensors, likeness of the weights and likeness of the typical days have a rank "
            f"correlation of {signed(factors.agreement, 2)}."
        )
    return text + (f" {factors.left_out} sensors have no typical day." if factors.left_out else "")
