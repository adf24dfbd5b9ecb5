from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from stlora.errors import InputError
from stlora.report.content import NodeErrors, ReportContent, SensorGroups
from stlora.report.page import PAPER, write_report

Make = Callable[..., ReportContent]
_VOID = {"meta", "br", "hr", "img", "link", "input"}


class _Page(HTMLParser):
    """A page read strictly: every element is closed in order, every id is unique."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.headings: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []
        ids = [value for name, value in self.attributes if name == "id"]
        assert len(ids) == len(set(ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h2", "h3"):
            self.headings.append(data)
        if "style" not in self.open:
            self.words += data + " "


def _written(content: ReportContent, folder: Path) -> tuple[str, _Page]:
    path = folder / "report.html"
    write_report(path, content)
    assert [file.name for file in folder.iterdir()] == ["report.html"]
    text = path.read_text(encoding="utf-8")
    return text, _Page(text)


def test_the_page_needs_nothing_beside_itself(make: Make, truth: SensorGroups, tmp_path: Path) -> None:
    text, page = _written(make(truth=truth), tmp_path)
    assert "script" not in page.tags
    assert "link" not in page.tags
    targets = [value for name, value in page.attributes if name in ("href", "src", "xlink:href", "srcset", "data")]
    assert {target for target in targets if not target.startswith(("#", "data:"))} == {PAPER}
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert page.tags.count("svg") == 7


def test_the_page_says_what_was_compared_and_how_it_went(make: Make, tmp_path: Path) -> None:
    words = " ".join(_written(make(), tmp_path)[1].words.split())
    assert "What was compared." in words
    assert "−33.3 %" in words  # the average MAE, 6 to 4
    assert "average MAE, 6 to 4 veh/h" in words
    assert "3 of 4 sensors improved (75 %), a most, by −50.0 %; the worst is c at +20.0 %." in words
    assert "parameters added, 5.0 % of the backbone's" in words
    assert "to fit the adapter; its backbone took 30 s" in words
    assert "lstm ST-LoRA (frozen) 1" in words
    assert "Every point was forecast 3 h before it was measured, from Wednesday, 01 May 2024, 00:00." in words
    assert "Data made up" in words


def test_names_are_escaped_everywhere(make: Make, tmp_path: Path) -> None:
    name = "<b>&\"'$x_1$"
    content = make((name, "z"), unit="<i>", title="<u>", protocol=(("<s>", "<s>"),), summary="<em>")
    _, page = _written(content, tmp_path)
    assert not {"b", "i", "u", "s", "em"} & set(page.tags)
    assert f"Helped most: {name}" in page.headings
    assert "MAE, <i>" in page.words


def test_sensors_without_a_value_are_counted_not_drawn(make: Make, tmp_path: Path) -> None:
    content = make()
    mae = np.array([np.nan, 10.0, 10.0, 0.0])
    content = replace(content, nodes=replace(content.nodes, alone=mae, adapted=np.array([np.nan, 9.0, 12.0, 0.0])))
    words = " ".join(_written(content, tmp_path)[1].words.split())
    assert "1 of 2 sensors improved (50 %), b most" in words
    assert "2 had nothing to compare." in words
    assert "nan" not in words.lower()


def test_a_network_without_any_comparable_sensor_still_has_a_page(make: Make, tmp_path: Path) -> None:
    unknown = np.full(2, np.nan)
    content = make(("a", "b"), nodes=NodeErrors(("a", "b"), unknown, unknown), examples=())
    _, page = _written(content, tmp_path)
    assert page.tags.count("svg") == 1
    assert "Forecast beside truth" not in page.headings
    assert "0 of 0" in page.words


def test_one_sensor_without_coordinates(make: Make, tmp_path: Path) -> None:
    content = make(("only",))
    content = replace(content, nodes=replace(content.nodes, coordinates=None), examples=content.examples[:1])
    _, page = _written(content, tmp_path)
    assert {"Change at each sensor", "only"} <= set(page.headings)
    assert "Where they are" not in page.headings
    assert "1 of 1 sensors improved" in page.words


def test_the_map_is_there_where_coordinates_are(make: Make, tmp_path: Path) -> None:
    assert "Where they are" in _written(make(), tmp_path)[1].headings


def test_the_truth_is_shown_of_a_simulated_network_alone(make: Make, truth: SensorGroups, tmp_path: Path) -> None:
    heading = "What the sensors are, and what the adapter found"
    assert heading not in _written(make(), tmp_path)[1].headings
    _, page = _written(make(truth=truth), tmp_path)
    assert heading in page.headings
    assert "Two sensors of one kind have +0.62 on average, of two kinds −0.75." in page.words


def test_seeds_are_shown_as_bands_and_said_to_be(make: Make, tmp_path: Path) -> None:
    sentence = "The bands are one standard deviation over seeds."
    assert sentence not in _written(make(), tmp_path)[1].words
    _, page = _written(make(seeds=3), tmp_path)
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
