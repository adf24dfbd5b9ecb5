"""Comparisons: what is run, what is not run again, what is reported."""

import csv
import dataclasses
import json
import shutil

import pytest
import yaml

from stlora import InputError
from stlora.evaluation.rows import summarise
from stlora.training import CompareConfig, Run, compare, compiling
from stlora.training.comparing import cells
from stlora.training.comparing.lists import names
from stlora.training.comparing.protocol_text import _seed_notes, about_errors
from stlora.training.comparing.table_files import rewrite_tables

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
    assert "freeze_backbone" not in protocol["adapters"]["stlora"]  # a matter of the column
    assert protocol["graph"] is None
    assert protocol["recipes"]["lstm"]["epochs"] == 1
    assert protocol["adapter_recipes"]["stlora"]["epochs"] == {"lstm": 1}
    assert protocol["versions"] == results["runs"][0]["versions"]
    assert protocol["other_versions"] == []
    assert str(folder) not in json.dumps(protocol)


def test_results_say_how_sure_a_change_is(folder):
    results = json.loads((folder / "results.json").read_text())
    (entry,) = results["comparisons"]
    mae = {(run["adapter"], run["seed"]): run["average"]["mae"] for run in results["runs"]}
    changed = [100 * (mae["stlora", seed] / mae["none", seed] - 1) for seed in (0, 1)]
    assert (entry["backbone"], entry["adapter"], entry["mode"]) == ("lstm", "stlora", "frozen")
    assert (entry["seeds"], entry["n_seeds"]) == ([0, 1], 2)
    assert entry["change_percent"] == pytest.approx(sum(changed) / 2)
    assert [entry[name] for name in ("p", "p_holm", "statistic", "interval_percent")] == [None] * 4
    assert "test windows span" in entry["missing"]
    assert entry["missing"] in (folder / "table.md").read_text()
    assert entry["missing"] in (folder / "table.tex").read_text()
    assert set(entry["steps"]) == {"3"}


def test_old_runs_without_errors_of_windows_get_no_test(folder, tiny, tmp_path):
    shutil.copytree(folder, tmp_path / "old")
    for path in (tmp_path / "old").rglob("errors.safetensors"):
        path.unlink()
    comparison = run(tiny, tmp_path / "old")
    assert [change.missing for change in comparison.changes] == ["the errors of its windows were not kept"]
    assert "cannot be said: the errors of its windows were not kept." in (tmp_path / "old" / "table.md").read_text()


def test_every_cell_is_trained_in_the_precision_of_the_comparison(tiny, tmp_path, monkeypatch):
    """Or compiled, here by a backend that leaves the graph as it is."""
    monkeypatch.setattr(compiling, "BACKEND", "eager")
    options = {"adapters": "none,stlora,trained-on", "seeds": 0, "precision": "bf16", "compile": True}
    assert run(tiny, tmp_path, **options).failed == {}
    configs = [yaml.safe_load(path.read_text()) for path in tmp_path.rglob("config.yaml")]
    assert [(config["precision"], config["compile"]) for config in configs] == [("bf16", True)] * 3
    stored = json.loads((tmp_path / "results.json").read_text())["protocol"]["options"]
    assert (stored["precision"], stored["compile"]) == ("bf16", True)
    assert "Networks were trained in bfloat16, compiled." in (tmp_path / "table.md").read_text()


def test_joint_and_trained_on_columns_stand_beside_the_frozen_one(tiny, tmp_path):
    options = {"adapters": "trained-on,stlora-joint,stlora", "seeds": 0, "backbones": "lstm,naive"}
    comparison = run(tiny, tmp_path, **options)
    assert comparison.failed == {}
    assert [(row.backbone, row.column, row.mode) for row in comparison.rows] == [
        ("lstm", "alone", "fit"),
        ("lstm", "ST-LoRA (frozen)", "frozen"),
        ("lstm", "ST-LoRA (joint)", "joint"),
        ("lstm", "trained on", "fit"),
        ("naive", "alone", "fit"),
    ]
    joint = Run(tmp_path / "runs" / "lstm-0" / "stlora-joint")
    assert (joint.metrics["adapter"], joint.metrics["epochs"]) == ("stlora", 1)
    assert joint.metrics["parameters"]["adapter"] > 0
    assert (joint.folder / "adapter" / "adapter_config.json").exists()
    assert [change.adapter for change in comparison.changes] == ["stlora", "stlora", "trained-on"]
    against = [entry["against"] for entry in json.loads((tmp_path / "results.json").read_text())["between"]]
    assert against == ["ST-LoRA (joint)", "trained on"]
    assert "| lstm | trained on | 1 |" in (tmp_path / "table.md").read_text()
    before = times(tmp_path)
    run(tiny, tmp_path, **options)
    assert times(tmp_path) == before


