"""What a form that was chosen on one data set or backbone comes to on another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from scipy.stats import spearmanr

from stlora.evaluation.tables import Table
from stlora.studies.outcome import Outcome, Point
from stlora.studies.sources import Group


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
