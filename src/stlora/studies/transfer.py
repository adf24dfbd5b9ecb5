"""The study of transfer: forms chosen on one data set or backbone, and how good they are on another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.evaluation.tables import Table
from stlora.evaluation.writing import to_markdown
from stlora.folders import claimed
from stlora.studies.cells import make_cells, run_cells
from stlora.studies.config import TransferConfig
from stlora.studies.designs import grid_designs
from stlora.studies.drawing import try_figure
from stlora.studies.outcome import Outcome, Study, gather
from stlora.studies.protocol import check_same_study, make_protocol
from stlora.studies.sources import Measurements, find_sources, groups_of
from stlora.studies.transfers import transfer_table, transfers
from stlora.studies.writing import about_table, study_table, write_page, write_study
from stlora.training import together

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABOUT = (
    "Transfer: the form with the least validation MAE on the first is used on the second. Spearman: rank correlation "
    "of the changes that the forms come to on both. Regret: how much of the second's MAE alone, in percentage points, "
    "is lost against the form that the second would have chosen by its own validation MAE; on validation it cannot be "
    "below zero.\n"
)


def transfer_study(config: TransferConfig, series: Iterable[SensorSeries] = (), show: bool = False) -> Study:
    """Fit a grid of forms to trained backbones, and see whether what is best on one is good on another.

    Args:
        config: all options.
        series: measurements that are at hand; those of other runs are read.
        show: progress on the terminal.

    Raises:
        InputError: several processes were started, the grid or a run cannot be used, or all runs are of one data set
            and backbone.
    """
    together.refuse("a study")
    with claimed(config.out):
        return _transfer_study(config, series, show)


def _transfer_study(config: TransferConfig, series: Iterable[SensorSeries], show: bool) -> Study:
    designs, sources = grid_designs(config.grid, config), find_sources(config.runs)
    if len(groups_of(sources)) < 2:
        raise InputError(
            f"the runs are all of {' '.join(sources[0].group)}; give those of two data sets or backbones, separated by "
            "commas"
        )
    out, cells = Path(config.out), make_cells(config, sources, designs)
    protocol = make_protocol("transfer", config, cells)
    check_same_study(out, protocol)
    failed: dict[str, str] = {}

    def write() -> Outcome:
        outcome = gather(cells, failed)
        found = transfers(outcome)
        write_study(out, protocol, cells, outcome, transfers=[asdict(one) for one in found])
        parts = [to_markdown(transfer_table(found)), ABOUT, "## The forms\n", to_markdown(_forms(outcome))]
        write_page(out, "Study of transfer", [*parts, about_table(outcome, protocol)], failed)
        return outcome

    def draw() -> Figure:
        from stlora.studies.transfer_figure import transfer_figure

        return transfer_figure(outcome, transfers(outcome))

    outcome = write()  # the protocol stands before the first cell does
    for more in run_cells(config, cells, Measurements(series), show):
        failed |= more
        outcome = write()
    found = transfers(outcome)
    return Study([_forms(outcome), transfer_table(found)], try_figure(out, draw) if found else "", failed)


def _forms(outcome: Outcome) -> Table:
    return study_table(outcome, "form", lambda design: design.name)