def test_baselines_are_measured_alone(tiny, tmp_path):
    comparison = run(tiny, tmp_path, backbones="ha", adapters="stlora,trained-on", seeds=0)
    assert [row.column for row in comparison.rows] == ["alone"]
    assert "What the columns changed" not in (tmp_path / "table.md").read_text()


def test_rows_of_fewer_seeds_are_named(tiny, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "more")
    shutil.rmtree(tmp_path / "more" / "runs" / "lstm-1" / "stlora")
    (tmp_path / "more" / "runs" / "lstm-1" / "stlora").write_text("in the way")
    assert run(tiny, tmp_path / "more").failed
    assert "lstm ST-LoRA (frozen) has 1 seed (0)." in (tmp_path / "more" / "table.md").read_text()


def test_rows_of_equally_few_seeds_are_named_together():
    def run(backbone, adapter, seed):
        error = {"mae": 1.0, "rmse": 1.0, "mape": 1.0}
        mode = "fit" if adapter == "none" else "frozen"
        return {
            "backbone": backbone,
            "adapter": adapter,
            "mode": mode,
            "seed": seed,
            "epochs": 1,
            "horizons": {"3": error},
            "average": error,
            "parameters": {},
            "seconds": {"fit": 1.0},
        }

    cells = [
        ("lstm", "none", 2),
        ("lstm", "stlora", 1),
        ("gwnet", "none", 1),
        ("gwnet", "stlora", 1),
        ("ha", "none", 1),
    ]
    rows = summarise([run(backbone, adapter, seed) for backbone, adapter, count in cells for seed in range(count)])
    (note,) = _seed_notes(rows)
    assert note == " lstm ST-LoRA (frozen); all rows of gwnet, ha have 1 seed (0)."


def test_progress_says_what_is_done_and_left(tiny, tmp_path, capsys):
    config = CompareConfig(out=str(tmp_path), **QUICK, backbones="lstm", adapters="none,stlora", seeds="0,1")
    compare(config, tiny.series, show=True)
    lines = [line for line in capsys.readouterr().err.splitlines() if "…" in line]
    assert lines[0] == "lstm none seed 0 … (0 of 4 done, time left unknown)"
    assert lines[1].startswith("lstm stlora seed 0 … (1 of 4 done, more than ")
    assert lines[2].startswith("lstm none seed 1 … (2 of 4 done, about ")


def test_tables_are_written_in_every_form(folder):
    assert {path.name for path in folder.iterdir()} == {*("results.json", "table.md", "table.csv", "table.tex", "runs")}
    table, _, rest = (folder / "table.md").read_text().partition("\n\n")
    assert len(table.splitlines()) == 4
    caption, changed, cost = rest.split("\n## ")
    assert "6 sensors" in caption
    assert "70/10/20" in caption
    assert changed.startswith("What the columns changed")
    assert cost.startswith("What they cost")
    assert "| lstm | ST-LoRA (frozen) | 2 |" in changed
    assert (
        "On a frozen backbone stlora was trained by adamw at 0.004, schedule cosine, batches of 128, 1 epochs." in rest
    )
    assert cost.splitlines()[-1].startswith("Made with: stlora ")
    assert r"\bottomrule" in (folder / "table.tex").read_text()
    assert (folder / "table.tex").read_text().count(r"\begin{tabular}") == 3
    lines = list(csv.DictReader((folder / "table.csv").open()))
    assert {(line["adapter"], line["seeds"]) for line in lines} == {("none", "2"), ("stlora", "2")}


