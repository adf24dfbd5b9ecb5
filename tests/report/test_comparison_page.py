from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stlora.evaluation.rows import OURS
from stlora.evaluation.significance import MeanTest
from stlora.report.comparison_content import ComparisonContent
from stlora.report.comparison_curves import column_looks
from stlora.report.comparison_page import write_comparison_page
from stlora.report.page import PAPER

Make = Callable[..., ComparisonContent]
Written = Callable[[ComparisonContent], Any]
SECTIONS = ["Where the error falls", "Who gained", "Forecast beside truth", "What the node factors look like"]


@pytest.fixture
def written(tmp_path: Path, read_page: Callable[[Path], Any]) -> Written:
    """The page of a content, read."""

    def write(content: ComparisonContent) -> Any:
        write_comparison_page(tmp_path / "report.html", content)
        assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
        return read_page(tmp_path / "report.html")

    return write


def test_the_page_needs_nothing_beside_itself(make_comparison: Make, written: Written) -> None:
    page = written(make_comparison())
    assert not {"script", "link", "img"} & set(page.tags)
    targets = [value for name, value in page.attributes if name in ("href", "src", "xlink:href", "srcset", "data")]
    assert {target for target in targets if not target.startswith(("#", "data:"))} == {PAPER}
    assert "@import" not in page.text
    assert not re.search(r"url\((?!#)", page.text)


def test_every_section_and_table_is_there_with_its_note(make_comparison: Make, written: Written) -> None:
    page = written(make_comparison())
    assert [name for name in page.headings if name in SECTIONS] == SECTIONS
    tables = {
        "errors": "Errors",
        "changes": "What the columns changed",
        "others": "The default against the other columns",
        "costs": "What they cost",
    }
    for note, heading in tables.items():
        assert heading in page.headings
        assert f"On {note}." in page.words
    assert "lstm ST-LoRA (frozen) 2" in page.words
    against = page.words.split("backbone against seeds", 1)[1].split("On others.")[0]
    named = [name for name in ("lstm", "stgcn", "ha") if f"{name} ST-LoRA shared (frozen) 2" in against]
    assert named == ["lstm", "stgcn"]
    assert "Data made up" in page.words
    assert "have a rank correlation of +0.50" in page.words
    assert [name for name in page.headings if ": " in name][-3:] == [
        "Helped most: a",
        "The median: c",
        "Helped least: b",
    ]


def test_the_headline_says_where_nothing_can_be_said_of_chance(make_comparison: Make, written: Written) -> None:
    content = make_comparison()
    assert "cannot be said: the errors of its windows were not kept no test" in written(content).words
    test = MeanTest(-1.0, -5.0, 0.001, 10, 480)
    tested = {"tests": {"average": test}, "holm": {"average": 0.01}, "percent": {"average": -1.0}, "missing": ""}
    sure = [replace(change, **tested) for change in content.changes]
    words = written(replace(content, changes=sure)).words
    assert "cannot be said" not in words
    assert "the largest fall of the average MAE" in words
    grown = [replace(change, percent={"average": 2.0}) for change in sure]
    assert "the smallest growth of the average MAE" in written(replace(content, changes=grown)).words
    assert f"below 0.05 {len(sure)} of {len(sure)}" in words


def test_one_backbone_with_one_adapter_and_one_seed(make_comparison: Make, written: Written) -> None:
    page = written(make_comparison(("lstm",), ("stlora",), seeds=1, alone=()))
    assert "The default against the other columns" not in page.headings
    assert "Error by step ahead: lstm" in page.headings
    assert not {"Error by step ahead: nothing adapted", "Changes of all sensors"} & set(page.headings)
    assert "bands" not in page.words


def test_nothing_adapted_is_a_page_of_errors_and_costs(make_comparison: Make, written: Written) -> None:
    page = written(make_comparison((), alone=("lstm", "ha")))
    assert [name for name in page.headings if name in SECTIONS] == SECTIONS[:1]
    assert "What the columns changed" not in page.headings
    assert page.tags.count("svg") == 2


