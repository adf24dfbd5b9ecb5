"""The sections of the page: figures with a heading above and a sentence below that says what to see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stlora.report.content import ForecastExample, ReportContent, signed, span
from stlora.report.figures import forecast_figure, horizon_figure, map_figure, node_figure
from stlora.report.style import to_svg
from stlora.report.truth_figures import profile_figure, similarity_by_kind, similarity_figure


@dataclass(frozen=True)
class Panel:
    """A figure of the page.

    Attributes:
        heading: above it, plain text.
        svg: the drawing.
        caption: below it, plain text.
    """

    heading: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Section:
    """Some panels that belong together.

    Attributes:
        heading: above them.
        panels: in order.
    """

    heading: str
    panels: tuple[Panel, ...]


def sections(content: ReportContent) -> list[Section]:
    """All that the content has figures for; a section without one is left out."""
    made = [
        Section("Where the error falls", tuple(_errors(content))),
        Section("Forecast beside truth", tuple(_forecasts(content))),
        Section("What the sensors are, and what the adapter found", tuple(_truth(content))),
    ]
    return [section for section in made if section.panels]


def _errors(content: ReportContent) -> Iterator[Panel]:
    nodes = content.nodes
    figure = horizon_figure(content.rows, content.alone, content.adapted, content.unit, content.interval)
    seeds = any(len(row.seeds) > 1 for row in content.rows)
    caption = "Mean absolute error over all sensors and the whole test period, by how far ahead the forecast looks."
    if seeds:
        caption += " The bands are one standard deviation over seeds."
    yield Panel("Error by step ahead", to_svg(figure, "horizon"), caption)
    if np.isfinite(nodes.change).any():
        yield Panel("Change at each sensor", to_svg(node_figure(nodes), "nodes"), _who_gained(content))
        if nodes.coordinates is not None and np.isfinite(nodes.coordinates).all(axis=1).any():
            caption = (
                "A disc for each sensor, its area the size of the change: blue where the adapter lowered the MAE, "
                "orange where it raised it. Rings had nothing to compare."
            )
            yield Panel("Where they are", to_svg(map_figure(nodes), "map"), caption)


def _who_gained(content: ReportContent) -> str:
    nodes, change = content.nodes, content.nodes.change
    known = np.flatnonzero(np.isfinite(change))
    better = int((change[known] < 0).sum())
    best, worst = known[change[known].argmin()], known[change[known].argmax()]
    text = f"{better} of {len(known)} sensors improved ({100 * better / len(known):.0f} %)"
    text += f", {nodes.node_ids[best]} most, by {signed(change[best])} %"
    text += f"; the worst is {nodes.node_ids[worst]} at {signed(change[worst])} %."
    missing = len(change) - len(known)
    return text if not missing else f"{text} {missing} had nothing to compare."


def _forecasts(content: ReportContent) -> Iterator[Panel]:
    headings = ("Helped most", "Helped least") if len(content.examples) == 2 else ("",) * len(content.examples)
    for number, (heading, example) in enumerate(zip(headings, content.examples, strict=True)):
        figure = forecast_figure([example], content.unit, content.interval, titles=False)
        name = example.node_id if not heading else f"{heading}: {example.node_id}"
        yield Panel(name, to_svg(figure, f"forecast{number}"), _forecast_caption(example, content))


def _forecast_caption(example: ForecastExample, content: ReportContent) -> str:
    ahead = span(example.step * content.interval)
    text = f"Every point was forecast {ahead} before it was measured, from {example.time[0]:%A, %d %B %Y, %H:%M}."
    return f"{text} Over the whole test period the adapter changed this sensor's MAE by {signed(example.change)} %."


def _truth(content: ReportContent) -> Iterator[Panel]:
    truth = content.truth
    if truth is None:
        return
    yield Panel(
        "The true week of each kind of place",
        to_svg(profile_figure(truth), "profiles"),
        "This network is simulated, so its truth is known: the expected week of every sensor relative to its own "
        "mean, and the mean of the kind in bold. No model was told the kinds.",
    )
    within, between = similarity_by_kind(truth)
    yield Panel(
        "How alike the sensors' own weights are",
        to_svg(similarity_figure(truth), "similarity"),
        "Cosine similarity of the low-rank weights that the adapter gave each sensor (their mean taken off), sorted "
        "by kind: the bluer the more alike, the more orange the more opposed. "
        f"Two sensors of one kind have {signed(within, 2)} on average, of two kinds {signed(between, 2)}.",
    )
