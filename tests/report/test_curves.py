from __future__ import annotations

import numpy as np

from stlora.report.curves import Curve, curves_figure
from stlora.report.looks import looks_of

X = np.arange(3.0)


def _curve(name: str, low: float, high: float, **more: object) -> Curve:
    return Curve(name, X, np.linspace(low, high, 3), **more)  # type: ignore[arg-type]


LOOKS = looks_of(["alone", "one"], ["two"])


def test_panels_have_one_scale_and_one_legend() -> None:
    panels = {"p": [_curve("alone", 1, 2), _curve("one", 2, 3)], "q": [_curve("one", 5, 9)]}
    figure = curves_figure(panels, LOOKS, "x", "y")
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["p", "q"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert figure.axes[0].get_ylim()[0] > 0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["alone", "one"]


def test_a_single_panel_has_no_title_and_may_begin_at_zero() -> None:
    (axis,) = curves_figure({"": [_curve("alone", 4, 5)]}, LOOKS, "x", "y", from_zero=True).axes
    assert axis.get_title(loc="left") == ""
    assert axis.get_ylim()[0] == 0


def test_a_line_marks_zero_where_lines_cross_it() -> None:
    (crossed,) = curves_figure({"": [_curve("one", -2, 3)]}, LOOKS, "x", "y").axes
    assert [list(line.get_ydata()) for line in crossed.lines[1:]] == [[0, 0]]


def test_labels_stand_at_the_rim_and_places_without_a_panel_are_empty() -> None:
    figure = curves_figure({name: [_curve("one", 1, 2)] for name in "abcd"}, LOOKS, "below", "left")
    assert [axis.get_visible() for axis in figure.axes] == [True] * 4 + [False] * 2
    assert [axis.get_ylabel() for axis in figure.axes[:4]] == ["left", "", "", "left"]
    assert [axis.get_xlabel() for axis in figure.axes[:4]] == ["", "below", "below", "below"]


def test_a_band_is_drawn_where_there_is_a_spread() -> None:
    curves = [_curve("one", 1, 2, std=np.full(3, 0.5)), _curve("two", 1, 2, std=np.full(3, np.nan))]
    (axis,) = curves_figure({"": curves}, LOOKS, "x", "y").axes
    assert len(axis.collections) == 1
    assert [line.get_linestyle() for line in axis.lines] == ["-", "--"]


def _sorted_changes(name: str, last: float) -> Curve:
    return Curve(name, np.arange(60.0), np.append(np.linspace(-20, -1, 59), last))


def test_a_robust_scale_keeps_the_lines_and_writes_what_it_cuts_off() -> None:
    panels = {"p": [_sorted_changes("one", 187.3), _sorted_changes("two", 99.9)], "q": [_sorted_changes("one", 2.0)]}
    first, second = curves_figure(panels, LOOKS, "x", "y", robust=True).axes[:2]
    assert first.get_ylim() == second.get_ylim()
    assert -25 < first.get_ylim()[0] < -20
    assert 2 < first.get_ylim()[1] < 60
    assert [text.get_text() for text in first.texts] == ["+187.3 %", "+99.9 %"]
    assert [text.get_color() for text in first.texts] == [LOOKS["one"].colour, LOOKS["two"].colour]
    assert [line.get_xdata().tolist() for line in first.lines if line.get_marker() == "^"] == [[59.0], [59.0]]
    assert not second.texts


def test_a_scale_that_is_not_robust_shows_all() -> None:
    (axis,) = curves_figure({"": [_sorted_changes("one", 187.3)]}, LOOKS, "x", "y").axes
    assert axis.get_ylim()[1] > 187
    assert not axis.texts