def test_tables_are_written_again_from_the_results_alone(folder, tmp_path):
    files = ("table.md", "table.csv", "table.tex")
    again = tmp_path / folder.name  # labels bear it
    again.mkdir()
    shutil.copy(folder / "results.json", again)
    rewrite_tables(again)
    for name in files:
        assert (again / name).read_text() == (folder / name).read_text(), name


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


def test_tables_are_written_after_each_cell(tiny, tmp_path, monkeypatch):
    fit, listed = cells.fit, []

    def watched(config, *rest, **more):
        listed.append(len(errors(tmp_path)))
        return fit(config, *rest, **more)

    monkeypatch.setattr(cells, "fit", watched)
    run(tiny, tmp_path, adapters="none,stlora-joint", seeds="0,1")
    assert listed == [0, 1, 2, 3]


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
    page = (tmp_path / "table.md").read_text()
    assert "dcrnn none seed 0 failed: dcrnn needs a graph" in page
    assert page.count("| dcrnn | alone | failed |") == 2  # of errors and of costs
    assert page.count("| dcrnn | ST-LoRA (frozen) | failed |") == 3
    lines = list(csv.DictReader((tmp_path / "table.csv").open()))
    failed = [(line["backbone"], line["adapter"], line["mode"]) for line in lines if line["measure"] == "failed"]
    assert failed == [("dcrnn", "none", "fit"), ("dcrnn", "stlora", "frozen")]
    assert r"dcrnn & \multicolumn{6}{c}{failed} \\" in (tmp_path / "table.tex").read_text()
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
        ({"adapters": "none,trained-on"}, "name one, such as --adapters none,stlora,trained-on"),
        ({"backbones": "lstm,lstn"}, "no backbone is called 'lstn'"),
        ({"backbones": "lstm,no_such:net"}, "no_such"),
        ({"adapters": "strola"}, "no adapter is called 'strola'"),
        ({"adapters": "strola-joint"}, "no adapter is called 'strola'"),
        ({"adapters": "own-joint"}, "own does without the backbone's forecast"),
        ({"jobs": 0}, "jobs 0; expected 1 or more"),
    ],
)
def test_unusable_lists_are_refused(tiny, tmp_path, changes, reason):
    with pytest.raises(InputError, match=reason):
        run(tiny, tmp_path, **changes)
    assert not (tmp_path / "results.json").exists()


def test_a_graph_that_was_chosen_is_named(folder):
    protocol = json.loads((folder / "results.json").read_text())["protocol"]
    assert ", graph " not in about_errors(protocol, [], {})
    assert ", graph correlation; " in about_errors({**protocol, "graph": "correlation"}, [], {})


def test_names_come_from_text_lists_and_numbers():
    assert names("a, b,") == names(["a", "b"]) == ["a", "b"]
    assert names(3) == ["3"]
    assert names([0, 1]) == ["0", "1"]


def test_configuration_of_the_comparison_is_left_as_it_was(folder, tiny):
    config = CompareConfig(out=str(folder), **{**QUICK, "backbones": "lstm", "adapters": "none,stlora", "seeds": "0,1"})
    before = dataclasses.asdict(config)
    compare(config, tiny.series)
    assert dataclasses.asdict(config) == before


@pytest.mark.parametrize("content", ["", "{}", '{"backbone": "ha"}'])
def test_a_damaged_cell_is_named_with_what_to_delete(tiny, tmp_path, content):
    run(tiny, tmp_path, backbones="ha,naive", adapters="none", seeds=0)
    before = (tmp_path / "results.json").read_bytes()
    damaged = tmp_path / "runs" / "ha-0" / "none"
    (damaged / "metrics.json").write_text(content)
    with pytest.raises(InputError, match=r"metrics.json .*; delete .*ha-0.none, and the same command makes"):
        run(tiny, tmp_path, backbones="ha,naive", adapters="none", seeds=0)
    assert (tmp_path / "results.json").read_bytes() == before
    shutil.rmtree(damaged)
    assert len(run(tiny, tmp_path, backbones="ha,naive", adapters="none", seeds=0).rows) == 2
