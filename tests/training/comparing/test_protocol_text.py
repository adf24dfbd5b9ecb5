"""What is said below the tables."""

import dataclasses

import pytest

from stlora.evaluation.changes import Change
from stlora.evaluation.failed import FailedRow
from stlora.evaluation.rows import summarise
from stlora.training.comparing.failed import failed_rows
from stlora.training.comparing.protocol_text import about_changes, about_errors

PROTOCOL = {
    "dataset": "city",
    "nodes": 6,
    "period": ["2024-01-01", "2024-02-01"],
    "interval": "0 days 00:05:00",
    "unit": "km/h",
    "options": {"history": 12, "horizon": 12, "split": [0.7, 0.1, 0.2], "train_fraction": 1, "adapt_epochs": 5},
    "recipes": {},
    "adapters": {},
}
CHANGE = Change("lstm", "stlora", "frozen", (0,), {"average": -1.0})


def note(columns, failed=()):
    """Of backbones with their adapters."""
    errors = {"mae": 1.0, "rmse": 1.0, "mape": 1.0}
    common = {"seed": 0, "mode": "frozen", "horizons": {}, "average": errors, "epochs": 1, "val_mae": 1.0}
    common |= {"parameters": {"backbone": 1, "adapter": 0}, "seconds": {"fit": 1.0, "adapt": 0.0}}
    runs = [
        {**common, "backbone": backbone, "adapter": adapter, "mode": "fit" if adapter == "none" else "frozen"}
        for backbone, adapters in columns.items()
        for adapter in ("none", *adapters)
    ]
    return about_errors(PROTOCOL, summarise(runs), dict.fromkeys(failed, "a reason"))


def test_columns_that_a_backbone_lacks_are_named_and_those_with_the_same_gap_together():
    text = note({"lstm": ["stlora", "shared"], "stgcn": ["stlora"], "gwnet": ["stlora"], "agcrn": [], "ha": []})
    assert (
        "A missing row, or an empty place where columns stand side by side, was not run: "
        "stgcn, gwnet without ST-LoRA shared (frozen); agcrn without ST-LoRA (frozen), ST-LoRA shared (frozen)."
    ) in text


def test_nothing_is_said_of_columns_where_none_is_missing_or_it_failed():
    assert "was not run" not in note({"lstm": ["stlora"], "stgcn": ["stlora"], "ha": []})
    assert "was not run" not in note({"lstm": ["stlora"], "stgcn": []}, failed=["stgcn stlora seed 0"])
    assert "agcrn without" in note({"lstm": []}, failed=["lstm stlora seed 0", "agcrn none seed 0"])


def test_baselines_that_draw_nothing_are_named():
    text = note({"lstm": [], "ha": [], "svr": [], "var": []})
    assert "ha, var: calculated without chance, so that one seed stands for all." in text
    assert "without chance" not in note({"lstm": [], "svr": []})


def test_intervals_are_told_with_their_blocks_and_only_where_there_are_some():
    with_interval = dataclasses.replace(CHANGE, blocks=19, interval=(-2.0, 0.0))
    assert "bootstrap over 19 blocks of one day." in about_changes([with_interval])
    assert "bootstrap" not in about_changes([dataclasses.replace(CHANGE, blocks=4)])


@pytest.mark.parametrize(
    ("column", "adapter", "mode"),
    [
        ("none", "none", "fit"),
        ("stlora", "stlora", "frozen"),
        ("stlora-joint", "stlora", "joint"),
        ("trained-on", "trained-on", "fit"),
        ("finetune", "finetune", "joint"),
        ("node_head", "node_head", "frozen"),
    ],
)
def test_failed_cells_are_rows_as_their_runs_would_have_been(column, adapter, mode):
    cells = [f"my.module:build {column} seed 3", f"my.module:build {column} seed 1"]
    assert failed_rows(cells) == [FailedRow("my.module:build", adapter, mode, (3, 1))]
