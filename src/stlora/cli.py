"""The command line: one function a verb. The only room that knows all others."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser

import stlora.progress
from stlora._version import __version__
from stlora.errors import InputError
from stlora.files import json_text
from stlora.paths import NETWORKS, TABLES, check_not_input, check_output
from stlora.progress import say
from stlora.training.config import AdaptConfig, CompareConfig, FitConfig, reading_options
from stlora.verbs.convert import ConvertOptions, data_convert
from stlora.verbs.failures import cells_failed
from stlora.verbs.messages import in_our_words
from stlora.verbs.options import (
    CheckOptions,
    DemoOptions,
    EvaluateOptions,
    ExportOptions,
    GetOptions,
    InfoOptions,
    ListOptions,
    PredictOptions,
    ReportOptions,
)
from stlora.verbs.parser import Verb, first_line, verb_parser
from stlora.verbs.streams import leave_stdout, prepare_streams, reason_of

_notes = logging.getLogger("stlora")


class _Once(logging.Filter):
    """A note is told once, however often its data are read."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        fresh = message not in self._told
        self._told.add(message)
        return fresh


class _Kinds(logging.Formatter):
    """Notes, and warnings, which are called so."""

    def format(self, record: logging.LogRecord) -> str:
        record.kind = "note" if record.levelno < logging.WARNING else "warning"
        return super().format(record)


