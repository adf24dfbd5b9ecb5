"""Transfer of a form: rank correlation and regret, and the study that fits the grid."""

import json
import math
from dataclasses import replace

import pytest

from stlora import InputError
from stlora.studies import TransferConfig, transfer_study
from stlora.studies.transfers import transfers

A, B = ("a", "lstm"), ("b", "lstm")


def test_regret_and_rank_correlation_by_hand(outcome_of):
    outcome = outcome_of(
        {
            "a": {1: (-5.0, -4.0), 2: (-4.0, -3.0), 4: (-3.0, -1.0)},
            "b": {1: (-6.0, -2.5), 2: (-8.0, -2.0), 4: (-1.0, -3.0)},
        }
    )
    there, back = transfers(outcome)
    assert (there.source, there.target, there.chosen, there.own) == (A, B, "rank 1", "rank 2")
    assert there.val_rank == pytest.approx(0.5)
    assert there.rank == pytest.approx(-0.5)
    assert there.val_regret == pytest.approx(2.0)
    assert there.regret == pytest.approx(-0.5)  # its own choice by validation was the worse one on test
    assert there.change == -2.5
    assert (back.chosen, back.own, back.val_regret) == ("rank 2", "rank 1", pytest.approx(1.0))


def test_forms_that_one_side_lacks_do_not_count(outcome_of):
    outcome = outcome_of({"a": {1: (-5.0, -4.0), 2: (-9.0, -3.0)}, "b": {1: (-6.0, -2.5), 2: (None, -2.0)}})
    there, _ = transfers(outcome)
    assert (there.forms, there.chosen, there.val_regret) == (1, "rank 1", 0.0)
    assert math.isnan(there.val_rank)
    assert transfers(outcome_of({"a": {1: (-5.0, -4.0)}, "b": {2: (-6.0, -2.5)}})) == []


def test_study_fits_the_grid_on_both_and_writes_what_transfers(town, tmp_path):
    config = TransferConfig(
        runs=town.runs("north-0", "south-0"),
        out=str(tmp_path),
        grid={"rank": [1, 2]},
        adapt_epochs=1,
        device="cpu",
    )
    study = transfer_study(config, town.series)
    assert study.failed == {}
    stored = json.loads((tmp_path / "study.json").read_text())
    assert len(stored["points"]) == 6
    there, back = stored["transfers"]
    assert (there["source"], there["target"], there["forms"]) == (["north", "lstm"], ["south", "lstm"], 3)
    assert there["val_regret"] >= 0
    assert back["val_rank"] == pytest.approx(there["val_rank"])
    page = (tmp_path / "study.md").read_text()
    assert "| north lstm | south lstm |" in page
    assert "Choices are made by the validation column" in page
    assert (tmp_path / "study.svg").exists()


def test_runs_of_one_kind_are_refused(town, tmp_path):
    config = TransferConfig(runs=town.runs("north-0", "north-1"), out=str(tmp_path))
    with pytest.raises(InputError, match="the runs are all of north lstm; give those of two data sets or backbones"):
        transfer_study(config, town.series)


def test_change_that_was_not_measured_is_a_dash(outcome_of):
    point = outcome_of({"north": {1: (-1.0, -2.0)}}).points[0]
    assert replace(point, row=replace(point.row, change=None)).change.text() == "–"
