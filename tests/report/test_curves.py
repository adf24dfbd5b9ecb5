from __future__ import annotations

import numpy as np
import pytest

from stlora.report.curves import Curve, colours_of, curves_figure
from stlora.report.style import ADAPTED, ALONE

X = np.arange(3.0)


def _curve(name: str, low: float, high: float, **more: object) -> Curve:
    return Curve(name, X, np.linspace(low, high, 3), **more)  # type: ignore[arg-type]


COLOURS = colours_of(["alone", "one", "two"], "alone", "one")


def test_panels_have_one_scale_and_one_legend() -> None:
    panels = {"p": [_curve("alone", 1, 2), _curve("one", 2, 3)], "q": [_curve("one", 5, 9)]}
    figure = curves_figure(panels, COLOURS, "x", "y")
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["p", "q"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert figure.axes[0].get_ylim()[0] > 0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["alone", "one"]


def test_a_single_panel_has_no_title_and_may_begin_at_zero() -> None:
    (axis,) = curves_figure({"": [_curve("alone", 4, 5)]}, COLOURS, "x", "y", from_zero=True).axes
    assert axis.get_title(loc="left") == ""
    assert axis.get_ylim()[0] == 0


def test_a_line_marks_zero_where_lines_cross_it() -> None:
    (crossed,) = curves_figure({"": [_curve("one", -2, 3)]}, COLOURS, "x", "y").axes
    assert [list(line.get_ydata()) for line in crossed.lines[1:]] == [[0, 0]]


def test_labels_stand_at_the_rim_and_places_without_a_panel_are_empty() -> None:
    figure = curves_figure({name: [_curve("one", 1, 2)] for name in "abcd"}, COLOURS, "below", "left")
    assert [axis.get_visible() for axis in figure.axes] == [True] * 4 + [False] * 2
    assert [axis.get_ylabel() for axis in figure.axes[:4]] == ["left", "", "", "left"]
    assert [axis.get_xlabel() for axis in figure.axes[:4]] == ["", "below", "below", "below"]


def test_a_band_is_drawn_where_there_is_a_spread() -> None:
    curves = [_curve("one", 1, 2, std=np.full(3, 0.5)), _curve("two", 1, 2, std=np.full(3, np.nan), dashed=True)]
    (axis,) = curves_figure({"": curves}, COLOURS, "x", "y").axes
    assert len(axis.collections) == 1
    assert [line.get_linestyle() for line in axis.lines] == ["-", "--"]


@pytest.mark.parametrize("count", [1, 2, 8])
def test_names_differ_in_colour_as_far_as_there_are_colours(count: int) -> None:
    names = [f"n{number}" for number in range(count)]
    colours = colours_of(names, names[0], names[-1])
    assert len(set(colours.values())) == count
    assert colours[names[-1]] == ADAPTED
    assert count == 1 or colours[names[0]] == ALONE
