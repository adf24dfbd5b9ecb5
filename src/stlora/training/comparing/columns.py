"""The columns of a comparison: what is done with each backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stlora.errors import InputError
from stlora.evaluation.rows import TRAINED_ON
from stlora.training import models
from stlora.training.wrapping import check_from_scratch, from_scratch

_JOINT = "-joint"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: as it is given: ``none``, an adapter, an adapter with ``-joint`` behind it, or ``trained-on``.
        kind: the backbone alone; an adapter on the frozen backbone; both trained together; the backbone trained on.
        adapter: the name of the adapter, ``none`` without one.
    """

    name: str
    kind: Literal["alone", "frozen", "joint", "trained-on"]
    adapter: str = "none"

    @classmethod
    def named(cls, name: str) -> Column:
        """The column of that name; whether there is such an adapter shows when it is used.

        Example:
            >>> Column.named("stlora-joint")
            Column(name='stlora-joint', kind='joint', adapter='stlora')
        """
        if name == "none":
            return cls(name, "alone")
        if name == TRAINED_ON:
            return cls(name, "trained-on")
        if name.endswith(_JOINT):
            return cls(name, "joint", name.removesuffix(_JOINT))
        return cls(name, "frozen", name)


ALONE = Column.named("none")


def columns_of(names: Sequence[str]) -> list[Column]:
    """The columns in the order in which they are run: the backbone alone first, trained on last.

    Raises:
        InputError: the backbone is to be trained on for as long as adapters that there are not, or one that starts
            from a trained backbone is to be trained together with it.

    Example:
        >>> [column.name for column in columns_of(["trained-on", "stlora"])]
        ['none', 'stlora', 'trained-on']
    """
    given = [Column.named(name) for name in names]
    adapters = [column for column in given if column.adapter != "none"]
    for column in adapters:
        if column.kind == "joint":
            check_from_scratch(column.adapter)
    last = [column for column in given if column.kind == "trained-on"]
    if last and not any(column.kind == "frozen" for column in adapters):
        raise InputError(
            "trained-on trains a backbone on for as long as an adapter on the frozen one took, and the adapters are "
            f"{', '.join(names)}; name one, such as --adapters none,stlora,trained-on"
        )
    return [ALONE, *adapters, *last]


def column_behind(adapter: str, mode: str) -> Column:
    """The column that a run was made for, by what its ``metrics.json`` says.

    Example:
        >>> [column_behind(*found).name for found in (("stlora", "joint"), ("stlora", "frozen"), ("finetune", "joint"))]
        ['stlora-joint', 'stlora', 'finetune']
    """
    together = mode == "joint" and adapter not in ("none", TRAINED_ON) and from_scratch(adapter)
    return Column.named(adapter + _JOINT * together)


def columns_for(backbone: str, columns: Sequence[Column]) -> list[Column]:
    """Those that make sense for a backbone: a baseline is calculated, so it is measured alone."""
    return [column for column in columns if column.kind == "alone" or not models.is_baseline(backbone)]
