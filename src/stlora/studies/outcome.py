"""What a study came to: every form of the adapter against the backbone alone, over the seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stlora.evaluation.rows import Row, Spread, summarise
from stlora.evaluation.tables import Table
from stlora.studies.cells import Cell
from stlora.studies.designs import Design
from stlora.studies.sources import Group
from stlora.training.run import Run


@dataclass(frozen=True)
class Point:
    """A form of the adapter on a data set and backbone.

    Attributes:
        group: the data set and backbone.
        design: the form.
        row: its errors, changes and costs over the seeds.
    """

    group: Group
    design: Design
    row: Row

    @property
    def change(self) -> Spread:
        """Of the average MAE of the test windows, in percent of the backbone alone; NaN where one was not measured."""
        return Spread(math.nan, math.nan, 0) if self.row.change is None else self.row.change

    @property
    def val_change(self) -> Spread | None:
        """Of the MAE of the validation windows; None where a run does not know it."""
        return self.row.val_change

    @property
    def val_mean(self) -> float:
        """Its mean, where it is known."""
        assert self.val_change is not None, "only what is complete is asked"
        return self.val_change.mean

    @property
    def added(self) -> int:
        """Parameters."""
        return self.row.parameters["adapter"]


@dataclass(frozen=True)
class Outcome:
    """What a study came to.

    Attributes:
        points: of every data set and backbone, in the order of the forms.
        alone: each backbone alone.
        failed: cells without a result, with their reason.
    """

    points: list[Point]
    alone: dict[Group, Row]
    failed: dict[str, str]

    def of(self, group: Group) -> list[Point]:
        """The points of a data set and backbone."""
        return [point for point in self.points if point.group == group]

    def complete(self, group: Group) -> list[Point]:
        """Those whose validation MAE is known with all seeds of the backbone."""
        seeds = len(self.alone[group].seeds)
        return [point for point in self.of(group) if point.val_change is not None and point.val_change.n == seeds]

    def chosen(self, group: Group) -> Point | None:
        """The form with the least validation MAE, the first of equals; None if no form is complete.

        The test windows have no say in it.
        """
        return min(self.complete(group), key=lambda point: point.val_mean, default=None)


@dataclass(frozen=True)
class Study:
    """What a study came to.

    Attributes:
        tables: for the terminal.
        figure: where its figure is, or why there is none; empty if nothing is finished.
        failed: cells without a result, with their reason.
    """

    tables: list[Table]
    figure: str
    failed: dict[str, str]


def gather(cells: Sequence[Cell], failed: Mapping[str, str]) -> Outcome:
    """What is finished by now.

    Args:
        cells: finished or not.
        failed: their reasons.
    """
    points: list[Point] = []
    alone: dict[Group, Row] = {}
    for group in dict.fromkeys(cell.source.group for cell in cells):
        mine = [cell for cell in cells if cell.source.group == group]
        runs = [source.run.metrics for source in dict.fromkeys(cell.source for cell in mine)]
        # a form stands where the name of an adapter does, so that each gets a row
        finished = [cell for cell in mine if Run(cell.folder).finished]
        runs += [{**Run(cell.folder).metrics, "adapter": cell.design.folder} for cell in finished]
        alone[group], *rows = summarise(runs)
        by_form = {row.adapter: row for row in rows}
        forms = {cell.design.folder: cell.design for cell in mine}
        points += [Point(group, form, by_form[name]) for name, form in forms.items() if name in by_form]
    return Outcome(points, alone, dict(failed))
