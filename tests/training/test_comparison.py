"""Comparisons: what is run, what is not run again, what is reported."""

import csv
import dataclasses
import json

import pytest

from stlora import InputError
from stlora.training import CompareConfig, Run, cells, compare
from stlora.training.comparison import names

QUICK = {
    "data": "simulated",
    "history": 4,
    "horizon": 3,
    "epochs": 1,
    "train_fraction": 0.2,
    "adapt_epochs": 1,
    "device": "cpu",
}


def run(tiny, out, series=None, **changes):
    options = {**QUICK, "backbones": "lstm", "adapters": "none,stlora", "seeds": "0,1", **changes}
    return compare(CompareConfig(out=str(out), **options), series or tiny.series)


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """A finished comparison; no test may change it."""
    out = tmp_path_factory.mktemp("comparison")
    assert run(tiny, out).failed == {}
    return out


def times(folder):
    return {path: path.stat().st_mtime_ns for path in (folder / "runs").rglob("*") if path.is_file()}


def errors(folder):
    runs = json.loads((folder / "results.json").read_text())["runs"]
    return {(r["backbone"], r["adapter"], r["seed"]): r["average"] for r in runs}


def test_every_cell_is_a_run_of_its_own(folder):
    assert {path.parent.relative_to(folder / "runs").as_posix() for path in folder.rglob("metrics.json")} == {
        *("lstm-0/none", "lstm-0/stlora", "lstm-1/none", "lstm-1/stlora")
    }
    for seed in (0, 1):
        alone, adapted = (Run(folder / "runs" / f"lstm-{seed}" / adapter) for adapter in ("none", "stlora"))
        assert (alone.metrics["seed"], adapted.metrics["seed"]) == (seed, seed)
        assert (alone.metrics["mode"], adapted.metrics["mode"]) == ("fit", "frozen")
        assert adapted.metrics["seconds"]["fit"] == alone.metrics["seconds"]["fit"]


def test_results_have_the_promised_form(folder, tiny):
    results = json.loads((folder / "results.json").read_text())
    assert results["format_version"] == 1
    assert results["failed"] == {}
    assert len(results["runs"]) == 4
    assert results["runs"][0] == Run(folder / "runs" / "lstm-0" / "none").metrics
    protocol = results["protocol"]
    assert protocol["data_fingerprint"] == tiny.series.fingerprint()
    assert (protocol["nodes"], protocol["steps"]) == (6, 240)
    assert protocol["options"]["split"] == [0.7, 0.1, 0.2]
    assert str(folder) not in json.dumps(protocol)


def test_tables_are_written_in_every_form(folder):
    assert {path.name for path in folder.iterdir()} == {*("results.json", "table.md", "table.csv", "table.tex", "runs")}
    table, _, caption = (folder / "table.md").read_text().partition("\n\n")
    assert len(table.splitlines()) == 4
    assert "6 sensors" in caption
    assert "70/10/20" in caption
    assert r"\bottomrule" in (folder / "table.tex").read_text()
    lines = list(csv.DictReader((folder / "table.csv").open()))
    assert {(line["adapter"], line["seeds"]) for line in lines} == {("none", "2"), ("stlora", "2")}


def test_second_call_runs_nothing_and_gives_the_same_table(folder, tiny):
    before, table = times(folder), (folder / "table.md").read_text()
    comparison = run(tiny, folder)
    assert times(folder) == before
    assert (folder / "table.md").read_text() == table
    assert [(row.adapter, row.seeds) for row in comparison.rows] == [("none", (0, 1)), ("stlora", (0, 1))]


def test_more_cells_may_come_and_old_ones_stay(tiny, tmp_path):
    run(tiny, tmp_path, adapters="none", seeds=0)
    before = times(tmp_path)
    comparison = run(tiny, tmp_path, adapters=["shared"], seeds=[0])
    after = times(tmp_path)
    assert {path: after[path] for path in before} == before
    assert [(row.adapter, row.seeds) for row in comparison.rows] == [("none", (0,)), ("shared", (0,))]


def test_several_processes_give_the_same_numbers(folder, tiny, tmp_path):
    assert run(tiny, tmp_path, jobs=2).failed == {}
    alone, together = errors(folder), errors(tmp_path)
    assert alone.keys() == together.keys()
    for cell, error in together.items():
        assert error == pytest.approx(alone[cell], rel=1e-3), cell


