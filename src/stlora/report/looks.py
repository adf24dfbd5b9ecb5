"""How lines are told apart: by colours that the colour-blind tell apart too, then by dashes and marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stlora.report.style import ADAPTED, ALONE, OTHERS

COLOURS = 2 + len(OTHERS)  # that differ: more lines than these in a figure need dashes
_DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = (
    *("-", "--", ":", "-."),
    *((0, (6, 1.5, 1, 1.5, 1, 1.5)), (0, (8, 3))),
)
_MARKERS = "os^Dv*"


@dataclass(frozen=True)
class Look:
    """Of a line.

    Attributes:
        colour: from the palette of :mod:`stlora.report.style`.
        dash: a line style of matplotlib.
        marker: of its points, where they are marked.
    """

    colour: str
    dash: str | tuple[float, tuple[float, ...]]
    marker: str


def looks_of(*groups: Sequence[str]) -> dict[str, Look]:
    """A look for each name, unlike that of any other, as far as there are 32.

    The first name has the colour of the backbone alone, the second that of its adapter, five more one of their own.
    After these, and with every further group, the next kind of dash begins.

    Args:
        groups: names, the first ones solid; a name that comes again keeps its look.
    """
    looks: dict[str, Look] = {}
    turn = 0
    for group in groups:
        colours = [ALONE, ADAPTED, *OTHERS] if turn == 0 else list(OTHERS)
        for name in dict.fromkeys(group):
            if name in looks:
                continue
            if not colours:
                turn, colours = turn + 1, list(OTHERS)
            looks[name] = Look(colours.pop(0), _DASHES[turn % len(_DASHES)], _MARKERS[turn % len(_MARKERS)])
        turn += 1
    return looks
