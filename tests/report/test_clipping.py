from __future__ import annotations

import numpy as np
import pytest

from stlora.report.clipping import robust_range, write_clipped
from stlora.report.style import new_figure

MANY = np.linspace(-20, -5, 60)


def test_a_few_extremes_of_either_side_are_left_out() -> None:
    low, high = robust_range(np.array([-300.0, *MANY, 99.0, np.nan]))
    assert -60 < low <= -20
    assert 0 <= high < 30


@pytest.mark.parametrize("values", [MANY, np.append(MANY, 5.0), np.linspace(-100, 300, 60)])
def test_all_is_shown_where_nothing_flattens_the_rest(values: np.ndarray) -> None:
    assert robust_range(values) == (values.min(), max(0.0, values.max()))


def test_what_more_than_a_few_have_is_shown() -> None:
    assert robust_range(np.append(MANY, np.full(8, 99.0)))[1] == 99


@pytest.mark.parametrize(("values", "wanted"), [([], (0, 0)), ([np.nan], (0, 0)), ([0.0], (0, 0)), ([3.0], (0, 3))])
def test_little_or_nothing_has_a_range_too(values: list[float], wanted: tuple[float, float]) -> None:
    assert robust_range(np.array(values)) == wanted


def test_of_many_texts_the_first_are_written_and_the_others_counted() -> None:
    _, (axis,) = new_figure(4, 3)
    write_clipped(axis, [f"$s{number}$" for number in range(9)])
    assert [text.get_text() for text in axis.texts] == ["$s0$", "$s1$", "$s2$", "$s3$", "$s4$", "and 4 more"]