def test_failed_cell_is_reported_and_the_others_are_kept(tiny, tmp_path, capsys):
    comparison = run(tiny, tmp_path, series=tiny.without_graph(), backbones="dcrnn,lstm", seeds=0)
    assert comparison.failed.keys() == {"dcrnn none seed 0", "dcrnn stlora seed 0"}
    assert "dcrnn needs a graph" in comparison.failed["dcrnn none seed 0"]
    assert comparison.failed["dcrnn stlora seed 0"] == "dcrnn none seed 0 has no result to adapt"
    assert [(row.backbone, row.adapter) for row in comparison.rows] == [("lstm", "none"), ("lstm", "stlora")]
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["failed"] == comparison.failed
    assert "dcrnn none seed 0 failed: dcrnn needs a graph" in (tmp_path / "table.md").read_text()
    assert "Traceback" not in capsys.readouterr().err


def test_defect_in_one_cell_does_not_lose_the_others(tiny, tmp_path, monkeypatch, capsys):
    fit = cells.fit

    def broken(config, *rest, **more):
        if config.seed == 0:
            raise ZeroDivisionError("a defect")
        return fit(config, *rest, **more)

    monkeypatch.setattr(cells, "fit", broken)
    comparison = run(tiny, tmp_path, adapters="none")
    assert comparison.failed == {"lstm none seed 0": "ZeroDivisionError: a defect"}
    assert [row.seeds for row in comparison.rows] == [(1,)]
    assert "Traceback" in capsys.readouterr().err


def test_interrupted_comparison_goes_on_where_it_stopped(folder, tiny, tmp_path, interrupt, monkeypatch):
    adapt = cells.adapt

    def killed(config, *rest, **more):
        interrupt(epoch=0, batch=0, error=KeyboardInterrupt())
        return adapt(config, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(cells, "adapt", killed)
        with pytest.raises(KeyboardInterrupt):
            run(tiny, tmp_path)
    done = times(tmp_path)
    assert {path.parent.name for path in done if path.name == "metrics.json"} == {"none"}
    run(tiny, tmp_path)
    kept = {path: time for path, time in times(tmp_path).items() if path.parent.name == "none" and path in done}
    assert kept == {path: time for path, time in done.items() if path.parent.name == "none"}
    assert errors(tmp_path) == errors(folder)


def test_other_data_in_the_same_folder_is_refused(folder, tiny):
    before = (folder / "results.json").read_bytes()
    with pytest.raises(InputError, match="on other data"):
        run(tiny, folder, series=tiny.without_graph())
    assert (folder / "results.json").read_bytes() == before


@pytest.mark.parametrize(
    "changes", [{"epochs": 2}, {"adapt_epochs": 2}, {"horizon": 2}, {"split": (0.6, 0.2, 0.2)}, {"learning_rate": 0.1}]
)
def test_other_options_in_the_same_folder_are_refused(folder, tiny, changes):
    before = times(folder)
    with pytest.raises(InputError, match=f"holds a comparison with {next(iter(changes))}="):
        run(tiny, folder, **changes)
    assert times(folder) == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"backbones": ""}, "one or more different names"),
        ({"adapters": "stlora,stlora"}, "one or more different names"),
        ({"seeds": "0,x"}, "the seed 'x' is not a whole number"),
    ],
)
def test_unusable_lists_are_refused(tiny, tmp_path, changes, reason):
    with pytest.raises(InputError, match=reason):
        run(tiny, tmp_path, **changes)


def test_unknown_names_fail_as_cells(tiny, tmp_path):
    comparison = run(tiny, tmp_path, backbones="lstm,lstn", adapters="none", seeds=0)
    assert list(comparison.failed) == ["lstn none seed 0"]
    assert "no backbone is called 'lstn'" in comparison.failed["lstn none seed 0"]


def test_names_come_from_text_lists_and_numbers():
    assert names("a, b,") == names(["a", "b"]) == ["a", "b"]
    assert names(3) == ["3"]
    assert names([0, 1]) == ["0", "1"]


def test_configuration_of_the_comparison_is_left_as_it_was(folder, tiny):
    config = CompareConfig(out=str(folder), **{**QUICK, "backbones": "lstm", "adapters": "none,stlora", "seeds": "0,1"})
    before = dataclasses.asdict(config)
    compare(config, tiny.series)
    assert dataclasses.asdict(config) == before
