"""What a column changed: from the metrics, and from the errors of the windows."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch

from stlora.evaluation.between import between, between_table
from stlora.evaluation.changes import changes, untested
from stlora.evaluation.entries import change_of
from stlora.evaluation.errors import WindowErrors
from stlora.files import json_text
from stlora.training.comparing.protocol_text import about_changes

WINDOWS, HORIZON, NODES = 480, 6, 3


def draw(seed, factor=1.0, windows=WINDOWS, interval="30min", first="2024-03-04 10:00"):
    """Errors of a run; those of one seed differ by the factor and a little noise alone."""
    rng = np.random.default_rng(seed)
    observed = np.random.default_rng(99).integers(0, NODES + 1, (windows, HORIZON))
    level = 3 * factor * rng.gamma(5, 0.2, (windows, HORIZON))
    noise = np.random.default_rng(int(1e6 * factor) + seed).normal(1, 0.05, level.shape)
    absolute = torch.from_numpy(observed * level * noise).float()
    nodes = torch.ones(NODES, HORIZON)
    return WindowErrors(
        absolute=absolute,
        squared=absolute**2,
        observed=torch.from_numpy(observed).int(),
        node_absolute=nodes,
        node_squared=nodes,
        node_observed=nodes.int(),
        first_target=pd.Timestamp(first),
        interval=pd.Timedelta(interval),
    )


def run(adapter, seed, errors, nodes=(1.0, 1.0, 1.0), val_mae=2.0, **changed):
    """The metrics that belong to those errors."""
    steps = (errors.absolute.double().sum(0) / errors.observed.sum(0)).tolist()
    return {
        "backbone": "lstm",
        "adapter": adapter,
        "mode": "fit" if adapter in ("none", "trained-on") else "frozen",
        "seed": seed,
        "horizons": {str(step + 1): {"mae": value} for step, value in enumerate(steps)},
        "average": {"mae": sum(steps) / len(steps)},
        "nodes": {name: {"mae": value} for name, value in zip("abc", nodes, strict=True)},
        "val_mae": val_mae,
        **changed,
    }


def measured(*columns, **shape):
    """Runs of columns, each a name and its factor, over two seeds, and what finds their errors."""
    errors = {
        (name, seed): draw(seed, factor, **shape) for name, factor in (("none", 1.0), *columns) for seed in (0, 1)
    }
    runs = [run(name, seed, content) for (name, seed), content in errors.items()]
    return runs, lambda content: errors[content["adapter"], content["seed"]]


def compared(*columns, **shape):
    """The changes of columns, and their runs."""
    runs, errors = measured(*columns, **shape)
    return changes(runs, errors), runs


def test_change_is_that_of_the_table_and_the_test_is_about_it():
    (change,), runs = compared(("stlora", 0.9))
    mae = {(r["adapter"], r["seed"]): r["average"]["mae"] for r in runs}
    paired = [100 * (mae["stlora", seed] / mae["none", seed] - 1) for seed in (0, 1)]
    assert change.percent["average"] == pytest.approx(np.mean(paired))
    assert list(change.percent) == ["3", "6", "average"]
    difference = np.mean([mae["stlora", seed] - mae["none", seed] for seed in (0, 1)])
    assert change.tests["average"].mean == pytest.approx(difference, rel=1e-5)
    step = [r["horizons"]["3"]["mae"] for r in runs]
    assert change.tests["3"].mean == pytest.approx(np.mean(step[2:]) - np.mean(step[:2]), rel=1e-5)
    low, high = change.interval
    assert low < change.percent["average"] < high
    assert (change.blocks, change.block_days, change.tests["average"].windows) == (11, 1, WINDOWS)


def test_degrees_of_freedom_are_those_of_whole_days():
    (change,), _ = compared(("stlora", 0.9), windows=48 * 40)
    assert {step: test.freedom for step, test in change.tests.items()} == {"3": 20, "6": 20, "average": 20}


def test_real_change_is_found_and_none_is_not():
    (better, same), _ = compared(("stlora", 0.9), ("shared", 1.0001))
    assert better.tests["average"].p < 0.01
    assert better.interval[1] < 0
    assert same.tests["average"].p > 0.05
    assert same.interval[0] < 0 < same.interval[1]


def test_p_values_are_corrected_over_the_rows_of_each_step():
    found, _ = compared(("stlora", 0.999), ("shared", 1.001), ("trained-on", 1.002))
    for step in ("3", "6", "average"):
        smallest = min(found, key=lambda change: change.tests[step].p)
        assert smallest.holm[step] == pytest.approx(min(1, 3 * smallest.tests[step].p))
        assert all(change.holm[step] >= change.tests[step].p for change in found)


def test_default_is_set_against_every_column_but_the_backbone_alone():
    runs, errors = measured(("stlora", 0.9), ("shared", 0.9001), ("trained-on", 0.99))
    near, far = between(runs, errors)
    assert [(change.adapter, change.against) for change in (near, far)] == [
        ("stlora", "ST-LoRA shared (frozen)"),
        ("stlora", "trained on"),
    ]
    mae = {(r["adapter"], r["seed"]): r["average"]["mae"] for r in runs}
    paired = [100 * (mae["stlora", seed] / mae["trained-on", seed] - 1) for seed in (0, 1)]
    assert far.percent["average"] == pytest.approx(np.mean(paired))
    assert far.tests["average"].p < 0.01 < 0.05 < near.tests["average"].p
    assert far.holm["average"] == pytest.approx(2 * far.tests["average"].p)
    lines = between_table([near, far]).body
    assert [line[:3] for line in lines] == [["lstm", change.against, "2"] for change in (near, far)]
    assert between(runs[:2], errors) == between([each for each in runs if each["adapter"] != "stlora"], errors) == []


def test_same_forecasts_are_no_difference():
    errors = draw(0)
    runs = [run("none", 0, errors), run("trained-on", 0, errors)]
    (change,) = changes(runs, lambda _: errors)
    assert (change.percent["average"], change.tests["average"].p, change.interval) == (0.0, 1.0, (0.0, 0.0))
    json.dumps(change.entry(), allow_nan=False)


def test_blocks_are_days_by_the_clock_and_longer_than_a_window_looks_ahead():
    (change,), _ = compared(("stlora", 0.9), windows=240, interval="1D", first="2024-03-04")
    assert (change.block_days, change.blocks) == (6, 40)
    (change,), _ = compared(("stlora", 0.9), windows=48 * 3, first="2024-03-04 10:00")
    assert (change.blocks, change.interval) == (4, None)


@pytest.mark.parametrize("first", ["2024-03-29 10:00", "2024-10-25 10:00"])
def test_blocks_are_days_by_the_clock_where_it_is_changed(first):
    zoned = pd.Timestamp(first, tz="Europe/Berlin")
    (change,), _ = compared(("stlora", 0.9), windows=48 * 11, first=zoned)
    days = pd.date_range(zoned, periods=48 * 11, freq="30min").strftime("%Y-%m-%d")
    assert change.blocks == len(set(days))


@pytest.mark.parametrize(
    ("shape", "days", "least"),
    [
        ({"windows": 399, "interval": "5min"}, "1.39", "10"),
        ({"windows": 1}, "0.0208", "10"),
        ({"windows": 2}, "0.0417", "10"),
        ({"windows": 479}, "9.98", "10"),
        ({"windows": 199, "interval": "1D", "first": "2024-03-04"}, "199", "200"),
        ({"windows": 40, "interval": "7D", "first": "2024-03-04"}, "280", "1,400"),
    ],
)
def test_too_few_test_windows_allow_neither_p_nor_interval_and_it_is_said(shape, days, least):
    found, _ = compared(("stlora", 0.5), ("shared", 1.0001), **shape)
    for change in found:
        assert (change.tests, change.holm, change.interval) == ({}, {}, None)
        assert f"{shape['windows']} test window" in change.missing
        assert f"span {days} days" in change.missing
        assert f"takes {least}" in change.missing
        assert change.entry()["p"] is None
        assert change_of(json.loads(json_text(change.entry()))).missing == change.missing
    assert untested(found) == found[0].missing
    assert untested([]) == ""


def test_a_row_without_a_test_does_not_count_in_the_correction_of_the_others():
    runs, errors = measured(("stlora", 0.999), ("shared", 1.001), ("large", 1.0))
    constant = errors(runs[0])
    constant = dataclasses.replace(
        constant, absolute=constant.absolute + 0.5 * constant.observed.double().mean(0).expand_as(constant.absolute)
    )
    runs = [run_ for run_ in runs if run_["seed"] == 0]
    found = changes(runs, lambda run: constant if run["adapter"] == "large" else errors(run))
    same = next(change for change in found if change.adapter == "large")
    assert same.tests == {}
    assert same.missing
    for change in found:
        assert math.isfinite(change.interval[0])
    smallest = min((change for change in found if change.tests), key=lambda change: change.tests["average"].p)
    assert smallest.holm["average"] == pytest.approx(2 * smallest.tests["average"].p)
    assert "corrected for the 2 rows that have one" in about_changes(found)
    assert untested(found) == ""


def test_sensors_and_validation_come_from_the_metrics():
    errors = draw(0)
    runs = [
        run("none", 0, errors, (1.0, 2.0, None)),
        run("none", 1, errors, (3.0, 2.0, None)),
        run("stlora", 0, errors, (1.5, 1.0, None), val_mae=1.9),
        run("stlora", 1, errors, (3.5, 2.0, None), val_mae=2.2),
    ]
    (change,) = changes(runs, lambda _: None)
    assert (change.sensors, change.improved) == (2, 1)
    assert change.worst == ("a", pytest.approx(25.0))
    assert change.val_percent == pytest.approx((-5 + 10) / 2)
    assert change.missing == "the errors of its windows were not kept"
    entry = change.entry()
    assert (entry["p"], entry["p_holm"], entry["interval_percent"], entry["windows"]) == (None, None, None, None)
    assert entry["share_improved"] == 0.5
    assert entry["worst_sensor"] == {"id": "a", "change_percent": pytest.approx(25.0)}


def test_runs_of_different_windows_are_not_tested():
    errors = {"none": draw(0), "stlora": draw(0, first="2024-03-05 10:00")}
    runs = [run(name, 0, content) for name, content in errors.items()]
    (change,) = changes(runs, lambda content: errors[content["adapter"]])
    assert change.missing == "its runs were measured on different windows"
    assert change.tests == {}


def test_pairs_have_the_seeds_of_both():
    errors = draw(0)
    runs = [run("none", 0, errors), run("stlora", 0, errors), run("stlora", 1, errors), run("shared", 1, errors)]
    (change,) = changes(runs, lambda _: errors)
    assert (change.adapter, change.seeds) == ("stlora", (0,))


def test_step_without_any_observation_is_left_out():
    def hollow(seed, factor):
        errors = draw(seed, factor)
        errors.absolute[:, 2], errors.observed[:, 2] = 0, 0
        return errors

    errors = {("none", 0): hollow(0, 1.0), ("stlora", 0): hollow(0, 0.9)}
    runs = [run(name, seed, content) for (name, seed), content in errors.items()]
    (change,) = changes(runs, lambda content: errors[content["adapter"], content["seed"]])
    assert math.isnan(change.percent["3"])
    assert set(change.tests) == {"6", "average"}
    assert change.interval[1] < 0


def test_changes_are_read_again_as_they_were_written():
    found, runs = compared(("stlora", 0.9), ("same", 1.0))
    bare = changes(runs, lambda _: None)
    for change in (*found, *bare):
        again = change_of(json.loads(json.dumps(change.entry())))
        tests = {step: dataclasses.replace(test, mean=again.tests[step].mean) for step, test in change.tests.items()}
        assert again.entry() == change.entry()
        assert again == dataclasses.replace(change, tests=tests)
    assert [bool(change.tests) for change in (*found, *bare)] == [True, True, False, False]


def one_run(adapter, mae, val_mae):
    """The part of ``metrics.json`` that changes are made of."""
    error = {"mae": mae, "rmse": mae, "mape": 1.0}
    mode = "fit" if adapter == "none" else "frozen"
    run = {"backbone": "lstm", "adapter": adapter, "mode": mode, "seed": 0, "val_mae": val_mae, "nodes": {}}
    return run | {"average": error, "horizons": {"3": error}}


def test_a_backbone_without_error_has_no_change_in_percent_and_comes_back_from_a_file():
    (change,) = changes([one_run("none", 0.0, 2.0), one_run("stlora", 1.0, 2.0)], lambda run: None)
    entry = json.loads(json_text({"changes": [change.entry()]}))["changes"][0]
    assert entry["change_percent"] is None
    assert math.isnan(change_of(entry).percent["average"])
    assert math.isnan(change_of(entry).percent["3"])
