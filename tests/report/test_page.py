from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stlora.errors import InputError
from stlora.report.content import NodeErrors, ReportContent, SensorGroups
from stlora.report.page import PAPER, write_report

Make = Callable[..., ReportContent]
Written = Callable[[ReportContent], Any]


@pytest.fixture
def written(tmp_path: Path, read_page: Callable[[Path], Any]) -> Written:
    """The page of a content, read."""

    def write(content: ReportContent) -> Any:
        path = tmp_path / "report.html"
        write_report(path, content)
        assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
        return read_page(path)

    return write


def test_the_page_needs_nothing_beside_itself(make: Make, truth: SensorGroups, written: Written) -> None:
    page = written(make(truth=truth))
    assert "script" not in page.tags
    assert "link" not in page.tags
    targets = [value for name, value in page.attributes if name in ("href", "src", "xlink:href", "srcset", "data")]
    assert {target for target in targets if not target.startswith(("#", "data:"))} == {PAPER}
    assert "@import" not in page.text
    assert not re.search(r"url\((?!#)", page.text)
    assert page.tags.count("svg") == 7


def test_the_page_says_what_was_compared_and_how_it_went(make: Make, written: Written) -> None:
    words = written(make()).words
    assert "What was compared." in words
    assert "−33.3 %" in words  # the average MAE, 6 to 4
    assert "average MAE, 6 to 4 veh/h" in words
    assert "3 of 4 sensors improved (75 %), a most, by −50.0 %; the worst is c at +20.0 %." in words
    assert "parameters added, 5.0 % of the backbone's" in words
    assert "to fit the adapter; its backbone took 30 s" in words
    assert "lstm ST-LoRA (frozen) 1" in words
    assert "Every point was forecast 3 h before it was measured, from Wednesday, 01 May 2024, 00:00." in words
    assert "Data made up" in words


def test_names_are_escaped_everywhere(make: Make, written: Written) -> None:
    name = "<b>&\"'$x_1$"
    content = make((name, "z"), unit="<i>", title="<u>", protocol=(("<s>", "<s>"),), summary="<em>")
    page = written(content)
    assert not {"b", "i", "u", "s", "em"} & set(page.tags)
    assert f"Helped most: {name}" in page.headings
    assert "MAE, <i>" in page.words


def test_sensors_without_a_value_are_counted_not_drawn(make: Make, written: Written) -> None:
    content = make()
    mae = np.array([np.nan, 10.0, 10.0, 0.0])
    content = replace(content, nodes=replace(content.nodes, alone=mae, adapted=np.array([np.nan, 9.0, 12.0, 0.0])))
    words = written(content).words
    assert "1 of 2 sensors improved (50 %), b most" in words
    assert "2 had nothing to compare." in words
    assert "nan" not in words.lower()


def test_a_network_without_any_comparable_sensor_still_has_a_page(make: Make, written: Written) -> None:
    unknown = np.full(2, np.nan)
    content = make(("a", "b"), nodes=NodeErrors(("a", "b"), unknown, unknown), examples=())
    page = written(content)
    assert page.tags.count("svg") == 1
    assert "Forecast beside truth" not in page.headings
    assert "0 of 0" in page.words


def test_one_sensor_without_coordinates(make: Make, written: Written) -> None:
    content = make(("only",))
    content = replace(
        content, nodes=replace(content.nodes, coordinates=None), examples=(replace(content.examples[0], why=""),)
    )
    page = written(content)
    assert {"Change at each sensor", "only"} <= set(page.headings)
    assert "Where they are" not in page.headings
    assert "1 of 1 sensors improved" in page.words


def test_the_map_is_there_where_coordinates_are(make: Make, written: Written) -> None:
    assert "Where they are" in written(make()).headings


def test_the_truth_is_shown_of_a_simulated_network_alone(make: Make, truth: SensorGroups, written: Written) -> None:
    heading = "What the sensors are, and what the adapter found"
    assert heading not in written(make()).headings
    page = written(make(truth=truth))
    assert heading in page.headings
    assert "Two sensors of one kind have +0.62 on average, of two kinds −0.75." in page.words


def test_seeds_are_shown_as_bands_and_said_to_be(make: Make, written: Written) -> None:
    sentence = "The bands are one sample standard deviation over seeds (ddof = 1)."
    assert sentence not in written(make()).words
    page = written(make(seeds=3))
    assert sentence in page.words
    assert "6.000 ± 1.000" in page.words  # the last step, 5, 6 and 7


@pytest.mark.parametrize("package", ["jinja2", "matplotlib.figure"])
def test_a_missing_extra_is_named(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    for module in [name for name in sys.modules if name.startswith("stlora.report.") and not name.endswith("content")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r'needs matplotlib and jinja2; pip install "stlora\[report\]"'):
        write_report(tmp_path / "report.html", make())
    assert list(tmp_path.iterdir()) == []
