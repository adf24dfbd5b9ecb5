"""The pictures of docs/speed.md, drawn from results/speed.

    python benchmarks/figures.py

Writes layer.svg, wrapper.svg and growth.svg to results/speed. They show what their tables say, with one thread; that
of the wrapper with two as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from measuring.threads import runs

from stlora.files import read_json
from stlora.report.style import ADAPTED, ALONE, INK, MUTED, OTHERS, legend, new_figure, save_figure, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESULTS = Path(__file__).parents[1] / "results" / "speed"
FORMS = {"core": ADAPTED, "diagonal": ALONE, "full": OTHERS[1], "none": OTHERS[0], "own": MUTED}
FORM_NAMES = {"none": "no node factor", "own": "weights of every node's own"}
WIDTHS = (64, 24, 16)
GROWN = {"fit_s": ("fit step, ms", ADAPTED, 1e3), "forecast_s": ("forecast, ms", ALONE, 1e3)}
GROWN |= {"held_mib": ("held, MiB", OTHERS[0], 1.0)}
MARKS = {"training": "training step", "inference": "forecast"}
LIMITS = {5: "5 %", 15: "15 %"}


def layer() -> Figure:
    """Times of the layer against N, in multiples of a plain one; about 20,000 rows or a window, whichever is more."""
    figure, axes = new_figure(9.4, 3.4, columns=len(WIDTHS))
    trained = _measured("layer", "1")["trained"]
    for axis, width in zip(axes, WIDTHS, strict=True):
        entries = {each["nodes"]: each for each in reversed(trained) if each["width"] == width}
        for form, colour in FORMS.items():
            timed = [(n, each["seconds"]) for n, each in sorted(entries.items()) if form in each["seconds"]]
            _line(axis, [n for n, _ in timed], [each[form] / each["linear"] for _, each in timed], colour)
        axis.axhline(2, color=INK, linewidth=0.8, linestyle="--")
        title(axis, f"width {width}")
        _logarithmic(axis, "nodes", [10, 307, 8600, 100_000], [1, 2, 5, 10, 20, 50])
        axis.set_ylim(0.7, 60)
    axes[0].set_ylabel("times a plain linear layer")
    legend(figure, axes[0].lines[: len(FORMS)], [FORM_NAMES.get(form, form) for form in FORMS])
    return figure


def wrapper() -> Figure:
    """What the adapter adds to each backbone, in percent of its time."""
    figure, (axis,) = new_figure(9.4, 4)
    models = list(_measured("wrapper", "1"))
    for kind, marker in zip(MARKS, "os", strict=True):
        for threads, colour in (("1", ADAPTED), ("2", ALONE)):
            found = _measured("wrapper", threads)
            added = [100 * found[name][kind]["part"] / found[name][kind]["backbone"] for name in models]
            axis.plot(added, models, marker, color=colour, markerfacecolor="none" if marker == "s" else colour)
    for limit, name in LIMITS.items():
        axis.axvline(limit, color=INK, linewidth=0.8, linestyle="--")
        axis.text(limit, -0.75, name, color=INK, fontsize=8.5, ha="center", va="bottom")
    axis.set_ylim(len(models) - 0.5, -0.75)
    axis.set_xscale("log")
    _ticks(axis, "x", [0.1, 0.3, 1, 3, 10, 30])
    axis.set_xlabel("the adapter's time in percent of the backbone's")
    names = [f"{name}, {count}" for name in MARKS.values() for count in ("one thread", "two threads")]
    legend(figure, axis.lines[: len(names)], names)
    return figure


def growth() -> Figure:
    """Time and memory of the adapter against what grows, and the exponents."""
    figure, axes = new_figure(9.4, 3.2, columns=4)
    found = _measured("growth", "1")
    for axis, grown in zip(axes, ("nodes", "history", "batch", "rank"), strict=True):
        rows, exponents = found[grown]["rows"], found[grown]["exponents"]
        sizes = [row["size"] for row in rows]
        for name, (_, colour, factor) in GROWN.items():
            values = [factor * row[name] for row in rows]
            _line(axis, sizes, values, colour)
        told = ", ".join(f"{exponents[name]:.2f}" for name in GROWN)
        title(axis, f"exponents\n{told}")
        _logarithmic(axis, grown, sizes, [0.1, 1, 10, 100])
        axis.set_ylim(0.05, 200)
    legend(figure, axes[0].lines, [name for name, _, _ in GROWN.values()])
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {"layer": layer, "wrapper": wrapper, "growth": growth}


def _measured(name: str, threads: str) -> dict[str, Any]:
    return runs(read_json(RESULTS / f"{name}.json"))[threads]


def _line(axis: Axes, x: Sequence[float], y: Sequence[float], colour: str) -> None:
    axis.plot(x, y, color=colour, linewidth=1.6, marker="o", markersize=3.5)


def _logarithmic(axis: Axes, name: str, x: Sequence[float], y: Sequence[float]) -> None:
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel(name)
    _ticks(axis, "x", x)
    _ticks(axis, "y", y)


def _ticks(axis: Axes, which: str, places: Sequence[float]) -> None:
    along = getattr(axis, f"{which}axis")
    along.set_major_locator(FixedLocator(places))
    along.set_minor_locator(NullLocator())
    along.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}" if value < 1e4 else f"{value / 1e3:,g}k"))


def main() -> None:
    for name, draw in FIGURES.items():
        save_figure(draw(), RESULTS / f"{name}.svg")


if __name__ == "__main__":
    main()
