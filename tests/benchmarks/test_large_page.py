"""The page on large networks says what was measured."""

import json
from pathlib import Path

import pytest

from stlora import STLoRAConfig
from stlora.adapters.fusion import ShareFusion

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


def test_what_was_measured_is_of_the_adapter_as_it_is():
    found = json.loads(RESULT.with_suffix(".json").read_text(encoding="utf-8"))["stgcn"]
    adapter = ShareFusion(STLoRAConfig(), found["nodes"], 12, 12)
    assert found["adapt"]["measured"] == sum(buffer.numel() for buffer in adapter.buffers())
    assert found["adapt"]["parameters"]["adapter"] == sum(parameter.numel() for parameter in adapter.parameters())
