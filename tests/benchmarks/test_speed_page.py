"""The page on speed says what was measured."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results" / "speed"
TABLES = {
    "wrapper": ("wrapper_table",),
    "pipeline": ("pipeline_table",),
    "adaptation": ("adaptation_table",),
    "whole_adaptation": ("whole_adaptation_table",),
    "at_once": ("at_once_table",),
    "profiles": ("profiles_table",),
    "growth": ("growth_table", "neighbours_table"),
    "startup": ("startup_table",),
}

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture(scope="module")
def speed_tables():
    """Writes tables from measurements."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        from pages import speed as speed_tables

        yield speed_tables


@pytest.mark.parametrize("name", TABLES)
def test_the_page_and_the_result_hold_the_measured_table(speed_tables, name):
    found = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    runs = speed_tables.runs(found) if "threads" in found else {"1": found}
    assert len(runs) == (2 if "threads" in found else 1)
    for threads, run in runs.items():
        for made in TABLES[name]:
            if threads == "1" or name != "growth":  # two threads change little there
                assert getattr(speed_tables, made)(run) in page
    assert getattr(speed_tables, f"{name}_page")(found) == (RESULTS / f"{name}.md").read_text(encoding="utf-8")


def test_the_page_of_graph_products_is_of_the_measured_cases(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from pages import graph_product

    found = json.loads((RESULTS / "graph_product.json").read_text(encoding="utf-8"))
    page = graph_product.graph_product_page(found)
    assert page == (RESULTS / "graph_product.md").read_text(encoding="utf-8")
    assert len(found["cases"]) == 42
