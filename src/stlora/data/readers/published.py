"""The published data sets that are known by their size alone, for files that hold no dates."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class PublishedSet:
    """What the size of an array says about it.

    Attributes:
        name: of the data set.
        steps: T.
        nodes: N.
        first_day: the date of its first row.
        unit: of its first channel.
        zero_is_missing: whether its publishers let a zero stand for a missing value.
    """

    name: str
    steps: int
    nodes: int
    first_day: pd.Timestamp
    unit: str
    zero_is_missing: bool


INTERVAL = pd.Timedelta(minutes=5)  # of all of them

_SETS = tuple(
    PublishedSet(name, steps, nodes, pd.Timestamp(day), "mph" if speed else "vehicles per 5 min", speed)
    for name, steps, nodes, day, speed in (
        ("METR-LA", 34_272, 207, "2012-03-01", True),
        ("PEMS-BAY", 52_116, 325, "2017-01-01", True),
        ("PEMS03", 26_208, 358, "2018-09-01", False),
        ("PEMS04", 16_992, 307, "2018-01-01", False),
        ("PEMS07", 28_224, 883, "2017-05-01", False),
        ("PEMS08", 17_856, 170, "2016-07-01", False),
    )
)

# Rows and nodes of the published lists of links of PEMS03, 04, 07 and 08: published work joins both ways with weight 1.
LINK_LISTS = frozenset({(547, 358), (340, 307), (866, 883), (295, 170)})


def find(steps: int, nodes: int) -> PublishedSet | None:
    """The published data set of this size, if there is one.

    Example:
        >>> find(16_992, 307).name
        'PEMS04'
    """
    return next((known for known in _SETS if (known.steps, known.nodes) == (steps, nodes)), None)
