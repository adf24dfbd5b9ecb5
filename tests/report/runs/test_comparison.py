"""What the page of a comparison shows is what its files say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stlora.errors import InputError
from stlora.evaluation.changes import Change
from stlora.report.comparison_content import ComparisonContent
from stlora.report.runs.comparison import _choose, comparison_report
from stlora.report.runs.protocol import protocol_lines
from stlora.training import CompareConfig, Run, compare
from stlora.training.prepare import open_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of a backbone with the control before the adapter, and a baseline; five sensors over five days."""
    out = tmp_path_factory.mktemp("runs") / "table"
    rng = np.random.default_rng(0)
    hours = np.arange(480)[:, None] / 4
    frame = pd.DataFrame(50 + 20 * np.sin(2 * np.pi * (hours / 24 + np.arange(5) / 9)) + rng.normal(0, 1, (480, 5)))
    frame.columns = pd.Index(list("abcde"))
    frame.insert(0, "time", pd.date_range("2024-03-04", periods=480, freq="15min"))
    frame.to_csv(out.parent / "network.csv", index=False)
    config = CompareConfig(
        data=str(out.parent / "network.csv"),
        out=str(out),
        backbones="lstm,ha",
        adapters="none,shared,stlora",
        seeds="0,1",
        epochs=1,
        adapt_epochs=1,
        train_fraction=0.2,
        horizon=3,
        device="cpu",
    )
    assert compare(config).failed == {}
    return out


@pytest.fixture(scope="module")
def content(folder: Path) -> ComparisonContent:
    return comparison_report(folder)


def test_the_sensors_shown_are_of_the_first_row_with_factors_of_their_own(content: ComparisonContent) -> None:
    assert [change.adapter for change in content.changes] == ["stlora", "shared"]
    assert content.shown is content.changes[0]  # shared was named first, and has none
    assert content.seed == 0
    assert content.factors is not None
    assert len(content.factors.groups.kinds) == 5


@pytest.mark.parametrize(
    ("backbones", "adapters", "shown"),
    [
        ("stgcn,lstm", "stlora-joint,stlora", ("stgcn", "joint")),
        ("stgcn,lstm", "stlora,stlora-joint", ("stgcn", "frozen")),
        (["lstm", "stgcn"], ["stlora"], ("lstm", "frozen")),
    ],
)
def test_first_is_what_was_named_first(backbones: object, adapters: object, shown: tuple[str, str]) -> None:
    found = [Change(name, "stlora", mode, (0,), {}) for name in ("lstm", "stgcn") for mode in ("frozen", "joint")]
    protocol = {"options": {"backbones": backbones, "adapters": adapters}}
    change = _choose(found, protocol)
    assert change is not None
    assert (change.backbone, change.mode) == shown


def test_errors_of_sensors_are_means_over_the_seeds(content: ComparisonContent, folder: Path) -> None:
    nodes = content.nodes["lstm", "stlora", "frozen"]
    metrics = [Run(folder / "runs" / f"lstm-{seed}" / "stlora").metrics for seed in (0, 1)]
    wanted = [np.mean([run["nodes"][node]["mae"] for run in metrics]) for node in nodes.node_ids]
    np.testing.assert_allclose(nodes.adapted, wanted)
    change = content.changes[0]
    assert (nodes.change < 0).sum() == change.improved
    assert change.worst is not None
    assert np.nanmax(nodes.change) == pytest.approx(change.worst[1])


