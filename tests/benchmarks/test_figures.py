"""The pictures of the page on speed show what was measured, and lie beside it."""

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results" / "speed"

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture(scope="module")
def figures():
    """Draws them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import figures

        yield figures


def measured(name, threads="1"):
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["threads"][threads]


def test_the_layer_is_drawn_in_multiples_of_a_plain_one(figures):
    axes = figures.layer().axes
    assert [axis.get_title(loc="left") for axis in axes] == ["width 64", "width 24", "width 16"]
    (entry,) = [each for each in measured("layer")["trained"] if (each["width"], each["nodes"]) == (16, 8600)]
    for line, form in zip(axes[2].lines, figures.FORMS, strict=False):
        drawn = dict(line.get_xydata())
        assert drawn[8600] == pytest.approx(entry["seconds"][form] / entry["seconds"]["linear"])


def test_every_backbone_has_its_four_marks(figures):
    (axis,) = figures.wrapper().axes
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names == list(measured("wrapper"))
    drawn = [(kind, threads) for kind in ("training", "inference") for threads in "12"]
    for line, (kind, threads) in zip(axis.lines, drawn, strict=False):
        for found, added in zip(measured("wrapper", threads).values(), line.get_xdata(), strict=True):
            assert added == pytest.approx(100 * found[kind]["part"] / found[kind]["backbone"])


def test_growth_is_drawn_with_its_exponents(figures):
    for axis, grown in zip(figures.growth().axes, ("nodes", "history", "batch", "rank"), strict=True):
        found = measured("growth")[grown]
        exponents = [found["exponents"][name] for name in figures.GROWN]
        assert axis.get_title(loc="left").split("\n")[1] == ", ".join(f"{each:.2f}" for each in exponents)
        steps = [1e3 * row["fit_s"] for row in found["rows"]]
        assert list(axis.lines[0].get_ydata()) == pytest.approx(steps)


@pytest.mark.parametrize("name", ["layer", "wrapper", "growth"])
def test_the_committed_picture_is_the_drawn_one(figures, name, tmp_path):
    assert f"../results/speed/{name}.svg)" in (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    pinned = re.findall(r"^matplotlib==([^;\s]+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    if version("matplotlib") != pinned[0]:
        pytest.skip("another matplotlib draws other bytes")
    figures.save_figure(figures.FIGURES[name](), tmp_path / f"{name}.svg")
    assert (tmp_path / f"{name}.svg").read_bytes() == (RESULTS / f"{name}.svg").read_bytes()
