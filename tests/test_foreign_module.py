"""A forecaster that nobody here wrote: STID as BasicTS ships it. Skipped where BasicTS is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stlora.data import simulate
from stlora.training import AdaptConfig, FitConfig, adapt, evaluate, fit

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_stid_of_basicts_is_trained_and_adapted_frozen(tmp_path, monkeypatch):
    pytest.importorskip("basicts.models.STID", reason="basicts is not installed", exc_type=ImportError)
    if not EXAMPLES.is_dir():
        pytest.skip("the examples do not lie beside the tests")
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.delitem(sys.modules, "foreign_backbone", raising=False)
    series = simulate(num_nodes=6, days=14).series
    quick = {"train_fraction": 0.3, "device": "cpu"}
    factory = "foreign_backbone:stid"

    alone = fit(FitConfig(data="simulated", backbone=factory, epochs=6, out=str(tmp_path / "alone"), **quick), series)
    adapted = adapt(
        AdaptConfig(run=str(alone.folder), module=factory, epochs=4, out=str(tmp_path / "adapted"), **quick), series
    )

    assert type(alone.load_backbone(factory).module).__module__.startswith("basicts.")
    assert adapted.metrics["parameters"]["backbone"] == alone.metrics["parameters"]["backbone"]
    assert adapted.metrics["average"]["mae"] < alone.metrics["average"]["mae"]
    again = evaluate(adapted, series=series, module=factory, device="cpu")
    assert again["average"]["mae"] == pytest.approx(adapted.metrics["average"]["mae"], rel=1e-5)
