"""The table of errors as papers print it: which numbers stand where."""

import pytest

from stlora.evaluation.failed import FailedRow
from stlora.evaluation.paper_table import common_seeds, paper_table
from stlora.evaluation.rows import summarise


def run(adapter="none", seed=0, mae=4.0, backbone="my_lstm", steps=(3, 6), **changes):
    """The part of ``metrics.json`` that the table reads; at step s every error is ``s`` times as large."""

    def errors(factor):
        return {"mae": factor * mae, "rmse": factor * 2 * mae, "mape": factor * 10 * mae}

    return {
        "backbone": backbone,
        "adapter": adapter,
        "mode": {"none": "fit", "trained-on": "fit"}.get(adapter, "frozen"),
        "seed": seed,
        "horizons": {str(step): errors(step) for step in steps},
        "average": errors(1),
        "parameters": {"backbone": 10, "adapter": 1},
        "seconds": {"fit": 1.0, "adapt": 0.0},
        "epochs": 5,
        **changes,
    }


def table(runs, failed=()):
    """The cells of each line of numbers, with the label in front."""
    text = paper_table(summarise(runs), failed, "errors", "A caption.")
    lines = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r"\\")]
    return text, {line[0]: line[1:] for line in lines[2:] if r"\Delta$ \%" not in line[0]}, lines


SEEDS = [run(), run(seed=1, mae=5.0), run("stlora", mae=2.0), run("stlora", seed=1, mae=4.0)]


def test_each_step_is_a_block_of_three_measures():
    text, found, lines = table(SEEDS)
    assert lines[0] == ["", *(rf"\multicolumn{{3}}{{c}}{{{name}}}" for name in ("Step 3", "Step 6", "Average"))]
    assert lines[1] == ["", *["MAE", "RMSE", "MAPE"] * 3]
    assert r"\cmidrule(lr){2-4} \cmidrule(lr){5-7} \cmidrule(lr){8-10}" in text
    assert r"\begin{tabular}{lrrrrrrrrr}" in text
    assert found[r"my\_lstm"][-3:] == [r"$4.500_{\pm 0.707}$", r"$9.000_{\pm 1.414}$", r"$45.00_{\pm 7.07}$"]
    assert found[r"\quad + ST-LoRA (frozen)"][0] == r"$9.000_{\pm 4.243}$"


def test_steps_that_the_horizon_lacks_are_left_out():
    for steps, head in (((1, 2), ["Average"]), ((3, 12), ["Step 3", "Step 12", "Average"])):
        _, _, lines = table([run(steps=steps)])
        assert [cell[len(r"\multicolumn{3}{c}{") : -1] for cell in lines[0][1:]] == head


def test_changes_stand_below_their_errors_and_are_paired_by_seed():
    _, _, lines = table(SEEDS)
    index = next(index for index, line in enumerate(lines) if "ST-LoRA" in line[0])
    assert lines[index + 1] == [r"\quad \quad $\Delta$ \%", *[r"$-35.0_{\pm 21.2}$"] * 9]


def test_rows_of_other_seeds_say_so():
    one = run("shared", mae=2.0)
    moved = [run("trained-on", seed=1), run("trained-on", seed=2)]
    _, found, _ = table([*SEEDS, one, *moved])
    assert r"\quad + ST-LoRA shared (frozen) (n = 1)" in found
    assert found[r"\quad + ST-LoRA shared (frozen) (n = 1)"][-1] == "20.00"
    assert r"\quad trained on (seeds 1, 2)" in found
    assert common_seeds(summarise(SEEDS)) == (0, 1)
    assert common_seeds([]) == ()


def test_the_last_lines_are_means_over_the_backbones_that_have_the_column():
    other = [
        run(backbone="stgcn", mae=4.0),
        run("stlora", backbone="stgcn", mae=3.0),
        run("x", backbone="stgcn", mae=5.0),
    ]
    text, found, _ = table([*SEEDS, *other, run(backbone="ha")])
    assert r"Mean $\Delta$ \%" in text
    assert found[r"\quad ST-LoRA (frozen) (2)"] == ["$-$30.0"] * 9  # of -35, over two seeds, and -25
    assert found[r"\quad x (frozen) (1)"] == ["+25.0"] * 9
    assert "Mean" not in table(SEEDS)[0]


def test_rules_stand_between_backbones_and_not_between_those_that_stand_alone():
    _, _, lines = table([*SEEDS, run(backbone="ha"), run(backbone="naive")])
    text = paper_table(summarise([*SEEDS, run(backbone="ha"), run(backbone="naive")]), (), "x", "")
    assert text.count(r"\midrule") == 2  # above my_lstm, and above ha
    assert [line[0] for line in lines[-2:]] == ["ha (n = 1)", "naive (n = 1)"]


def test_what_failed_has_a_line():
    failed = [
        FailedRow("my_lstm", "shared", "frozen", (0, 1)),
        FailedRow("my_lstm", "stlora", "frozen", (2,)),
        FailedRow("gone", "none", "fit", (0, 1)),
    ]
    _, found, _ = table(SEEDS, failed)
    assert found[r"\quad + ST-LoRA shared (frozen)"] == [r"\multicolumn{9}{c}{failed}"]
    assert found["gone"] == [r"\multicolumn{9}{c}{failed}"]
    assert r"\quad + ST-LoRA (frozen) (1 failed)" in found


def test_a_change_that_is_not_known_is_empty():
    hollow = {"mae": 2.0, "rmse": 1.0, "mape": None}
    zero = {"mae": 2.0, "rmse": 0.0, "mape": 1.0}
    _, _, lines = table([run(average=zero), run("stlora", average=hollow)])
    change = next(line for line in lines if r"\Delta" in line[0])
    assert change[-3:] == ["+0.0", "", ""]


@pytest.mark.parametrize("count", [1, 12])
def test_every_line_has_all_columns(count):
    runs = [run(f"a{index}", backbone=name) for name in "xyz" for index in range(count)]
    _, _, lines = table([*runs, *(run(backbone=name) for name in "xyz")])
    for line in lines[1:]:
        spanned = sum(int(cell[len(r"\multicolumn{") :].split("}")[0]) - 1 for cell in line if "multicolumn" in cell)
        assert len(line) + spanned == 10
