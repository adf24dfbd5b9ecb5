"""The tables of a comparison: what stands in them, and every format of them."""

import csv
import io
import math

import pytest

from stlora.evaluation.changes import changes
from stlora.evaluation.csv_lines import to_csv
from stlora.evaluation.failed import FailedRow, with_failed
from stlora.evaluation.rows import Spread, column_label, summarise
from stlora.evaluation.tables import change_table, cost_table, error_table, overview
from stlora.evaluation.writing import to_markdown, to_text

STEPS = ("1", "2", "3")


def run(adapter="none", seed=0, mae=4.0, mode=None, **changes):
    """The part of ``metrics.json`` that a table reads; step s has MAE ``mae + s``."""
    errors = {step: {"mae": mae + int(step), "rmse": 2 * mae, "mape": 10 * mae} for step in STEPS}
    return {
        "backbone": "my_lstm",
        "adapter": adapter,
        "mode": mode or ("fit" if adapter == "none" else "frozen"),
        "seed": seed,
        "horizons": errors,
        "average": {"mae": mae + 2, "rmse": 2 * mae, "mape": 10 * mae},
        "parameters": {"backbone": 97932, "adapter": 0 if adapter == "none" else 6900},
        "nodes": {"a": {"mae": mae, "rmse": mae}, "b": {"mae": 2 * mae + (adapter != "none"), "rmse": mae}},
        "seconds": {"fit": 100.0 + seed, "adapt": 0.0 if adapter == "none" else 10.0 + seed, "evaluate": 1.0},
        "epochs": 5 + seed,
        "val_mae": mae,
        **changes,
    }


THREE_SEEDS = [
    run(seed=1, mae=3.0),
    run("stlora", seed=2, mae=1.0),
    run(seed=0, mae=2.0),
    run("stlora", seed=0, mae=1.5),
    run(seed=2, mae=4.0),
    run("stlora", seed=1, mae=2.5),
]


