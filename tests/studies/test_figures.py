"""The figures of studies: what is drawn where."""

import numpy as np
import pytest

from stlora.studies.designs import Design
from stlora.studies.field_figure import field_figure
from stlora.studies.transfer_figure import transfer_figure
from stlora.studies.transfers import transfers


@pytest.fixture
def outcome(outcome_of):
    return outcome_of(
        {"a": {1: (-5.0, -4.0), 2: (-4.0, -3.0)}, "b": {1: (-6.0, -2.5), 2: (-8.0, -2.0), 4: (-1.0, -3.0)}}
    )


def texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_each_value_has_a_place_and_each_group_a_line_with_its_choice(outcome):
    designs = [Design({"rank": rank}) for rank in (1, 2, 4)]
    figure = field_figure("rank", designs, outcome)
    above, below = figure.axes
    assert [label.get_text() for label in below.get_xticklabels()] == ["1", "2", "4"]
    assert texts(figure) == ["a, lstm (1 seed)", "b, lstm (1 seed)", "chosen by validation"]
    drawn = {tuple(map(float, line.get_ydata())): np.round(np.array(line.get_xdata(), float)) for line in above.lines}
    assert drawn[-4.0, -3.0].tolist() == [0, 1]
    assert drawn[-2.5, -2.0, -3.0].tolist() == [0, 1, 2]
    assert drawn[-4.0,].tolist() == [0]  # the ring of a
    assert drawn[-2.0,].tolist() == [1]  # the ring of b: by validation, though others are better on test
    assert below.get_xlabel() == "rank"


def test_words_are_not_joined_by_a_line(outcome):
    numbers = [Design({"rank": rank}) for rank in (1, 2, 4)]
    words = [Design({**design.changes, "fusion": str(design.changes["rank"])}, design.name) for design in numbers]
    joined, loose = (field_figure(name, forms, outcome) for name, forms in (("rank", numbers), ("fusion", words)))
    for figure, style in ((joined, "-"), (loose, "None")):
        lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
        assert [line.get_linestyle() for line in lines] == [style]


def test_transfer_has_a_panel_for_each_pair_with_its_numbers(outcome):
    figure = transfer_figure(outcome, transfers(outcome))
    (axis,) = figure.axes
    assert axis.get_title(loc="left") == "rank correlation −1.00, regret 2.00 points"
    assert axis.get_xlabel() == "a, lstm: change of validation MAE, %\nchosen by it: rank 1"
    points = {(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in axis.lines}
    assert points == {(-5.0, -6.0), (-4.0, -8.0)}  # the form that a lacks is left out
