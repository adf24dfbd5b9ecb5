"""The README's numbers of the eight backbones are those of the committed results."""

import json
import re
from pathlib import Path
from statistics import mean

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "metr-la-60-eight-backbones" / "results.json"
pytestmark = pytest.mark.skipif(not RESULTS.is_file(), reason="the results are not part of this copy")
ADAPTERS = ("stlora", "large", "residual", "shared", "paper")


@pytest.fixture(scope="module")
def runs():
    return {(run["backbone"], run["adapter"]): run for run in json.loads(RESULTS.read_text())["runs"]}


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8").split("Eight backbones, one seed")[1]


def change(runs, backbone, adapter, *entry):
    alone, adapted = runs[backbone, "none"], runs[backbone, adapter]
    for name in entry:
        alone, adapted = alone[name], adapted[name]
    return 100 * (adapted["mae"] / alone["mae"] - 1)


def test_every_cell_is_that_of_the_results(runs, readme):
    rows = re.findall(r"^\| (\w+) \| ([\d.]+) \|(.*)\|$", readme, re.MULTILINE)[:8]
    assert sorted(row[0] for row in rows) == sorted({backbone for backbone, adapter in runs if adapter == "stlora"})
    for backbone, alone, cells in rows:
        assert alone == f"{runs[backbone, 'none']['average']['mae']:.3f}"
        for adapter, cell in zip(ADAPTERS, cells.split("|"), strict=False):
            mae = runs[backbone, adapter]["average"]["mae"]
            assert cell.strip() == f"{mae:.3f} ({change(runs, backbone, adapter, 'average'):+.1f} %)"


def test_means_over_the_six_of_the_paper(runs, readme):
    six = ("lstm", "stgcn", "gwnet", "agcrn", "staeformer", "d2stgnn")
    for entry in (("average",), ("horizons", "12")):
        lean, large = (mean(change(runs, backbone, name, *entry) for backbone in six) for name in ("stlora", "large"))
        stated = " ".join(readme.split())
        assert any(text in stated for text in (f"{lean:.1f} % for the lean", f"{lean:.1f} % and {large:.1f} %"))
        assert f"{large:.1f} %" in stated


def test_no_adapted_backbone_is_worse_on_the_validation_windows(runs):
    worse = [
        key
        for key, run in runs.items()
        if run["val_mae"] is not None and key[1] != "none" and run["val_mae"] > runs[key[0], "none"]["val_mae"]
    ]
    assert worse == []
