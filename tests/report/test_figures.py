from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from stlora.report.content import ReportContent, SensorGroups
from stlora.report.figures import forecast_figure, horizon_figure
from stlora.report.group_figures import profile_figure, similarity_by_kind, similarity_figure
from stlora.report.style import ADAPTED, ALONE, save_figure, to_svg

Make = Callable[..., ReportContent]


def _horizon(content: ReportContent) -> Figure:
    return horizon_figure(content.rows, content.alone, content.adapted, content.unit, content.interval)


def _legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_svg_is_well_formed_takes_the_pages_colours_and_keeps_text_as_text(make: Make) -> None:
    svg = to_svg(_horizon(make()), "h")
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert "width" not in root.attrib
    assert "viewBox" in root.attrib
    assert f"var(--adapted, {ADAPTED})" in svg
    assert ADAPTED not in svg.replace(f"var(--adapted, {ADAPTED})", "")
    assert "steps ahead, 1 h each" in [element.text for element in root.iter() if element.tag.endswith("text")]
    assert "<metadata" not in svg


def test_svg_ids_carry_the_name_and_every_reference_has_its_target(make: Make) -> None:
    svg = to_svg(forecast_figure(make().examples[:1], "", pd.Timedelta("1h"), titles=False), "own")
    ids = set(re.findall(r'\bid="([^"]*)"', svg))
    assert ids
    assert all(name.startswith("own-") for name in ids)
    references = set(re.findall(r'(?:href="|url\()#([^")]*)', svg))
    assert references
    assert references <= ids


def test_equal_figures_are_equal_bytes(make: Make) -> None:
    assert to_svg(_horizon(make()), "h") == to_svg(_horizon(make()), "h")


def test_error_by_step_is_a_line_for_each_row(make: Make) -> None:
    figure = _horizon(make(seeds=2))
    alone, adapted = figure.axes[0].lines
    assert alone.get_xydata().tolist() == [[1, 4], [2, 6], [3, 8]]
    assert adapted.get_xydata().tolist() == [[1, 3], [2, 4], [3, 5.5]]
    assert (alone.get_color(), adapted.get_color()) == (ALONE, ADAPTED)
    assert _legend(figure) == ["lstm", "lstm + stlora"]
    assert figure.axes[0].get_ylabel() == "MAE, veh/h"


def test_joint_rows_are_named_and_every_row_has_a_look_of_its_own(make: Make) -> None:
    content = make()
    alone, adapted = content.rows
    others = [replace(adapted, backbone=name, mode="joint") for name in ("gwnet", "agcrn", "stgcn")]
    figure = _horizon(replace(content, rows=[alone, adapted, *others]))
    lines = figure.axes[0].lines
    assert len({line.get_color() for line in lines}) == 5
    assert _legend(figure)[2] == "gwnet + stlora, joint"


def test_forecasts_stand_beside_truth_and_a_gap_stays_one(make: Make) -> None:
    content = make()
    figure = forecast_figure(content.examples, "veh/h", content.interval)
    assert len(figure.axes) == 2
    truth, alone, adapted = figure.axes[0].lines
    np.testing.assert_array_equal(truth.get_ydata(), content.examples[0].truth)
    np.testing.assert_array_equal(alone.get_ydata(), content.examples[0].alone)
    np.testing.assert_array_equal(adapted.get_ydata(), content.examples[0].adapted)
    assert figure.axes[1].get_title(loc="left") == "d, 3 h ahead: MAE +20 % by the adapter"
    assert _legend(figure) == ["measured", "backbone alone", "adapted"]


def test_a_name_with_dollars_and_brackets_is_taken_literally(make: Make) -> None:
    content = make(("$x_1$ <b>", "z"))
    svg = to_svg(forecast_figure(content.examples, "$", content.interval), "f")
    texts = [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    assert "$x_1$ <b>, 3 h ahead: MAE −50 % by the adapter" in texts


def test_profiles_have_a_panel_for_each_kind(truth: SensorGroups) -> None:
    figure = profile_figure(truth)
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["x", "y"]
    odd = replace(truth, kinds=("x", "y", "z", "z"))
    assert [axis.get_visible() for axis in profile_figure(odd).axes] == [True, True, True, False]


def test_similarity_is_sorted_by_kind_and_nothing_at_all_is_transparent(truth: SensorGroups) -> None:
    shuffled = [2, 0, 3, 1]
    mixed = SensorGroups(
        tuple(truth.kinds[i] for i in shuffled), truth.profiles[shuffled], truth.similarity[np.ix_(shuffled, shuffled)]
    )
    drawn = np.asarray(similarity_figure(mixed.kinds, mixed.similarity).axes[0].images[0].get_array())
    np.testing.assert_allclose(drawn[..., 3][:2, 2:].sum(), 3)  # -1, -1, -1 and 0 between the kinds
    np.testing.assert_allclose(drawn[..., 3][:2, :2], [[1, 0.5], [0.5, 1]])
    assert to_hex(drawn[0, 0, :3]) == ADAPTED
    assert to_hex(drawn[0, 2, :3]) == ALONE
    assert similarity_by_kind(mixed) == (0.625, -0.75)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_figure_for_other_pages_is_written_in_the_format_of_its_name(make: Make, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture.{suffix}"
    content = make()
    save_figure(forecast_figure(content.examples, "", content.interval), path)
    head = path.read_bytes()[:200]
    assert head.startswith(b"\x89PNG") if suffix == "png" else b"<svg" in path.read_bytes()[:2000]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_figures_leave_pyplot_alone_and_know_no_model() -> None:
    code = (
        "import sys, stlora.report.page, stlora.report.panels\n"
        "print([name for name in sys.modules if name == 'matplotlib.pyplot' or "
        "name.startswith(('stlora.training', 'stlora.adapters', 'lightning'))])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
