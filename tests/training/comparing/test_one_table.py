"""Several commands with one folder build one table, and none of them takes anything out of it."""

import json
import shutil

import pytest
import yaml

from stlora import InputError
from stlora.files import read_json, write_json
from stlora.training import CompareConfig, Run, compare
from stlora.training.comparing import cells

QUICK = {"data": "simulated", "history": 4, "horizon": 3, "epochs": 1, "train_fraction": 0.2, "adapt_epochs": 1}
NEW = ("results.json", "table.md", "table.csv", "table.tex")


def run(tiny, out, backbones, adapters="none", seeds="0", **changes):
    options = {**QUICK, "device": "cpu", **changes}
    return compare(
        CompareConfig(out=str(out), backbones=backbones, adapters=adapters, seeds=seeds, **options), tiny.series
    )


def listed(out):
    return [(r["backbone"], r["adapter"], r["mode"], r["seed"]) for r in read_json(out / "results.json")["runs"]]


@pytest.fixture(scope="module")
def built(tiny, tmp_path_factory):
    """A table of three commands; no test may change it."""
    out = tmp_path_factory.mktemp("built")
    run(tiny, out, "naive,ha", seeds="1")
    run(tiny, out, "lstm", "none,stlora-joint,stlora", seeds="1")
    run(tiny, out, "lstm", "none,embedding", seeds="0")
    return out


@pytest.fixture
def copy(built, tmp_path):
    return shutil.copytree(built, tmp_path / built.name)  # labels bear it


def test_every_command_adds_to_the_table(built):
    assert listed(built) == [
        ("lstm", "none", "fit", 0),
        ("lstm", "none", "fit", 1),
        ("lstm", "stlora", "frozen", 1),
        ("lstm", "embedding", "frozen", 0),
        ("lstm", "stlora", "joint", 1),
        ("ha", "none", "fit", 1),
        ("naive", "none", "fit", 1),
    ]
    table = (built / "table.md").read_text()
    assert "| ha | alone |" in table
    assert "lstm,stlora,joint," in (built / "table.csv").read_text()
    assert "naive" in (built / "table.tex").read_text()


def test_the_protocol_is_that_of_all_commands(built):
    protocol = read_json(built / "results.json")["protocol"]
    assert list(protocol["recipes"]) == ["lstm"]
    assert list(protocol["adapters"]) == list(protocol["adapter_recipes"]) == ["stlora", "embedding"]
    assert protocol["options"]["backbones"] == "lstm,naive,ha"
    assert protocol["options"]["adapters"] == "none,embedding,stlora-joint,stlora"
    assert protocol["options"]["seeds"] == "0,1"


def test_a_shorter_command_leaves_the_table_as_it_is(built, copy, tiny):
    comparison = run(tiny, copy, "naive", seeds="1")
    assert comparison.left_out == comparison.failed == {}
    assert len({row.backbone for row in comparison.rows}) == 3
    for name in NEW[1:]:
        assert (copy / name).read_bytes() == (built / name).read_bytes()
    before, after = read_json(built / "results.json"), read_json(copy / "results.json")
    assert after["runs"] == before["runs"]
    assert after["comparisons"] == before["comparisons"]
    for part in ("recipes", "adapters", "adapter_recipes", "versions"):
        assert after["protocol"][part] == before["protocol"][part]


def test_the_table_does_not_depend_on_the_order_of_the_commands(built, tiny, tmp_path):
    run(tiny, tmp_path, "lstm", "none,embedding", seeds="0")
    run(tiny, tmp_path, "lstm", "none,stlora,stlora-joint", seeds="1")
    run(tiny, tmp_path, "ha,naive", seeds="1")
    assert listed(tmp_path) == listed(built)


def test_a_run_that_is_gone_or_damaged_is_left_out_with_a_line(copy, tiny, capsys):
    shutil.rmtree(copy / "runs" / "lstm-0" / "embedding")
    (copy / "runs" / "ha-1" / "none" / "metrics.json").write_text("{")
    write_json(copy / "runs" / "lstm-1" / "stlora" / "metrics.json", {"backbone": "lstm"})
    config = {**QUICK, "device": "cpu", "out": str(copy), "backbones": "naive", "seeds": "1"}
    comparison = compare(CompareConfig(**config), tiny.series, show=True)
    assert comparison.left_out.keys() == {"lstm embedding seed 0", "ha none seed 1", "lstm stlora seed 1"}
    assert "no finished run in" in comparison.left_out["lstm embedding seed 0"]
    lines = [line for line in capsys.readouterr().err.splitlines() if " left out: " in line]
    assert len(lines) == 3
    assert listed(copy) == [
        ("lstm", "none", "fit", 0),
        ("lstm", "none", "fit", 1),
        ("lstm", "stlora", "joint", 1),
        ("naive", "none", "fit", 1),
    ]


