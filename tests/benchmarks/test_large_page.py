"""The page on large networks says what was measured."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "results" / "speed" / "large"

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not part of this copy")


def test_the_page_and_the_result_hold_the_measured_tables(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from pages import large as large_tables

    found = json.loads(RESULT.with_suffix(".json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "large.md").read_text(encoding="utf-8")
    for table in large_tables.tables(found).values():
        assert table in page
    assert large_tables.large_page(found) == RESULT.with_suffix(".md").read_text(encoding="utf-8")
