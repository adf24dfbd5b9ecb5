"""``report.html`` in the folder of a comparison or of an adapted run, made from the files that lie there."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

from stlora.errors import InputError
from stlora.report.comparison_page import write_comparison_page
from stlora.report.page import write_report
from stlora.report.runs.adapted import report_of
from stlora.report.runs.comparison import comparison_report
from stlora.training.prepare import open_run
from stlora.training.run import Run

_PAGE = "report.html"


def report_on(
    folder: str | Path, data: str | None = None, module: str | None = None, sensors: Sequence[str] = ()
) -> Path:
    """Write the page of a folder again; nothing is trained.

    Args:
        folder: of a comparison, or of an adapted run.
        data: the data's new place, if it was moved.
        module: ``package.module:factory``, if a backbone of your own is drawn; runs that code.
        sensors: ids of those whose forecasts are drawn beside truth; chosen by their changes if not given.

    Returns:
        The file that was written.

    Raises:
        InputError: it is no such folder, something in it is missing or damaged, the data is not there or has changed,
            a sensor is not among its sensors, or matplotlib or jinja2 is not installed.
    """
    place = Path(folder)
    if (place / "results.json").exists():
        return report_comparison(place, data, [module] if module else [], sensors)
    if not Run(place).finished:
        raise InputError(
            f"{place} holds neither a comparison nor a finished run; give a folder that compare or adapt made"
        )
    run = Run(place)
    options = run.options
    if "run" not in options:
        raise InputError(
            f"{place} holds {run.metrics['backbone']} and no backbone alone to set it beside; give a folder that "
            "stlora adapt or stlora compare made"
        )
    series = open_run(run.record(), moved_to=data).series
    alone = Run(options["run"])
    if alone.record() != run.record():
        raise InputError(
            f"{alone.folder} holds another backbone than the one that {place} adapted; give the command in the folder "
            "in which that was done, with the run in its place"
        )
    write_report(place / _PAGE, report_of([alone, run], series, module=module, sensors=sensors))
    return place / _PAGE


def report_comparison(folder: Path, data: str | None, modules: Sequence[str], sensors: Sequence[str] = ()) -> Path:
    """Write the page of a comparison.

    Args:
        folder: of the comparison.
        data: the data's place, if not where it lay when the runs were made.
        modules: ``package.module:factory`` of backbones of your own, whose code may be run.
        sensors: as of :func:`report_on`.

    Returns:
        The file that was written.

    Raises:
        InputError: as :func:`report_on`.
    """
    write_comparison_page(folder / _PAGE, comparison_report(folder, data, modules, sensors))
    return folder / _PAGE


def try_report(folder: Path, data: str | None, modules: Sequence[str]) -> str:
    """A line that says where the page of a comparison is, or why there is none: its tables stand without one.

    A defect while the page is drawn does not end the command either; its traceback is printed.
    """
    try:
        return f"the report: {report_comparison(folder, data, modules)}"
    except (InputError, OSError) as error:  # such as a full disk
        return f"no report: {error}"
    except Exception as error:
        traceback.print_exc()
        return f"no report: {type(error).__name__}: {error}"
