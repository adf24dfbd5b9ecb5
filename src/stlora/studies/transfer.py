"""The study of transfer: forms chosen on one data set or backbone, and how good they are on another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

from scipy.stats import spearmanr

from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.evaluation.tables import Table
from stlora.evaluation.writing import to_markdown
from stlora.studies.cells import make_cells, run_cells
from stlora.studies.config import TransferConfig
from stlora.studies.designs import grid_designs
from stlora.studies.drawing import try_figure
from stlora.studies.outcome import Outcome, Point, Study, gather
from stlora.studies.protocol import check_same_study, make_protocol
from stlora.studies.sources import Group, Measurements, find_sources, groups_of
from stlora.studies.writing import about_table, study_table, write_page, write_study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABOUT = (
    "Transfer: the form with the least validation MAE on the first is used on the second. Spearman: rank correlation "
    "of the changes that the forms come to on both. Regret: how much of the second's MAE alone, in percentage points, "
    "is lost against the form that the second would have chosen by its own validation MAE; on validation it cannot be "
    "below zero.\n"
)


@dataclass(frozen=True)
class Transfer:
    """A form chosen on one data set and backbone, on another.

    Attributes:
        source: where it is chosen, by validation.
        target: where it is used.
        chosen: its name.
        own: what the target would have chosen.
        forms: that both have.
        val_rank: Spearman's correlation of the validation changes of the forms; NaN if one side never differs.
        rank: of the test changes.
        val_regret: percentage points of validation MAE that the target loses against its own choice.
        regret: of test MAE.
        change: of the target's test MAE with the chosen form, in percent of the backbone alone.
    """

    source: Group
    target: Group
    chosen: str
    own: str
    forms: int
    val_rank: float
    rank: float
    val_regret: float
    regret: float
    change: float


def transfer_study(config: TransferConfig, series: Iterable[SensorSeries] = (), show: bool = False) -> Study:
    """Fit a grid of forms to trained backbones, and see whether what is best on one is good on another.

    Args:
        config: all options.
        series: measurements that are at hand; those of other runs are read.
        show: progress on the terminal.

    Raises:
        InputError: the grid or a run cannot be used, or all runs are of one data set and backbone.
    """
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


def transfers(outcome: Outcome) -> list[Transfer]:
    """Every data set and backbone to every other, where both have forms whose validation MAE is known."""
    found = [_transfer(outcome, source, target) for source, target in permutations(outcome.alone, 2)]
    return [one for one in found if one is not None]


def shared_points(outcome: Outcome, source: Group, target: Group) -> list[tuple[Point, Point]]:
    """The points of the forms that both have with all their seeds and with their validation MAE."""
    there = {point.design.name: point for point in outcome.complete(target)}
    return [(point, there[name]) for point in outcome.complete(source) if (name := point.design.name) in there]


def _transfer(outcome: Outcome, source: Group, target: Group) -> Transfer | None:
    pairs = shared_points(outcome, source, target)
    if not pairs:
        return None
    here, there = zip(*pairs, strict=True)
    best = min(range(len(pairs)), key=lambda i: here[i].val_mean)
    own = min(range(len(pairs)), key=lambda i: there[i].val_mean)
    return Transfer(
        source=source,
        target=target,
        chosen=here[best].design.name,
        own=there[own].design.name,
        forms=len(pairs),
        val_rank=_rank([point.val_mean for point in here], [point.val_mean for point in there]),
        rank=_rank([point.change.mean for point in here], [point.change.mean for point in there]),
        val_regret=there[best].val_mean - there[own].val_mean,
        regret=there[best].change.mean - there[own].change.mean,
        change=there[best].change.mean,
    )


def _rank(one: Sequence[float], other: Sequence[float]) -> float:
    if len(set(one)) < 2 or len(set(other)) < 2:
        return math.nan
    return float(spearmanr(one, other).statistic)


def transfer_table(found: Sequence[Transfer]) -> Table:
    """A line for each way."""
    header = ["chosen on", "used on", "form", "its own choice", "Spearman validation", "Spearman test"]
    header += ["Δ test %", "regret validation", "regret test"]
    body = [
        [
            " ".join(one.source),
            " ".join(one.target),
            one.chosen,
            one.own,
            "" if math.isnan(one.val_rank) else f"{one.val_rank:+.2f}",
            "" if math.isnan(one.rank) else f"{one.rank:+.2f}",
            f"{one.change:+.2f}",
            f"{one.val_regret:.2f}",
            f"{one.regret:+.2f}",
        ]
        for one in found
    ]
    return Table(header, body, words=4)


def _forms(outcome: Outcome) -> Table:
    return study_table(outcome, "form", lambda design: design.name)
