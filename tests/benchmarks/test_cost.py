"""The pages of the backbones say what was measured."""

import json
from pathlib import Path

import pytest

from stlora import backbones

ROOT = Path(__file__).parents[2]
MEASURED = ROOT / "results" / "speed" / "backbones.json"

pytestmark = pytest.mark.skipif(not MEASURED.is_file(), reason="the results are not part of this copy")


@pytest.fixture(scope="module")
def cost_line():
    """Writes the line from a measurement."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        from pages import backbones as backbones_table

        yield backbones_table.cost_line


@pytest.mark.parametrize("name", backbones.names())
def test_a_page_tells_the_measured_cost(cost_line, name):
    line = cost_line(json.loads(MEASURED.read_text(encoding="utf-8"))[name])
    page = (ROOT / "docs" / "backbones" / f"{name}.md").read_text(encoding="utf-8")
    assert line in " ".join(page.split())