def test_examples_are_the_sensor_helped_most_the_median_and_the_one_helped_least(content: ComparisonContent) -> None:
    change = content.nodes["lstm", "stlora", "frozen"].change
    ranks = [int((change < example.change).sum()) for example in content.examples]
    assert ranks == [0, (len(change) - 1) // 2, len(change) - 1]


def test_errors_by_time_of_day_agree_with_those_of_the_table(content: ComparisonContent) -> None:
    assert content.without_hours == ""
    assert list(content.hours) == [(row.backbone, row.adapter, row.mode) for row in content.rows]
    for row in content.rows:
        hours, mae = content.hours[row.backbone, row.adapter, row.mode]
        assert (np.diff(hours) > 0).all()
        assert mae.min() < row.errors["average", "mae"].mean < mae.max()


def test_changes_by_step_are_paired_by_seed(content: ComparisonContent, folder: Path) -> None:
    assert list(content.step_changes) == [("lstm", "stlora", "frozen"), ("lstm", "shared", "frozen")]
    change = content.step_changes["lstm", "stlora", "frozen"]
    runs = [
        [Run(folder / "runs" / f"lstm-{seed}" / name).metrics["horizons"]["3"]["mae"] for name in ("stlora", "none")]
        for seed in (0, 1)
    ]
    each = [100 * (mine / alone - 1) for mine, alone in runs]
    assert change.steps.tolist() == [1, 2, 3]
    assert change.percent[2] == pytest.approx(np.mean(each))
    assert change.std[2] == pytest.approx(np.std(each, ddof=1))


def test_changes_by_time_of_day_are_those_of_the_errors(content: ComparisonContent) -> None:
    hours, change = content.hour_changes["lstm", "stlora", "frozen"]
    mine, alone = (content.hours[key] for key in (("lstm", "stlora", "frozen"), ("lstm", "none", "fit")))
    np.testing.assert_array_equal(hours, mine[0])
    np.testing.assert_allclose(change, 100 * (mine[1] / alone[1] - 1))


def test_sensors_that_are_asked_for_are_drawn_in_their_order(folder: Path) -> None:
    examples = comparison_report(folder, sensors=["d", "a"]).examples
    assert [(example.node_id, example.why) for example in examples] == [("d", ""), ("a", "")]


def test_a_sensor_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"network has no sensor x, y; it has a, b, c, d, e$"):
        comparison_report(folder, sensors=["a", "x", "y"])


def test_sensors_of_nothing_adapted_are_refused(folder: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(folder, tmp_path / "copy"))
    results = json.loads((copied / "results.json").read_text())
    results["runs"] = [run for run in results["runs"] if run["adapter"] == "none"]
    (copied / "results.json").write_text(json.dumps(results))
    with pytest.raises(InputError, match="was adapted, so no forecasts are drawn"):
        comparison_report(copied, sensors=["a"])


def test_the_protocol_says_how_each_was_made(content: ComparisonContent, folder: Path) -> None:
    lines, stored = dict(content.protocol), json.loads((folder / "results.json").read_text())["protocol"]
    assert lines["Data"].endswith(f"fingerprint {stored['data_fingerprint'][:16]}…")
    assert "epochs 1;" in lines["lstm"]
    assert "node_factor none;" in lines["shared"]
    assert "seeds 0,1" in lines["Options"]
    assert lines["Versions"].startswith("stlora ")
    assert lines["stlora, on a frozen backbone"].startswith("epochs 1 on lstm; ")
    assert str(folder) not in str(content.protocol)


def test_backbones_with_one_recipe_share_a_line(folder: Path) -> None:
    protocol = json.loads((folder / "results.json").read_text())["protocol"]
    recipe = protocol["recipes"]["lstm"]
    protocol["recipes"] = {"lstm": recipe, "stgcn": {**recipe, "epochs": 7}, "gwnet": recipe}
    lines = dict(protocol_lines(protocol, open_run(Run(folder / "runs" / "lstm-0" / "none").record())))
    assert lines["stgcn"].startswith("epochs 7;")
    assert lines["lstm, gwnet"].startswith("epochs 1;")


def test_the_summary_does_not_say_that_every_backbone_has_every_column(content: ComparisonContent) -> None:
    assert (
        "; also, where the tables have a row for it, as ST-LoRA (frozen), ST-LoRA shared (frozen)." in content.summary
    )
