"""The sections of a comparison's page."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stlora.evaluation.changes import Change
from stlora.report.comparison_content import ComparisonContent, key_of
from stlora.report.comparison_curves import error_panels, family_panels
from stlora.report.content import NodeErrors, signed
from stlora.report.curves import Curve
from stlora.report.group_figures import profile_figure, similarity_figure
from stlora.report.panels import Panel, Section, forecast_panels, node_panels
from stlora.report.style import to_svg

_POINTS = 100  # of a curve over the sensors, at most


def comparison_sections(content: ComparisonContent) -> list[Section]:
    """All that there is something to say of."""
    shown, forecasts = content.shown, forecast_panels(content.examples, content.unit, content.interval)
    made = [Section("Where the error falls", tuple(error_panels(content)), content.without_hours)]
    if shown is not None:
        sensors, of = tuple(_sensors(content, shown)), f"{shown.backbone}, {shown.column}"
        made += [
            Section("Who gained", sensors, f"Errors over all steps ahead, mean over the seeds. Bars and map: {of}."),
            Section("Forecast beside truth", tuple(forecasts), f"{of}, seed {content.seed}; changes are those above."),
            Section("What the node factors look like", tuple(_factors(content)), _agreement(content)),
        ]
    return [section for section in made if section.panels]


def _sensors(content: ComparisonContent, shown: Change) -> Iterator[Panel]:
    curves = {key_of(change): _sorted_changes(content.nodes[key_of(change)], change) for change in content.changes}
    curves = {key: curve for key, curve in curves.items() if len(curve.x)}
    if len(content.changes) > 1 and curves:
        labels = ("share of the sensors, %", "change of MAE, %")
        caption = (
            "Change of each sensor's MAE against the backbone alone, the one helped most at the left of each line. "
            "Where a line crosses zero, the share of sensors that improved can be read. Where a few sensors would "
            "flatten all lines the scale ends before them, and the last value of each line stands at its mark."
        )
        names = ("Changes of all sensors", "changes")
        yield from family_panels(content, curves, names, labels, caption, robust=True)
    yield from node_panels(content.nodes[key_of(shown)])


def _sorted_changes(nodes: NodeErrors, change: Change) -> Curve:
    known = np.sort(nodes.change[np.isfinite(nodes.change)])
    share = (np.arange(len(known)) + 0.5) * 100 / max(1, len(known))
    picked = np.unique(np.linspace(0, len(known) - 1, min(_POINTS, len(known))).round().astype(np.intp))
    return Curve(change.column, share[picked], known[picked])


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
