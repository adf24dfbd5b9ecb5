"""The page on speed says what was measured of the layer, and folding follows what was measured."""

import json
from pathlib import Path

import pytest

from stlora.adapters.nall import MOST_NODES_WITH_WEIGHTS

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "results" / "speed" / "layer"

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture
def found():
    """The committed measurement."""
    return json.loads(RESULT.with_suffix(".json").read_text(encoding="utf-8"))


def test_the_page_and_the_result_hold_the_measured_tables(found, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from pages import layer as layer_tables

    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    for name in ("trained", "floor", "parts", "answered"):
        assert getattr(layer_tables, f"{name}_table")(found["threads"]["1"]) in page
    assert layer_tables.layer_page(found) == RESULT.with_suffix(".md").read_text(encoding="utf-8")


def test_node_adaptive_layers_of_width_64_cost_at_most_twice_a_plain_one(found):
    """And those of the default's form and width."""
    for entry in found["threads"]["1"]["trained"]:
        if entry["width"] == 24:
            assert entry["seconds"]["diagonal"] <= 2 * entry["seconds"]["linear"]
        if entry["width"] == 64:
            assert max(entry["seconds"]["core"], entry["seconds"]["diagonal"]) <= 2 * entry["seconds"]["linear"]


def test_at_8600_nodes_own_weights_take_ten_times_the_memory(found):
    memory = [entry["memory_mib"] for entry in found["threads"]["1"]["trained"] if entry["nodes"] == 8600]
    assert len(memory) == 4
    assert all(each["own"] >= 10 * each["core"] for each in memory)


def test_one_window_takes_the_faster_way_of_folding_within_a_tenth(found):
    for entry in found["threads"]["1"]["answered"]:
        assert entry["chosen"] == ("weights" if entry["nodes"] <= MOST_NODES_WITH_WEIGHTS else "factors")
        times = entry["seconds"]
        if entry["batch"] == 1:
            assert times[entry["chosen"]] <= times["core"]
            assert times[entry["chosen"]] <= 1.1 * min(times[way] for way in ("factors", "weights") if way in times)