def test_many_backbones_share_figures_and_the_page_stays_light(make_comparison: Make, written: Written) -> None:
    backbones = ("stgcn", "gwnet", "agcrn", "d2stgnn", "staeformer", "stid", "lstm", "dcrnn")
    adapters = ("stlora", "large", "shared", "bias_scale", "trained-on")
    page = written(make_comparison(backbones, adapters, seeds=3, alone=("ha", "var", "naive")))
    assert page.headings.count("Error by step ahead") == 1
    assert "nan" not in page.words.lower()
    assert len(page.text) < 1_000_000


MANY = ("stlora", "large", "shared", "paper", "bias_scale", "node_head", "clora", "peft", "finetune", "trained-on")


def test_more_columns_than_colours_are_two_families_of_changes(make_comparison: Make, written: Written) -> None:
    page = written(make_comparison(adapters=MANY))
    for heading in ("Change by step ahead", "Change by time of day", "Changes of all sensors"):
        assert [name for name in page.headings if name.startswith(heading)] == [
            f"{heading}: forms of ST-LoRA",
            f"{heading}: other columns",
        ]
    assert "Error by step ahead" not in page.headings
    assert "Error by step ahead: nothing adapted" in page.headings


def test_every_column_of_a_large_table_has_a_look_of_its_own(make_comparison: Make) -> None:
    content = make_comparison(adapters=MANY)
    looks = column_looks(content)
    assert set(looks) == {row.column for row in content.rows}
    assert len({(look.colour, look.dash) for look in looks.values()}) == len(MANY) + 1
    assert {looks[row.column].dash == "-" for row in content.rows if row.adapter in OURS} == {True}


def test_a_table_marks_where_a_backbone_begins(make_comparison: Make, written: Written) -> None:
    page = written(make_comparison(("lstm", "stgcn"), ("stlora",), seeds=1, alone=()))
    errors = page.text[page.text.index("<h2>Errors") : page.text.index("<h2>What the columns changed")]
    assert re.findall(r'<tr class="(.*?)">\s*<td class="word">(.*?)</td>', errors) == [
        ("", "lstm"),
        ("again", "lstm"),
        ("begins", "stgcn"),
        ("again", "stgcn"),
    ]


def test_what_is_not_known_is_said(make_comparison: Make, written: Written) -> None:
    page = written(make_comparison(hours={}, without_hours="No errors by time of day."))
    assert "No errors by time of day." in page.words
    assert not any("time of day" in name for name in page.headings)
    page = written(make_comparison(factors=None))
    assert SECTIONS[3] not in page.headings


def test_rows_without_hours_are_left_out_of_that_figure_alone(make_comparison: Make, written: Written) -> None:
    content = make_comparison()
    kept = {key: line for key, line in content.hours.items() if key[0] == "lstm"}
    page = written(replace(content, hours=kept))
    assert "Error by time of day: lstm" in page.headings
    assert "Error by step ahead" in page.headings


def test_failed_cells_stand_with_their_reasons(make_comparison: Make, written: Written) -> None:
    assert "Without a result" not in written(make_comparison()).headings
    page = written(make_comparison(failed={"lstm stlora seed 9": "no <b>memory</b>"}))
    assert "Without a result" in page.headings
    assert "lstm stlora seed 9 no <b>memory</b>" in page.words
    assert "b" not in page.tags


def test_every_minus_is_one_but_that_of_a_name_stays_a_hyphen(make_comparison: Make, written: Written) -> None:
    content = make_comparison()
    change = replace(content.changes[0], interval=(-8.5, -6.6), worst=("north-5", -1.25))
    page = written(replace(content, changes=[change, *content.changes[1:]]))
    assert "−8.5 to −6.6" in page.words
    assert "north-5 −1.2 %" in page.words


def test_sensors_without_a_change_are_counted_not_drawn(make_comparison: Make, written: Written) -> None:
    content = make_comparison()
    nodes = {
        key: replace(errors, alone=np.array([np.nan, 8.0, 2.0]), coordinates=None)
        for key, errors in content.nodes.items()
    }
    page = written(replace(content, nodes=nodes))
    assert "1 had nothing to compare." in page.words
    assert "Where they are" not in page.headings


def test_the_panels_know_no_model() -> None:
    code = (
        "import sys, stlora.report.comparison_page, stlora.report.comparison_panels\n"
        "print([name for name in sys.modules if name == 'matplotlib.pyplot' or "
        "name.startswith(('stlora.training', 'stlora.adapters', 'lightning'))])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