def test_spread_is_the_sample_standard_deviation():
    spread = Spread.of([1.0, 2.0, 4.0])
    assert spread.mean == pytest.approx(7 / 3)
    assert spread.std == pytest.approx(math.sqrt(((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2))
    assert spread.text() == "2.333 ± 1.528"


def test_single_seed_has_no_spread():
    spread = Spread.of([2.0])
    assert math.isnan(spread.std)
    assert spread.text(1) == "2.0"


def test_rows_gather_seeds_in_order_and_pair_them():
    alone, adapted = summarise(THREE_SEEDS)
    assert (alone.backbone, alone.adapter, alone.mode, alone.seeds) == ("my_lstm", "none", "fit", (0, 1, 2))
    assert (adapted.adapter, adapted.mode, adapted.seeds) == ("stlora", "frozen", (0, 1, 2))
    assert alone.change is None
    assert alone.errors["average", "mae"] == Spread.of([4.0, 5.0, 6.0])
    assert alone.errors["3", "mae"] == Spread.of([5.0, 6.0, 7.0])
    assert adapted.errors["1", "rmse"] == Spread.of([3.0, 5.0, 2.0])
    paired = [100 * (3.5 / 4 - 1), 100 * (4.5 / 5 - 1), 100 * (3.0 / 6 - 1)]
    assert adapted.change.mean == pytest.approx(sum(paired) / 3)
    assert adapted.change.n == 3
    assert adapted.parameters == {"backbone": 97932, "adapter": 6900}


def test_seconds_are_those_of_what_is_new():
    joint = run("stlora", mode="joint", seconds={"fit": 300.0, "adapt": 0.0})
    later = run("trained-on", mode="fit", seconds={"fit": 100.0, "adapt": 12.0})
    alone, frozen, together, trained_on = summarise([run(), run("stlora"), joint, later])
    assert [row.seconds.mean for row in (alone, frozen, together, trained_on)] == [100, 10, 300, 12]


def test_rows_are_told_apart_by_what_was_done_to_the_backbone():
    runs = [
        run(),
        run("stlora"),
        run("stlora", mode="joint"),
        run("trained-on", mode="fit"),
        run("other", mode="joint"),
    ]
    labels = [row.column for row in summarise(runs)]
    assert labels == ["alone", "ST-LoRA (frozen)", "ST-LoRA (joint)", "trained on", "other (joint)"]
    assert [column_label(name, "frozen") for name in ("large", "paper")] == [
        *("ST-LoRA large (frozen)", "ST-LoRA as published (frozen)")
    ]


def test_costs_are_empty_where_a_run_of_an_earlier_version_does_not_know_them():
    new = {
        "seconds": {"fit": 7.0, "adapt": 0.0, "per_window": 0.00125},
        "memory": {"resident_mb": 812.4, "gpu_mb": 90.0},
    }
    table = cost_table(summarise([run(), run(seed=1, backbone="new", **new)]))
    old, line = (dict(zip(table.header, cells, strict=True)) for cells in table.body)
    assert (old["ms a window"], old["memory MB"], old["GPU MB"]) == ("", "", "")
    assert (line["ms a window"], line["memory MB"], line["GPU MB"], line["fit s"]) == ("1.25", "812", "90", "7")
    assert "GPU MB" not in cost_table(summarise([run()])).header


def test_added_parameters_are_given_in_number_and_percent():
    table = cost_table(summarise(THREE_SEEDS))
    alone, adapted = (dict(zip(table.header, cells, strict=True)) for cells in table.body)
    assert (alone["added"], alone["added %"], alone["adapt s"]) == ("", "", "")
    assert (adapted["added"], adapted["added %"], adapted["adapt s"]) == ("6,900", "7.0", "11 ± 1")


def test_changes_are_shown_without_tests_where_the_errors_of_windows_are_missing():
    table = change_table(changes(THREE_SEEDS, lambda _: None))
    (line,) = (dict(zip(table.header, cells, strict=True)) for cells in table.body)
    assert line["Δ MAE %"] == "-24.2"
    assert (line["p"], line["p Holm"], line["ν"], line["95 % interval"]) == ("", "", "", "")
    assert line["Δ validation %"] == "-38.9"
    assert line["sensors improved"] == "2 of 2"
    assert line["worst sensor"] == "b -27.8 %"


def test_change_uses_the_seeds_that_have_both():
    rows = summarise([run(seed=0, mae=2.0), run("stlora", seed=0, mae=1.0), run("stlora", seed=1, mae=9.0)])
    assert rows[1].change == Spread.of([100 * (3.0 / 4.0 - 1)])
    assert summarise([run("stlora")])[0].change is None


def test_missing_errors_are_nan_not_a_crash():
    hollow = {"mae": None, "rmse": None, "mape": None}
    rows = summarise([run(average=hollow), run("stlora", average=hollow, horizons={"3": hollow})])
    assert math.isnan(rows[0].errors["average", "mape"].mean)
    assert math.isnan(rows[1].change.mean)
    assert "nan" in to_csv(rows)
    for write in (to_markdown, to_text):
        assert "nan" not in write(error_table(rows))


def test_markdown_has_equal_columns_and_the_numbers():
    lines = to_markdown(overview(summarise(THREE_SEEDS))).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len(lines) == 4
    assert len({len(line) for line in cells}) == 1
    header, _, alone, adapted = cells
    assert "MAE step 3" in header
    assert "MAE step 6" not in header
    assert dict(zip(header, alone, strict=True))["MAE average"] == "5.000 ± 1.000"
    found = dict(zip(header, adapted, strict=True))
    assert (found["backbone"], found["column"], found["seeds"]) == ("my_lstm", "ST-LoRA (frozen)", "3")
    assert (found["Δ MAE %"], found["added"], found["fit s"]) == ("-24.2 ± 22.4", "6,900", "11 ± 1")
    assert found["parameters"] == "97,932"


def test_csv_has_every_step_and_measure_at_full_precision():
    rows = summarise(THREE_SEEDS)
    lines = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert sum(line["measure"] in ("mae", "rmse", "mape") for line in lines) == 2 * (len(STEPS) + 1) * 3
    assert {line["step"] for line in lines} == {*STEPS, "average", ""}
    line = next(x for x in lines if (x["adapter"], x["step"], x["measure"]) == ("stlora", "2", "mae"))
    assert float(line["mean"]) == rows[1].errors["2", "mae"].mean
    assert float(line["std"]) == rows[1].errors["2", "mae"].std
    assert line["seeds"] == "3"


def test_what_cannot_be_measured_is_a_dash_and_no_nan():
    nothing = {"mae": None, "rmse": None, "mape": None}
    silent = [run(average=nothing), run("stlora", average=nothing)]
    found = changes(silent, lambda _: None)
    for table in (overview(summarise(silent)), change_table(found), change_table(changes([run(), silent[1]], empty))):
        cells = [cell for line in table.body for cell in line]
        assert "–" in cells
        assert not [cell for cell in cells if "nan" in cell]


def empty(_):
    """No errors of windows."""


def test_text_is_aligned():
    lines = to_text(overview(summarise(THREE_SEEDS))).splitlines()
    assert len({len(line) for line in lines}) == 1


def test_csv_has_the_changes_too():
    lines = list(csv.DictReader(io.StringIO(to_csv(summarise(THREE_SEEDS), changes(THREE_SEEDS, lambda _: None)))))
    found = {(line["step"], line["measure"]): line["mean"] for line in lines if line["adapter"] == "stlora"}
    assert float(found["average", "change_percent"]) == pytest.approx(-100 * (0.5 / 4 + 0.5 / 5 + 3 / 6) / 3)
    assert found["", "parameters_adapter"] == "6900"
    assert float(found["", "adapt_seconds"]) == 11


def test_csv_has_the_worst_sensor():
    lines = list(csv.DictReader(io.StringIO(to_csv(summarise(THREE_SEEDS), changes(THREE_SEEDS, lambda _: None)))))
    found = {line["measure"]: line for line in lines if line["adapter"] == "stlora" and line["step"] == "average"}
    assert found["worst_sensor_change_percent"]["sensor"] == "b"
    assert float(found["worst_sensor_change_percent"]["mean"]) == pytest.approx(100 * (13 / 18 - 1))
    paired = [100 * (1.5 / 2 - 1), 100 * (2.5 / 3 - 1), 100 * (1 / 4 - 1)]
    assert float(found["rmse_change_percent"]["mean"]) == pytest.approx(sum(paired) / 3)
    assert float(found["rmse_change_percent"]["std"]) == pytest.approx(Spread.of(paired).std)
    assert {line["sensor"] for line in lines} == {"", "b"}


def test_every_error_has_its_change():
    _, adapted = summarise(THREE_SEEDS)
    assert adapted.changes.keys() == adapted.errors.keys()
    assert adapted.changes["average", "mae"] == adapted.change
    paired = [100 * (4.5 / 5 - 1), 100 * (5.5 / 6 - 1), 100 * (4 / 7 - 1)]
    assert adapted.changes["3", "mae"].mean == pytest.approx(sum(paired) / 3)
    without = {"mae": 1.0, "rmse": 0.0, "mape": 1.0}
    assert ("average", "rmse") not in summarise([run(average=without), run("stlora")])[1].changes


def test_what_was_measured_and_how_long_adapting_took_beside_fitting():
    runs = [
        run(measured=0),
        run("stlora", measured=14461, seconds={"fit": 120.0, "adapt": 10.0}),
        run("near", measured=0, seconds={"fit": 120.0, "adapt": 48.0}),
        run("slow", seconds={"fit": 100.0, "adapt": 150.0}),
        run("joint", mode="joint", seconds={"fit": 100.0, "adapt": 0.0}),
        run("calculated", seconds={"fit": 0.0, "adapt": 5.0}),
    ]
    table = cost_table(summarise(runs))
    lines = [dict(zip(table.header, cells, strict=True)) for cells in table.body]
    assert [line["measured"] for line in lines] == ["", "14,461", "", "", "", ""]
    assert [line["adapt / fit"] for line in lines] == ["", "1/12", "1/2.5", "1.5", "", ""]


def test_what_failed_has_a_line_and_lost_seeds_are_counted():
    failed = [
        FailedRow("my_lstm", "shared", "frozen", (0, 1, 2)),
        FailedRow("my_lstm", "stlora", "frozen", (3,)),
        FailedRow("gone", "none", "fit", (0,)),
    ]
    rows = summarise([*THREE_SEEDS, run(backbone="other")])
    table = with_failed(error_table(rows), failed)
    assert [line[:4] for line in table.body] == [
        ["my_lstm", "alone", "3", "6.000 ± 1.000"],
        ["my_lstm", "ST-LoRA (frozen)", "3, 1 failed", "4.667 ± 0.764"],
        ["my_lstm", "ST-LoRA shared (frozen)", "failed", ""],
        ["other", "alone", "1", "7.000"],
        ["gone", "alone", "failed", ""],
    ]
    assert {len(line) for line in table.body} == {len(table.header)}
    costs = with_failed(cost_table(rows), failed)
    assert [line[2] for line in costs.body] == ["97,932", "97,932", "failed", "97,932", "failed"]
    lines = list(csv.DictReader(io.StringIO(to_csv(rows, failed=failed))))
    found = [
        (line["adapter"], line["mode"], line["mean"], line["seeds"]) for line in lines if line["measure"] == "failed"
    ]
    assert found == [("shared", "frozen", "", "3"), ("stlora", "frozen", "", "1"), ("none", "fit", "", "1")]


def test_table_of_nothing_is_a_header():
    for table in (error_table([]), overview([]), cost_table([]), change_table([])):
        assert to_markdown(table).count("\n") == 2
        assert len(to_text(table).splitlines()) == 2
    assert to_csv([]).count("\n") == 1
