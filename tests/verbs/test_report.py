"""The page beside the tables: what compare writes, and what report writes again."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from stlora.cli import main
from stlora.report.runs import writing
from stlora.report.runs.writing import try_report

SMALL = ["--epochs", "1", "--train_fraction", "0.2", "--history", "4", "--horizon", "3", "--device", "cpu"]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A wide CSV of four sensors over five days of quarter hours."""
    rng = np.random.default_rng(0)
    day = np.sin(2 * np.pi * np.arange(480) / 96)[:, None]
    values = 50 + 20 * day * np.array([1, -1, 0.5, 2]) + rng.normal(0, 1, (480, 4))
    frame = pd.DataFrame(values, columns=["a", "b", "c", "d"])
    frame.insert(0, "time", pd.date_range("2024-03-04", periods=480, freq="15min"))
    path = tmp_path_factory.mktemp("data") / "network.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def comparison(network, tmp_path_factory):
    """A finished comparison of a backbone and a baseline; no test may change it."""
    out = tmp_path_factory.mktemp("runs") / "table"
    arguments = ["--backbones", "lstm,ha", "--adapters", "none,stlora", "--seeds", "0,1", "--adapt_epochs", "1"]
    assert main(["compare", "--data", str(network), "--out", str(out), *arguments, *SMALL]) == 0
    return out


@pytest.fixture
def copy(comparison, tmp_path):
    return shutil.copytree(comparison, tmp_path / "copy")


def one_error(capsys):
    err = capsys.readouterr().err
    assert err.startswith("stlora: error: ")
    assert err.count("\n") == 1
    return err


def test_compare_writes_a_page_beside_its_tables(comparison):
    assert {path.name for path in comparison.iterdir() if path.is_file()} == {
        *("results.json", "report.html", "table.csv", "table.md", "table.tex")
    }
    page = (comparison / "report.html").read_text(encoding="utf-8")
    for heading in ("Where the error falls", "Who gained", "Forecast beside truth", "What the node factors look like"):
        assert f"<h2>{heading}</h2>" in page
    assert "lstm, ST-LoRA (frozen), seed 0; changes are those above." in page


def test_report_writes_the_same_page_again_and_trains_nothing(comparison, copy, capsys):
    (copy / "report.html").unlink()
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    assert main(["report", str(copy)]) == 0
    assert capsys.readouterr().out.strip() == str(copy / "report.html")
    assert (copy / "report.html").read_bytes() == (comparison / "report.html").read_bytes()
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_report_of_an_adapted_run_sets_it_beside_its_backbone(copy, capsys):
    run = copy / "runs" / "lstm-1" / "stlora"
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<title>lstm + stlora on network</title>" in page


def test_the_sensors_whose_forecasts_are_drawn_can_be_chosen(copy):
    for folder in (copy, copy / "runs" / "lstm-1" / "stlora"):
        assert main(["report", str(folder), "--sensors", "c, b"]) == 0
        page = (folder / "report.html").read_text(encoding="utf-8")
        assert page.index("<h3>c</h3>") < page.index("<h3>b</h3>")
        assert "Helped most" not in page


def test_sensors_whose_names_are_numbers_can_be_chosen_and_wrong_ones_are_one_line(copy, capsys):
    for folder in (copy, copy / "runs" / "lstm-1" / "stlora"):
        assert main(["report", str(folder), "--sensors", "773012,b"]) == 2
        assert "network has no sensor 773012; it has a, b, c, d\n" in one_error(capsys)
    assert main(["report", str(copy), "--sensors", "a,a"]) == 2
    assert "expected one or more different names" in one_error(capsys)


def test_runs_of_earlier_versions_have_a_page_that_says_what_it_lacks(copy):
    for path in copy.rglob("errors.safetensors"):
        path.unlink()
    assert main(["report", str(copy)]) == 0
    page = (copy / "report.html").read_text(encoding="utf-8")
    assert "There is no error by time of day of any row" in page
    assert "<h3>Error by time of day" not in page


def test_rows_without_kept_errors_are_named(copy):
    (copy / "runs" / "ha-1" / "none" / "errors.safetensors").unlink()
    assert main(["report", str(copy)]) == 0
    assert "There is no error by time of day of ha alone:" in (copy / "report.html").read_text(encoding="utf-8")


def test_data_that_was_moved_is_given_its_new_place(copy, network, tmp_path, capsys):
    for path in copy.rglob("config.json"):
        content = json.loads(path.read_text())
        content["fit"]["data"] = "gone.csv"
        path.write_text(json.dumps(content))
    assert main(["report", str(copy)]) == 2
    assert "gone.csv" in one_error(capsys)
    moved = shutil.copy(network, tmp_path / "network.csv")
    assert main(["report", str(copy), "--data", str(moved)]) == 0


def test_a_failed_cell_is_on_the_page(copy):
    results = json.loads((copy / "results.json").read_text())
    results["failed"] = {"lstm stlora seed 2": "no memory"}
    (copy / "results.json").write_text(json.dumps(results))
    assert main(["report", str(copy)]) == 0
    assert "no memory" in (copy / "report.html").read_text(encoding="utf-8")


def test_a_folder_that_is_none_and_a_backbone_alone_are_refused(comparison, tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "holds neither a comparison nor a finished run" in one_error(capsys)
    assert main(["report", str(comparison / "runs" / "lstm-0" / "none")]) == 2
    assert "no backbone alone to set it beside" in one_error(capsys)


def test_a_comparison_without_a_result_or_without_its_runs_is_refused(copy, capsys):
    shutil.rmtree(copy / "runs" / "lstm-1" / "stlora")
    assert main(["report", str(copy)]) == 2
    assert "has lstm, stlora (frozen), seed 1, and no folder under" in one_error(capsys)
    results = json.loads((copy / "results.json").read_text())
    (copy / "results.json").write_text(json.dumps({**results, "runs": []}))
    assert main(["report", str(copy)]) == 2
    assert "holds no finished run yet" in one_error(capsys)


def test_the_backbone_of_a_run_must_be_there(copy, capsys):
    run = copy / "runs" / "lstm-0" / "stlora"
    options = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump({**options, "run": str(copy / "gone")}))
    assert main(["report", str(run)]) == 2
    assert "is it a finished run folder" in one_error(capsys)


def test_tables_stand_without_a_page(tmp_path):
    (tmp_path / "results.json").write_text('{"runs": []}')
    assert try_report(tmp_path, None, []).startswith("no report: ")


def test_a_defect_in_drawing_does_not_end_the_command(tmp_path, monkeypatch, capsys):
    def broken(*_):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(writing, "comparison_report", broken)
    assert try_report(tmp_path, None, []) == "no report: ZeroDivisionError: a defect"
    assert "Traceback" in capsys.readouterr().err


def test_a_run_whose_backbone_was_replaced_is_refused(copy, capsys):
    adapted = copy / "runs" / "lstm-0" / "stlora"
    options = yaml.safe_load((adapted / "config.yaml").read_text())
    options["run"] = str(copy / "runs" / "lstm-1" / "none")
    (adapted / "config.yaml").write_text(yaml.safe_dump(options))
    assert main(["report", str(adapted)]) == 2
    assert "holds another backbone than the one that" in one_error(capsys)
