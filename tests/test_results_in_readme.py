"""The README's tables are those of the committed results, and the results hold what the README says of them."""

import json
import shutil
from pathlib import Path

import pytest

from stlora.training.comparing.table_files import rewrite_tables

ROOT = Path(__file__).parents[1]
NAMES = ("metr-la-60", "muenster-bikes")
pytestmark = pytest.mark.skipif(not (ROOT / "results").is_dir(), reason="the results are not part of this copy")


@pytest.fixture(scope="module")
def summary():
    """Writes tables from results."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "results"))
        import summary

        yield summary


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def results(name):
    return json.loads((ROOT / "results" / name / "results.json").read_text(encoding="utf-8"))


def test_the_readme_shows_the_table_and_the_baselines(summary, readme, name):
    runs = summary.read(name)
    assert summary.table(runs, summary.shown(runs)) in readme
    assert summary.baselines(runs) in " ".join(readme.split())
    assert f"own forecast without any backbone comes to {summary.own_forecast(runs)}" in " ".join(readme.split())


def test_the_page_of_results_shows_the_rivals(summary, name):
    table = summary.rival_table(summary.read(name))
    assert "`finetune`" in table
    assert table in (ROOT / "results" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["stlora", "large"])
def test_every_backbone_gains_and_the_six_of_the_paper_by_what_is_promised(summary, name, form):
    runs = summary.read(name)
    behind = [backbone for backbone, column in runs if column == form]
    assert {*behind} >= {*summary.PAPER}
    assert [backbone for backbone in behind if summary.change(runs, backbone, form, "average") >= 0] == []
    assert summary.means(runs, form, "average") <= -7
    assert summary.means(runs, form, "horizons", "12") <= -10


def test_no_rival_gains_as_much(summary, name):
    runs = summary.read(name)
    for backbone, column in runs:
        if column in summary.RIVALS:
            other = summary.change(runs, backbone, column, "average")
            assert summary.change(runs, backbone, "stlora", "average") < other, (backbone, column)


@pytest.mark.parametrize("form", ["stlora", "large", "shared"])
def test_no_backbone_is_worse_on_the_test_windows(summary, name, form):
    runs = summary.read(name)
    assert [key for key in runs if key[1] == form and summary.change(runs, key[0], form, "average") >= 0] == []


def test_the_lean_default_is_small(results):
    sizes = {run["backbone"]: run["parameters"] for run in results["runs"] if run["adapter"] == "stlora"}
    assert len(sizes) >= 5
    for backbone, size in sizes.items():
        assert size["adapter"] <= max(4_000, 0.01 * size["backbone"]), backbone
        if size["backbone"] > 250_000:
            assert size["adapter"] <= 0.01 * size["backbone"], backbone


@pytest.mark.parametrize("longer", ["metr-la-60-published", "muenster-bikes-longer"])
def test_behind_backbones_that_were_trained_longer(summary, readme, longer):
    runs = summary.read(longer)
    table = summary.table(runs, summary.shown(runs))
    for page in (readme, (ROOT / "results" / "README.md").read_text(encoding="utf-8")):
        assert table in page
    found = json.loads((ROOT / "results" / longer / "results.json").read_text(encoding="utf-8"))
    lean = [run["seconds"] for run in found["runs"] if run["adapter"] == "stlora"]
    assert len(lean) >= 3
    assert max(each["adapt"] / each["fit"] for each in lean) <= 1 / 20


@pytest.mark.parametrize("name", ["metr-la-60", "metr-la-60-published", "muenster-bikes", "muenster-bikes-longer"])
def test_the_committed_tables_are_those_of_the_results(tmp_path, name):
    committed, again = ROOT / "results" / name, tmp_path / name
    again.mkdir()
    shutil.copy(committed / "results.json", again)
    rewrite_tables(again)
    for table in ("table.md", "table.csv", "table.tex"):
        assert (again / table).read_text(encoding="utf-8") == (committed / table).read_text(encoding="utf-8"), table
