"""The sections of the page: figures with a heading above and a sentence below that says what to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pandas as pd

from stlora.report.content import ForecastExample, NodeErrors, ReportContent, signed, span
from stlora.report.figures import forecast_figure, horizon_figure
from stlora.report.group_figures import profile_figure, similarity_by_kind, similarity_figure
from stlora.report.sensor_figures import map_figure, node_figure
from stlora.report.style import to_svg


@dataclass(frozen=True)
class Panel:
    """A figure of the page.

    Attributes:
        heading: above it, plain text.
        svg: the drawing.
        caption: below it, plain text.
        whole: whether it needs the whole width of the page, and not half of it.
    """

    heading: str
    svg: str
    caption: str
    whole: bool = False


@dataclass(frozen=True)
class Section:
    """Some panels that belong together.

    Attributes:
        heading: above them.
        panels: in order.
        note: a sentence above them, or in place of what is not there.
    """

    heading: str
    panels: tuple[Panel, ...]
    note: str = ""

    @property
    def arranged(self) -> list[tuple[Panel, str]]:
        """Each panel with its place: the ``whole`` width, the ``first`` or ``second`` half, a ``single`` half alone."""
        places: list[str] = []
        for panel, after in zip_longest(self.panels, self.panels[1:]):
            if panel.whole:
                places.append("whole")
            elif places[-1:] == ["first"]:
                places.append("second")
            else:
                places.append("first" if after is not None and not after.whole else "single")
        return list(zip(self.panels, places, strict=True))


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
        caption += " The bands are one sample standard deviation over seeds (ddof = 1)."
    yield Panel("Error by step ahead", to_svg(figure, "horizon"), caption)
    yield from node_panels(nodes)


def node_panels(nodes: NodeErrors) -> Iterator[Panel]:
    """The change of each sensor, and where they are; nothing where there is nothing to compare."""
    if np.isfinite(nodes.change).any():
        yield Panel("Change at each sensor", to_svg(node_figure(nodes), "nodes"), _who_gained(nodes))
        if nodes.coordinates is not None and np.isfinite(nodes.coordinates).all(axis=1).any():
            caption = (
                "A disc for each sensor, its area the size of the change: blue where the adapter lowered the MAE, "
                "orange where it raised it. Rings had nothing to compare. A number stands beside a change too large "
                "for its disc."
            )
            yield Panel("Where they are", to_svg(map_figure(nodes), "map"), caption)


def _who_gained(nodes: NodeErrors) -> str:
    change = nodes.change
    known = np.flatnonzero(np.isfinite(change))
    better = int((change[known] < 0).sum())
    best, worst = known[change[known].argmin()], known[change[known].argmax()]
    text = f"{better} of {len(known)} sensors improved ({100 * better / len(known):.0f} %)"
    text += f", {nodes.node_ids[best]} most, by {signed(change[best])} %"
    text += f"; the worst is {nodes.node_ids[worst]} at {signed(change[worst])} %."
    missing = len(change) - len(known)
    return text if not missing else f"{text} {missing} had nothing to compare."


def _forecasts(content: ReportContent) -> Iterator[Panel]:
    yield from forecast_panels(content.examples, content.unit, content.interval)


def forecast_panels(examples: Sequence[ForecastExample], unit: str, interval: pd.Timedelta) -> Iterator[Panel]:
    """A panel for each sensor."""
    for number, example in enumerate(examples):
        figure = forecast_figure([example], unit, interval, titles=False)
        heading = f"{example.why}: " if example.why else ""
        caption = _forecast_caption(example, interval)
        yield Panel(heading + example.node_id, to_svg(figure, f"forecast{number}"), caption)


def _forecast_caption(example: ForecastExample, interval: pd.Timedelta) -> str:
    ahead = span(example.step * interval)
    text = f"Every point was forecast {ahead} before it was measured, from {example.time[0]:%A, %d %B %Y, %H:%M}."
    if not np.isfinite(example.change):
        return f"{text} Its MAE has no change: there was nothing to compare."
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
        to_svg(similarity_figure(truth.kinds, truth.similarity), "similarity"),
        "Cosine similarity of the low-rank weights that the adapter gave each sensor (their mean taken off), sorted "
        "by kind: the bluer the more alike, the more orange the more opposed. "
        f"Two sensors of one kind have {signed(within, 2)} on average, of two kinds {signed(between, 2)}.",
    )
