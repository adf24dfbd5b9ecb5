"""The main job on the simulated network: train, adapt, compare, report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stlora._version import __version__
from stlora.data import SensorSeries, simulate
from stlora.errors import InputError
from stlora.evaluation.rows import summarise
from stlora.evaluation.tables import overview
from stlora.evaluation.writing import to_text
from stlora.files import write_json
from stlora.folders import claimed, is_empty
from stlora.paths import expanded
from stlora.report.page import write_report
from stlora.report.runs.adapted import report_of
from stlora.training import AdaptConfig, FitConfig, Run, adapt, fit

_MARKER = "demo.json"  # says that the folder is the demo's own
_GO_ON = "stlora fit --data FILE --backbone lstm --out runs/alone; stlora adapt runs/alone --out runs/adapted"
_MEANING = {
    "shared": "a corrector that is the same for every sensor",
    "stlora": "ST-LoRA, the same corrector with a low-rank factor of each sensor's own",
}


@dataclass(frozen=True)
class DemoSizes:
    """How much the demo does; the default takes about a minute on two cores.

    Attributes:
        num_nodes: sensors; 40 and 28 days are the catalogue's ``simulated``.
        days: length of the series.
        epochs: of the backbone.
        adapt_epochs: of each adapter.
        batch_size: windows in a step.
    """

    num_nodes: int = 40
    days: int = 28
    epochs: int = 10
    adapt_epochs: int = 15
    batch_size: int = 16


def run_demo(out: str, seed: int = 0, sizes: DemoSizes | None = None) -> None:
    """Fit an LSTM, adapt it frozen without and with node factors, print the table and write the report.

    Args:
        out: the folder to write: ``report.html`` and the runs. What an earlier demo left there is replaced.
        seed: of the network, the weights and the batches.
        sizes: how much to do; the default if None.

    Raises:
        InputError: ``out`` holds something that no demo wrote, or another process writes to it.
    """
    with claimed(expanded(out)) as folder:
        _run(folder, seed, sizes or DemoSizes())


def _run(folder: Path, seed: int, sizes: DemoSizes) -> None:
    network = simulate(sizes.num_nodes, sizes.days, seed=seed)
    series = network.series
    _claim(folder, seed)
    missing = 100 * (1 - series.observed.mean())
    _say(f"A simulated town: {series.num_nodes} sensors, {sizes.days} days, {missing:.0f} % of the values missing.")
    runs = _train(folder, series, seed, sizes)
    _say("\n" + to_text(overview(summarise([run.metrics for run in runs]))))
    try:
        write_report(folder / "report.html", report_of(runs, series, network))
        _say(f"The report: {folder / 'report.html'}")
    except InputError as error:
        _say(f"No report: {error}")
    _say(f"Your own data: {_GO_ON}")


def _train(folder: Path, series: SensorSeries, seed: int, sizes: DemoSizes) -> list[Run]:
    _say("1/3  an LSTM with the same weights for every sensor")
    alone = FitConfig(
        data="simulated",
        out=str(folder / "lstm"),
        backbone="lstm",
        seed=seed,
        epochs=sizes.epochs,
        batch_size=sizes.batch_size,
        learning_rate=3e-3,
        schedule="cosine",
    )
    runs = [fit(alone, series, show=True)]
    adapters: tuple[Literal["shared", "stlora"], ...] = ("shared", "stlora")
    for number, adapter in enumerate(adapters, start=2):
        _say(f"{number}/3  the LSTM frozen, behind it {_MEANING[adapter]}")
        options = AdaptConfig(
            run=alone.out,
            out=str(folder / adapter),
            adapter=adapter,
            seed=seed,
            epochs=sizes.adapt_epochs,
            batch_size=sizes.batch_size,
        )
        runs.append(adapt(options, series, show=True))
    return runs


def _claim(folder: Path, seed: int) -> None:
    """Make room for the results; touch nothing that no demo wrote."""
    if not (folder / _MARKER).is_file() and not is_empty(folder):
        raise InputError(f"{folder} is not one that a demo wrote; choose another --out, or empty it")
    for name in ("lstm", "shared", "stlora"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "report.html").unlink(missing_ok=True)
    write_json(folder / _MARKER, {"format_version": 1, "stlora_version": __version__, "seed": seed})


def _say(text: str) -> None:
    print(text, flush=True)  # at once: the epochs between these lines go to another stream
