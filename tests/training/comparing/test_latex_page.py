"""``table.tex`` in a paper: nothing is wider than the text or higher than the page."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stlora.evaluation.between import between
from stlora.evaluation.changes import changes
from stlora.evaluation.entries import change_of
from stlora.evaluation.latex import PACKAGES, to_latex
from stlora.evaluation.rows import summarise
from stlora.evaluation.tables import Table
from stlora.training.comparing.latex_page import latex_page

RESULTS = Path(__file__).parents[3] / "results"
PROTOCOL = {"dataset": "my_city", "nodes": 6, "unit": "km/h", "options": {"horizon": 12}}
MOST = 3.0  # points


def has_packages():
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich")):
        return False
    names = ["booktabs.sty", "graphicx.sty"]
    return len(subprocess.run(["kpsewhich", *names], capture_output=True, text=True).stdout.split()) == len(names)


needs_latex = pytest.mark.skipif(not has_packages(), reason="needs pdflatex, booktabs and graphicx")


def complaints(text, folder, options=""):
    """What LaTeX says of boxes that are too wide and floats that are too high."""
    page = rf"\documentclass{options}{{article}}{PACKAGES}\begin{{document}}"
    (folder / "page.tex").write_text(page + "\n" + text + r"\end{document}", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    log = (folder / "page.log").read_text(encoding="latin-1")
    wide = [float(points) for points in re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", log)]
    high = [float(points) for points in re.findall(r"Float too large for page by ([\d.]+)pt", log)]
    return [points for points in [*wide, *high] if points > MOST]


def runs(backbones, adapters, seeds=1):
    """The part of ``metrics.json`` that the tables read."""
    errors = {"mae": 12.345, "rmse": 123.456, "mape": 123.45}
    return [
        {
            "backbone": backbone,
            "adapter": adapter,
            "mode": "fit" if adapter == "none" else "frozen",
            "seed": seed,
            "horizons": {
                str(step): {name: value * (1 + 0.1 * seed) for name, value in errors.items()} for step in range(1, 13)
            },
            "average": errors,
            "parameters": {"backbone": 1_234_567, "adapter": 123_456},
            "measured": 123_456,
            "nodes": {"a_sensor": {"mae": 1.0}},
            "seconds": {"fit": 12345.0, "adapt": 123.0, "per_window": 0.01},
            "memory": {"resident_mb": 12345.0, "gpu_mb": 12345.0},
            "epochs": 100,
            "val_mae": 1.0,
        }
        for backbone in backbones
        for adapter in ("none", *adapters)
        for seed in range(seeds)
    ]


def page_of(metrics, protocol=PROTOCOL, failed=None):
    found, others = (compared(metrics, lambda _: None) for compared in (changes, between))
    return latex_page(summarise(metrics), found, others, protocol, failed or {}, "Runs of 2026")


@needs_latex
def test_a_table_that_does_not_fit_is_noticed(tmp_path):
    wide = r"\begin{tabular}{l}" + "a wide table " * 20 + r"\end{tabular}"
    high = r"\begin{table*}\begin{tabular}{l}" + r"a \\" * 60 + r"\end{tabular}\end{table*}"
    assert len(complaints(wide, tmp_path)) == 1
    assert complaints(high, tmp_path) != []
    assert complaints("a", tmp_path) == []


@needs_latex
@pytest.mark.parametrize("options", ["", "[twocolumn]", "[12pt]"])
@pytest.mark.parametrize("name", ["metr-la-60", "metr-la-60-published", "muenster-bikes", "muenster-bikes-longer"])
@pytest.mark.skipif(not RESULTS.is_dir(), reason="the results are not part of this copy")
def test_the_committed_results_fit(tmp_path, name, options):
    results = json.loads((RESULTS / name / "results.json").read_text(encoding="utf-8"))
    found, others = ([change_of(entry) for entry in results.get(kind, [])] for kind in ("comparisons", "between"))
    text = latex_page(summarise(results["runs"]), found, others, results["protocol"], {}, name)
    assert complaints(text, tmp_path, options) == []


@needs_latex
@pytest.mark.parametrize(
    ("backbones", "adapters"),
    [
        (["lstm"], []),
        (["lstm"], ["stlora"]),
        (["lstm"], [f"adapter_{i}" for i in range(60)]),
        (list("abcdefghijkl"), ["x"]),
    ],
)
def test_few_and_many_rows_fit(tmp_path, backbones, adapters):
    assert complaints(page_of(runs(backbones, adapters, seeds=2)), tmp_path) == []


@needs_latex
def test_narrow_and_odd_tables_fit(tmp_path):
    short = [{**run, "horizons": {"1": run["average"]}} for run in runs([f"b{i}" for i in range(30)], ["x"])]
    assert complaints(page_of(short), tmp_path) == []
    odd = Table(["a", "b", "c"], [["50 % & #_{x}", "~^\\$<>±Δ−–", "-1"], ["y", "z", ""]])
    assert complaints(to_latex(odd, "odd", "Odd."), tmp_path) == []


@needs_latex
def test_a_page_before_anything_is_finished_compiles(tmp_path):
    assert complaints(latex_page([], [], [], PROTOCOL, {"lstm none seed 0": "no\nmemory & 50 %"}, "ü"), tmp_path) == []


def test_the_first_line_names_the_packages():
    assert page_of(runs(["lstm"], ["stlora"])).splitlines()[0] == r"% In the preamble: \usepackage{booktabs,graphicx}"


def test_captions_say_what_a_reader_must_know():
    text = page_of([*runs(["lstm"], ["stlora"], seeds=3), *runs(["ha"], [])])
    errors, changed, costs = re.findall(r"\\caption\{(.*)\}", text)
    assert r"Test errors on my\_city (6 sensors), at steps 3, 6 and 12 and on average over 12 steps" in errors
    assert r"MAE and RMSE in km/h, MAPE in \%" in errors
    assert r"mean $\pm$ sample standard deviation over seeds 0, 1 and 2 ($n = 3$ unless a row says otherwise)" in errors
    assert "change of each of these errors in percent against the backbone alone, paired by seed" in errors
    assert "cannot be said: the errors of its windows were not kept" in changed
    assert "measured: numbers of the sensors that it keeps and does not train" in costs
    assert "over seed 0 ($n = 1$)" in page_of(runs(["lstm"], ["stlora"]))


def test_the_default_stands_against_the_other_columns_where_there_are_some():
    assert r"\label{tab:runs-of-2026-between}" not in page_of(runs(["lstm"], ["stlora"]))
    text = page_of(runs(["lstm", "my_net"], ["stlora", "shared"], seeds=2))
    caption, table = text.split(r"\label{tab:runs-of-2026-between}")
    assert "ST-LoRA (frozen) against the other columns of the same backbone and seeds" in caption.splitlines()[-1]
    assert "corrected" not in caption.splitlines()[-1]
    assert r"\multicolumn{7}{l}{my\_net} \\" in table
    assert r"\quad ST-LoRA shared (frozen) & 2 & " in table.split(r"\bottomrule")[0]


def test_what_failed_is_marked_in_all_three_tables_and_its_reason_is_a_comment():
    failed = {"lstm shared seed 0": "no\nmemory", "gone none seed 0": "not there"}
    text = page_of(runs(["lstm"], ["stlora"]), failed=failed)
    errors, changed, costs = text.split(r"\label")[1:]
    assert r"\quad + ST-LoRA shared (frozen) & \multicolumn{12}{c}{failed} \\" in errors
    assert r"gone & \multicolumn{12}{c}{failed} \\" in errors
    assert r"\quad ST-LoRA shared (frozen) & failed & " in changed
    assert "gone" not in changed
    assert r"\quad ST-LoRA shared (frozen) & failed & " in costs
    assert text.splitlines()[-3:] == [
        "% lstm shared seed 0 failed: no memory",
        "",
        "% gone none seed 0 failed: not there",
    ]