@contextmanager
def _notes_on_stderr() -> Iterator[None]:
    """Print what the library notes of data, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Kinds("%(kind)s: %(message)s"))
    handler.addFilter(_Once())
    before = _notes.level
    _notes.addHandler(handler)
    _notes.setLevel(logging.INFO)
    try:
        yield
    finally:
        _notes.removeHandler(handler)
        _notes.setLevel(before)


def demo(options: DemoOptions) -> None:
    """Run the main job on the simulated network."""
    from stlora.verbs.demo import run_demo

    run_demo(options.out, options.seed)


def data_list(options: ListOptions) -> None:
    """Print the catalogue as a table."""
    from stlora.data.catalogue.download import is_here
    from stlora.data.catalogue.entries import catalogue
    from stlora.data.catalogue.text import format_list

    print(format_list((entry, is_here(entry, options.root)) for entry in catalogue().values()))


def data_info(options: InfoOptions) -> None:
    """Print what is known of a data set."""
    from stlora.data.catalogue.download import folder_of, is_here
    from stlora.data.catalogue.entries import look_up
    from stlora.data.catalogue.text import format_entry

    entry = look_up(options.name)
    print(format_entry(entry, folder_of(entry, options.root), is_here(entry, options.root)))


def data_get(options: GetOptions) -> None:
    """Download and print where the files lie."""
    from stlora.data.catalogue.download import get

    print(get(options.name, options.root, show=True))


def data_check(options: CheckOptions) -> None:
    """Print what a file or folder holds."""
    from stlora.data import load_series
    from stlora.data.check.description import describe, format_description
    from stlora.verbs.check_picture import picture

    draw = picture(options.picture)
    if options.picture is not None:
        check_not_input(options.picture, (options.path, options.graph))
    series = load_series(options.path, graph=options.graph, **reading_options(options))
    draw(series)
    description = describe(series)
    print(json.dumps(description, indent=1) if options.json else format_description(description))


def fit(config: FitConfig) -> None:
    """Train and print how it did."""
    from stlora.training import fit as run_fit
    from stlora.training.together import is_first

    run = run_fit(config, show=True)
    if is_first():
        _print_summary(run.metrics)


def adapt(config: AdaptConfig) -> None:
    """Adapt and print how it did beside the backbone alone."""
    from stlora.evaluation.rows import TRAINED_ON, percent
    from stlora.training import Run
    from stlora.training import adapt as run_adapt
    from stlora.training.together import is_first

    run = run_adapt(config, show=True)
    if not is_first():
        return
    before, after = Run(config.run).metrics, run.metrics
    _print_summary(before)
    _print_summary(after)
    if before["adapter"] not in ("none", TRAINED_ON):
        print(f"the adapter of {config.run} was left out: the new one stands on the bare backbone of that run")
        return
    change = percent(after["average"]["mae"], before["average"]["mae"])
    told = "" if change is None else f"average MAE {change:+.1f} %; "
    fitted, adapted = before["seconds"]["fit"], after["seconds"]["adapt"]
    print(f"{told}the adapter took {adapted:.0f} s, its backbone {fitted:.0f} s")


def compare(config: CompareConfig) -> None:
    """Run the comparison and print its tables."""
    from stlora.evaluation.changes import untested
    from stlora.evaluation.tables import change_table, error_table
    from stlora.evaluation.writing import to_text
    from stlora.report.runs.writing import try_report
    from stlora.training import compare as run_compare
    from stlora.training.comparing.lists import names

    comparison = run_compare(config, show=True)
    if not comparison.rows:
        raise InputError(cells_failed(comparison.failed, config.out))
    print(to_text(error_table(comparison.rows)))
    if comparison.changes:
        print(to_text(change_table(comparison.changes)))
        if reason := untested(comparison.changes):
            print(f"whether any change is more than chance cannot be said: {reason}")
    print(f"written to {config.out}: results.json, table.md, table.csv, table.tex")
    print(try_report(Path(config.out), config.data, names(config.backbones)))
    if comparison.failed:
        raise InputError(cells_failed(comparison.failed, config.out))


def report(options: ReportOptions) -> None:
    """Write the page again and print where it is."""
    from stlora.report.runs.writing import report_on
    from stlora.training.comparing.lists import names

    sensors = [] if options.sensors is None else names(options.sensors)
    print(report_on(options.folder, options.data, options.module, sensors))


def evaluate(options: EvaluateOptions) -> None:
    """Print the recomputed metrics."""
    from stlora.training import Run
    from stlora.training import evaluate as run_evaluate

    run = Run(options.run)
    metrics = run_evaluate(run, options.split, options.data, module=options.module, device=options.device)
    if options.json:
        print(json_text(metrics))
    else:
        _print_summary(metrics)


def predict(options: PredictOptions) -> None:
    """Write the forecast and say what was done about gaps."""
    output = check_output(options.output, TABLES)

    from stlora.training import Run
    from stlora.training import predict as run_predict
    from stlora.training.prediction import load_later, write_prediction

    run = Run(options.run)
    run.check_not_own(output)
    check_not_input(output, (options.data, options.graph))
    series = load_later(run.record(), options.data, options.graph, **reading_options(options))
    prediction = run_predict(run, series, module=options.module, device=options.device)
    write_prediction(prediction.table, output)
    for note in prediction.notes[len(series.notes) :]:  # reading the file told the others
        _notes.info("%s", note)
    table = prediction.table
    print(
        f"{len(table)} forecasts of {table['node'].nunique()} sensors from {table['time'].iloc[0]} to "
        f"{table['time'].iloc[-1]} written to {output}"
    )


def export(options: ExportOptions) -> None:
    """Write the network and say what it takes."""
    check_output(options.output, NETWORKS)

    from stlora.serving import export as run_export
    from stlora.training import Run

    exported = run_export(Run(options.run), options.output, options.module)
    facts = exported.facts
    for name, kind in {**facts["inputs"], **facts["outputs"]}.items():
        print(f"{name}: {kind}")
    print(
        f"written to {exported.path}; its forecasts differ from the run's own by up to {exported.difference:.1e} "
        f"{facts['unit']}".rstrip()
    )


def _print_summary(metrics: dict[str, Any]) -> None:
    """Two lines for people: what was measured, and how it did."""
    parameters = metrics["parameters"]
    added = f" + {parameters['adapter']:,}" if parameters["adapter"] else ""
    name = metrics["backbone"] + ("" if metrics["adapter"] == "none" else f" + {metrics['adapter']}")
    print(
        f"{name} ({metrics['mode']}, seed {metrics['seed']}, {parameters['backbone']:,}{added} parameters) "
        f"on {metrics['dataset']}, {metrics['split']}"
    )
    steps = [step for step in ("3", "6", "12") if step in metrics["horizons"]]
    parts = [f"step {step} MAE {_told(metrics['horizons'][step]['mae'], 3)}" for step in steps]
    for kind in ("average", "pooled"):
        error = metrics[kind]
        mae, rmse, mape = (_told(error[name], digits) for name, digits in (("mae", 3), ("rmse", 3), ("mape", 2)))
        parts.append(f"{kind} MAE {mae} RMSE {rmse} MAPE {mape} %")
    print("  " + " | ".join(parts))


def _told(error: float | None, digits: int) -> str:
    """An error, or – where there was nothing to measure: no target, or for MAPE none but zeros."""
    return "–" if error is None or error != error else f"{error:.{digits}f}"


VERBS = {
    "demo": Verb(DemoOptions, demo),
    "fit": Verb(FitConfig, fit, trains=True),
    "adapt": Verb(AdaptConfig, adapt, ("run",), trains=True),
    "compare": Verb(CompareConfig, compare, trains=True),
    "report": Verb(ReportOptions, report, ("folder",)),
    "evaluate": Verb(EvaluateOptions, evaluate, ("run",), flags=("json",)),
    "predict": Verb(PredictOptions, predict, ("run",)),
    "export": Verb(ExportOptions, export, ("run",)),
}
DATA_VERBS = {
    "list": Verb(ListOptions, data_list),
    "info": Verb(InfoOptions, data_info, ("name",)),
    "get": Verb(GetOptions, data_get, ("name",)),
    "check": Verb(CheckOptions, data_check, ("path",), flags=("json",)),
    "convert": Verb(ConvertOptions, data_convert, ("path",)),
}


def _parser(with_studies: bool = False) -> ArgumentParser:
    """All verbs; the studies are the fields of an adapter, which take time to import, and come if they are wanted."""
    parser = ArgumentParser(
        prog="stlora",
        description="Node-adaptive forecasting of sensor networks.",
        exit_on_error=False,
        version=__version__,
    )
    verbs = parser.add_subcommands(dest="verb", metavar="VERB", required=True)
    for name, verb in VERBS.items():
        verbs.add_subcommand(name, verb_parser(verb), help=first_line(verb.options))
    data = ArgumentParser(exit_on_error=False, description="Public data sets, and a check of any data.")
    verbs.add_subcommand("data", data, help="Public data sets, and a check of any data.")
    data_verbs = data.add_subcommands(dest="data_verb", metavar="VERB", required=True)
    for name, verb in DATA_VERBS.items():
        data_verbs.add_subcommand(name, verb_parser(verb), help=first_line(verb.options))
    about = "What a choice of the adapter is worth, and how little data does: one command, one figure."
    studies = ArgumentParser(exit_on_error=False, description=about)
    verbs.add_subcommand("study", studies, help=about)
    if with_studies:
        study_parsers = studies.add_subcommands(dest="study_verb", metavar="STUDY", required=True)
        for name, verb in _study_verbs().items():
            study_parsers.add_subcommand(name, verb_parser(verb), help=verb.about or first_line(verb.options))
    return parser


def _run(given: Sequence[str]) -> None:
    words, verb, siblings = _named(given)
    parser = _parser(with_studies=words == "stlora study" or words.startswith("stlora study "))
    try:
        chosen = parser.parse_args(given)
    except ArgumentError as error:
        raise InputError(in_our_words(str(error), words, verb, siblings)) from error
    assert verb is not None  # or the parser had refused it
    for word in words.split()[1:]:
        chosen = chosen[word]
    names = {field.name for field in fields(verb.options)}
    options = verb.options(**{name: value for name, value in chosen.as_dict().items() if name in names})
    # data check tells them itself; of several processes the first does
    silent = words == "stlora data check" or os.environ.get("RANK", "0") != "0"
    with nullcontext() if silent else _notes_on_stderr():
        verb.run(options)


def _named(given: Sequence[str]) -> tuple[str, Verb | None, list[str]]:
    """The command up to the last word that is a verb, what it stands for, and which verbs there are in its place."""
    first = next(iter(given), "")
    groups: dict[str, Callable[[], dict[str, Verb]]] = {"data": lambda: DATA_VERBS, "study": _study_verbs}
    if first not in groups:
        known = first in VERBS
        return f"stlora {first}" if known else "stlora", VERBS.get(first), [*VERBS, *groups]
    verbs = groups[first]()
    second = next(iter(given[1:]), "")
    words = f"stlora {first} {second}" if second in verbs else f"stlora {first}"
    return words, verbs.get(second), list(verbs)


def _study_verbs() -> dict[str, Verb]:
    """Of the fields of an adapter, which take time to import."""
    from stlora.verbs.studies import study_verbs

    return study_verbs()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb.

    Args:
        arguments: of the command line; those of the process if None.

    Returns:
        0 done; 2 the user can mend it; 1 a defect of the library.
    """
    prepare_streams()
    stlora.progress.is_command = True
    warnings.filterwarnings("ignore", category=FutureWarning)
    status = _status(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.stdout.flush()  # what a full disk or a closed pipe makes of it is told here, or by nobody
    except BrokenPipeError:
        leave_stdout()
    except OSError as error:
        leave_stdout()
        say(f"stlora: error: standard output: {reason_of(error)}")
        return status or 2
    return status


def _status(arguments: Sequence[str]) -> int:
    try:
        _run(arguments)
    except InputError as error:
        say(f"stlora: error: {' '.join(str(error).split())}")
        return 2
    except KeyboardInterrupt:
        say("stlora: stopped; give the same command again to go on")
        return 130
    except BrokenPipeError:
        leave_stdout()
        return 0
    except OSError as error:
        say(f"stlora: error: {reason_of(error)}")
        return 2
    except Exception as error:
        with suppress(OSError):
            traceback.print_exc()
        return _blame(error)
    return 0


def _blame(error: Exception) -> int:
    """Say whose defect it is, below its traceback."""
    own = sys.modules.get("stlora.backbones.own")  # not imported: no backbone of the user's own
    if own is not None and own.place_in_own_code(error):
        said = f"your own backbone fails with {own.told(error)}; mend it there and give the same command again"
        say(f"stlora: error: {said}")
        return 2
    say("stlora: this is a defect of the library; please report it with the lines above")
    return 1


if __name__ == "__main__":
    sys.exit(main())
