"""How long the rest of a comparison may take."""

import pytest

from stlora.training.comparing.remaining import left_text, time_left


def test_time_left_is_that_of_finished_cells_of_the_same_kind(tmp_path, pretend):
    def cell(folder, name, kind, **seconds):
        if seconds:
            pretend(folder / name, seconds=seconds)
        return folder / name, kind

    cells = [
        cell(tmp_path, "a", ("lstm", "none"), fit=100.0, adapt=0.0, evaluate=2.0),
        cell(tmp_path, "b", ("lstm", "none"), fit=300.0, adapt=0.0, evaluate=2.0),
        cell(tmp_path, "c", ("lstm", "stlora"), fit=100.0, adapt=10.0, evaluate=1.0),
        cell(tmp_path, "d", ("lstm", "none")),
        cell(tmp_path, "e", ("lstm", "stlora")),
    ]
    assert time_left(cells) == (pytest.approx(202 + 11), True)
    assert time_left(cells, jobs=2) == (pytest.approx(213 / 2), True)
    assert time_left(cells, jobs=8) == (pytest.approx(213 / 2), True)
    assert time_left([*cells, cell(tmp_path, "f", ("dcrnn", "none"))]) == (pytest.approx(213), False)
    assert time_left(cells[:3]) == (0, True)
    assert time_left(cells[3:]) == (0, False)


@pytest.mark.parametrize(
    ("seconds", "known", "text"),
    [
        (0.0, False, "time left unknown"),
        (40.0, True, "about 40 s left"),
        (89.0, False, "more than 89 s left"),
        (90.0, True, "about 2 min left"),
        (3599.0, True, "about 1 h 0 min left"),
        (9000.0, True, "about 2 h 30 min left"),
    ],
)
def test_time_left_is_said_no_more_exactly_than_it_is_known(seconds, known, text):
    assert left_text(seconds, known) == text