def test_a_run_with_damaged_errors_is_left_out(copy, tiny):
    (copy / "runs" / "ha-1" / "none" / "errors.safetensors").write_bytes(b"no")
    assert run(tiny, copy, "naive", seeds="1").left_out.keys() == {"ha none seed 1"}


def test_a_finished_run_that_no_table_lists_comes_back(built, copy, tiny):
    """As after a kill between a cell and its table, or a version that took cells out."""
    results = read_json(copy / "results.json")
    write_json(copy / "results.json", {**results, "runs": results["runs"][-1:]})
    run(tiny, copy, "naive", seeds="1")
    assert listed(copy) == listed(built)
    (copy / "results.json").unlink()
    run(tiny, copy, "naive", seeds="1")
    assert listed(copy) == listed(built)
    assert read_json(copy / "results.json")["protocol"]["recipes"] == results["protocol"]["recipes"]


@pytest.mark.parametrize(
    ("place", "part", "value"),
    [
        ("none", "train_fraction", 0.9),
        ("none", "learning_rate", 0.5),
        ("none", "data_fingerprint", "other"),
        ("none", "backbone_options", {"hidden_size": 3}),
        ("embedding", "epochs", 7),
        ("embedding", "size", 9),
    ],
)
def test_a_finished_run_of_another_protocol_does_not(copy, tiny, place, part, value):
    results = read_json(copy / "results.json")
    kept = [entry for entry in results["runs"] if (entry["seed"], entry["adapter"]) != (0, place)]
    write_json(copy / "results.json", {**results, "runs": kept})
    folder = copy / "runs" / "lstm-0" / place
    if place == "none":
        content = read_json(folder / "backbone" / "config.json")
        write_json(folder / "backbone" / "config.json", {**content, "fit": {**content["fit"], part: value}})
    elif part == "size":
        content = read_json(folder / "adapter" / "adapter_config.json")
        write_json(folder / "adapter" / "adapter_config.json", {**content, "options": {part: value}})
    else:
        content = yaml.safe_load((folder / "config.yaml").read_text())
        (folder / "config.yaml").write_text(yaml.safe_dump({**content, part: value}))
    comparison = run(tiny, copy, "naive", seeds="1")
    assert comparison.left_out == {}
    assert len(listed(copy)) == 6


def test_a_failed_cell_stays_failed_until_it_is_run_again(tiny, tmp_path, monkeypatch):
    fit = cells.fit

    def broken(config, *rest, **more):
        if config.seed == 1:
            raise InputError("a defect")
        return fit(config, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(cells, "fit", broken)
        run(tiny, tmp_path, "lstm", seeds="0,1")
    comparison = run(tiny, tmp_path, "naive")
    assert comparison.failed == {}  # of this command
    assert read_json(tmp_path / "results.json")["failed"] == {"lstm none seed 1": "a defect"}
    assert "lstm none seed 1 failed: a defect" in (tmp_path / "table.md").read_text()
    run(tiny, tmp_path, "lstm", seeds="1")
    assert read_json(tmp_path / "results.json")["failed"] == {}
    assert "failed" not in (tmp_path / "table.md").read_text()


def test_another_recipe_of_an_adapter_is_refused(copy, tiny):
    results = read_json(copy / "results.json")
    results["protocol"]["adapter_recipes"]["stlora"]["learning_rate"] = 0.1
    write_json(copy / "results.json", results)
    with pytest.raises(
        InputError, match=r"runs with learning_rate=0\.1 for the adapter stlora and this one has 0\.004"
    ):
        run(tiny, copy, "lstm", "none,stlora", seeds="1")
    assert run(tiny, copy, "naive", seeds="1").failed == {}


def test_a_table_of_other_runs_is_damaged(copy, tiny):
    (copy / "results.json").write_text(json.dumps({**read_json(copy / "results.json"), "runs": [{"backbone": "ha"}]}))
    with pytest.raises(InputError, match=r"results\.json is incomplete or damaged .*; delete it"):
        run(tiny, copy, "naive", seeds="1")


def test_runs_of_other_versions_are_named(copy, tiny):
    path = copy / "runs" / "lstm-1" / "stlora"
    write_json(
        path / "metrics.json", Run(path).metrics | {"versions": {**Run(path).metrics["versions"], "torch": "1.0"}}
    )
    older = copy / "runs" / "ha-1" / "none" / "metrics.json"
    write_json(older, {name: value for name, value in read_json(older).items() if name != "versions"})
    run(tiny, copy, "naive", seeds="1")
    assert read_json(copy / "results.json")["protocol"]["other_versions"] == [
        {"cells": ["lstm stlora seed 1"], "versions": {"torch": "1.0"}},
        {"cells": ["ha none seed 1"], "versions": "not recorded"},
    ]
    line = (copy / "table.md").read_text().splitlines()[-1]
    assert line.startswith("Made with: stlora ")
    assert line.endswith("; lstm stlora seed 1: torch 1.0; ha none seed 1: not recorded.")
