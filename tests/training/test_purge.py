"""Splits whose parts have no target step in common, in every verb."""

import json

import pytest

from stlora.errors import InputError
from stlora.training import CompareConfig, compare, evaluate
from stlora.training.prepare import open_run

SMALL = {"history": 4, "horizon": 3, "epochs": 1, "adapt_epochs": 1, "seeds": 0, "device": "cpu"}
SIZES = {"lstm": {"input_size": 4, "hidden_size": 6, "output_size": 8}}


@pytest.mark.parametrize("changes", [{}, {"backbone": "ha", "backbone_options": {}}], ids=["backbone", "baseline"])
def test_a_run_keeps_its_split(tiny, tmp_path, changes):
    purged, usual = (tiny.fit(tmp_path / str(purge), purge=purge, **changes) for purge in (True, False))
    parts, whole = (open_run(run.record(), tiny.series).split for run in (purged, usual))
    assert (len(whole.train) - len(parts.train), len(whole.val) - len(parts.val)) == (2, 2)
    assert parts.test == whole.test
    for run in (purged, usual):
        assert evaluate(run, series=tiny.series)["average"] == pytest.approx(run.metrics["average"])
    validation = [evaluate(run, "val", series=tiny.series)["average"]["mae"] for run in (purged, usual)]
    assert validation[0] != validation[1]


def test_an_adapter_is_fitted_to_the_split_of_its_backbone(tiny, tmp_path):
    adapted = tiny.adapt(tiny.fit(tmp_path / "alone", purge=True), tmp_path / "adapted")
    assert open_run(adapted.record(), tiny.series).split.shared_targets(3) == 0


def test_a_comparison_says_which_split_it_has_and_refuses_another(tiny, tmp_path):
    def run(purge):
        options = {"data": "simulated", "backbones": "lstm", "backbone_options": SIZES, "out": str(tmp_path)}
        return compare(CompareConfig(purge=purge, **options, **SMALL), tiny.series)

    run(True)
    assert json.loads((tmp_path / "results.json").read_text())["protocol"]["options"]["purge"] is True
    assert "no target step is in two parts" in (tmp_path / "table.md").read_text()
    with pytest.raises(InputError, match="purge=True and this one has False"):
        run(False)
