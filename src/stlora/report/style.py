"""How figures look, and how they become SVG that takes its colours from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from stlora.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

INK, MUTED, GRID, PAPER = "#1f2a37", "#66707d", "#e4e7eb", "#ffffff"
ALONE, ADAPTED = "#c2681c", "#1f6fb2"  # also: where the backbone alone, where the adapted one does better
OTHERS = ("#009e73", "#cc79a7", "#e69f00", "#20262d", "#56b4e9")  # of Okabe and Ito, but for a softer black

_NAMES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    ALONE: "alone",
    ADAPTED: "adapted",
    **{colour: f"other-{number}" for number, colour in enumerate(OTHERS)},
}


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure of some inches, and its axes row by row, without frames."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
    axes = [axis for line in figure.subplots(rows, columns, squeeze=False) for axis in line]
    for axis in axes:
        axis.set_facecolor("none")
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color(GRID)
        axis.tick_params(colors=MUTED, length=0)
        axis.xaxis.label.set_color(MUTED)
        axis.yaxis.label.set_color(MUTED)
        axis.set_axisbelow(True)
    return figure, axes


def title(axis: Axes, text: str) -> None:
    """A title at the left, taken literally: a dollar sign in a sensor's name begins no formula."""
    axis.set_title(text, loc="left", color=INK, fontsize=10.5, parse_math=False)


def legend(figure: Figure, handles: Sequence[Artist], names: Sequence[str]) -> None:
    """A legend above the axes, in as many columns as the names leave room for, taken literally."""
    columns = int(13 * figure.get_figwidth() / (max(map(len, names)) + 6))
    made = figure.legend(
        handles,
        names,
        loc="outside upper left",
        ncols=min(max(columns, 1), len(names)),
        frameon=False,
        labelcolor=INK,
        handlelength=1.4,
        columnspacing=1.4,
    )
    for text in made.get_texts():
        text.set_parse_math(False)


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an ``<svg>`` element.

    Colours are written as ``var(--ink, #1f2a37)``, so a page may set its own, for the dark say, and the file is
    right without one too. Every id begins with ``name``, so that several figures live in one page.

    Args:
        figure: to draw.
        name: of the figure, unlike that of any other of its page.
    """
    content = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    # text stays text: small, searchable, in the page's font; equal figures give equal bytes
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(content, format="svg", metadata=nothing)
    svg = content.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px; font-family: inherit", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    for colour, role in _NAMES.items():
        svg = svg.replace(colour, f"var(--{role}, {colour})")
    return svg


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure for use outside a page, on white, in the format that the file's name ends with."""
    undated = {"Date": None} if path.suffix == ".svg" else {}  # equal figures give equal bytes
    with mpl.rc_context({"svg.hashsalt": path.stem}):
        write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=160, facecolor=PAPER, metadata=undated))
