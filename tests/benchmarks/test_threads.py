"""Measurements with several numbers of threads lie side by side."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture(scope="module")
def threads():
    """Keeps runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        from measuring import threads

        yield threads


def _page(found):
    return ", ".join(f"{number}: {run['seconds']}" for number, run in found["threads"].items())


def test_a_run_with_other_threads_is_added_and_one_with_as_many_is_replaced(threads, tmp_path):
    result = tmp_path / "layer"
    for number, seconds in ((2, 0.5), (1, 0.9), (2, 0.6)):
        threads.keep(result, {"rounds": 3}, number, {"seconds": seconds}, _page)
    found = json.loads(result.with_suffix(".json").read_text(encoding="utf-8"))
    assert found == {"rounds": 3, "threads": {"1": {"seconds": 0.9}, "2": {"seconds": 0.6}}}
    assert list(found["threads"]) == ["1", "2"]
    assert result.with_suffix(".md").read_text(encoding="utf-8") == "1: 0.9, 2: 0.6"
    assert threads.runs(found) == {"1": {"rounds": 3, "seconds": 0.9}, "2": {"rounds": 3, "seconds": 0.6}}


def test_a_part_is_measured_anew_beside_the_others_of_its_run(threads, tmp_path):
    result = tmp_path / "wrapper"
    assert threads.kept(result, 2) == {}
    threads.keep(result, {}, 1, {"seconds": 0.9}, _page)
    assert threads.kept(result, 2) == {}
    assert threads.kept(result, 1) == {"seconds": 0.9}
