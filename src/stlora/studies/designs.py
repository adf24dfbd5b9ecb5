"""The forms of the adapter that a study fits: fields of its configuration, and the values that they are given."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml

from stlora.adapters import STLoRAConfig
from stlora.errors import InputError
from stlora.studies.config import DesignOptions
from stlora.training.comparing.lists import names

_NOT_STUDIED = ("freeze_backbone",)  # not a form of the adapter
_RANGES: dict[str, tuple[Any, ...]] = {
    "rank": (1, 2, 4, 8, 16),
    "alpha": (1, 2, 4, 8, 16),
    "width": (8, 16, 32, 64),
    "layers": (0, 1, 2, 3, 4),
    "passes": (1, 2, 3, 4, 6),
    "predictors": (1, 2, 3, 4),
    "harmonics": (0, 2, 4, 8),
    "profile": (4, 8, 16, 24, 32),
    "neighbours": (0, 2, 4, 8, 16),
    "dropout": (0, 0.1, 0.2, 0.3),
}


@dataclass(frozen=True)
class Design:
    """A form of the adapter.

    Attributes:
        changes: fields that differ from the adapter that is studied, with their values.
        named: what it is called; its changes if empty.
    """

    changes: dict[str, Any]
    named: str = ""

    @property
    def name(self) -> str:
        """For people.

        Example:
            >>> Design({"rank": 4, "gaps": True}).name
            'rank 4, gaps true'
        """
        return self.named or ", ".join(f"{field} {value_text(value)}" for field, value in self.changes.items())

    @property
    def folder(self) -> str:
        """The name of its folders.

        Example:
            >>> Design({"rank": 4, "gaps": True}).folder
            'rank-4-gaps-true'
        """
        return self.name.replace(", ", "-").replace(" ", "-")


def value_text(value: Any) -> str:
    """A value as it is given on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def studied_fields() -> list[str]:
    """The fields of an adapter that can be studied."""
    return [field.name for field in dataclasses.fields(STLoRAConfig) if field.name not in _NOT_STUDIED]


def designs_of(field: str, values: Any, options: DesignOptions) -> list[Design]:
    """The adapter with each value of a field.

    Args:
        field: of :class:`stlora.adapters.STLoRAConfig`.
        values: a list, or text with commas; None for the field's own range.
        options: of the study.

    Raises:
        InputError: no such field, or a value is none of its values.

    Example:
        >>> from stlora.studies.config import FieldStudyConfig
        >>> [design.name for design in designs_of("rank", "1,2", FieldStudyConfig(runs="a", out="b"))]
        ['rank 1', 'rank 2']
    """
    if field not in studied_fields():
        raise InputError(
            f"no study is called {field!r}; choose one of {', '.join(studied_fields())}, or fewshot or transfer"
        )
    given = own_values(field) if values is None else _values(values)
    return _checked([Design({field: value}) for value in given], options)


def own_values(field: str) -> tuple[Any, ...]:
    """The values of a field that are tried if none are named; its default is among them.

    Raises:
        InputError: it has none.

    Example:
        >>> own_values("gaps")
        (False, True)
    """
    kind = get_type_hints(STLoRAConfig)[field]
    if get_origin(kind) is Literal:
        return get_args(kind)
    if kind is bool:
        return False, True
    if field not in _RANGES:
        raise InputError(f"the field {field} has no range of its own; give --values, separated by commas")
    return tuple(sorted({*_RANGES[field], getattr(STLoRAConfig(), field)}))


def grid_designs(grid: Mapping[str, Sequence[Any]], options: DesignOptions) -> list[Design]:
    """The adapter as it is named, and with every combination of values.

    Raises:
        InputError: the grid is empty, or has a field or value that the adapter has not.
    """
    unknown = [field for field in grid if field not in studied_fields()]
    if unknown or not grid or not all(grid.values()):
        raise InputError(
            f"the grid is {dict(grid)}; expected fields with lists of values such as {{rank: [2, 8], width: [8, 32]}}, "
            f"of {', '.join(studied_fields())}"
        )
    combinations = itertools.product(*grid.values())
    made = [Design(dict(zip(grid, combination, strict=True))) for combination in combinations]
    base = dataclasses.asdict(base_form(options))
    others = [design for design in made if any(base[field] != value for field, value in design.changes.items())]
    return _checked([Design({}, options.adapter), *others], options)


def base_form(options: DesignOptions) -> STLoRAConfig:
    """The adapter of which all but the studied fields are kept.

    Raises:
        InputError: its name or an option is unknown.
    """
    return STLoRAConfig.named(options.adapter, **options.adapter_options)


def _values(given: Any) -> list[Any]:
    """A list, or text with commas, as values."""
    if isinstance(given, (list, tuple)):
        return list(given)
    return [yaml.safe_load(part) for part in names(value_text(given))]


def _checked(designs: list[Design], options: DesignOptions) -> list[Design]:
    """Refuse what the adapter cannot be, before anything is fitted."""
    kinds = get_type_hints(STLoRAConfig)
    for design in designs:
        for field, value in design.changes.items():
            choices = get_args(kinds[field]) if get_origin(kinds[field]) is Literal else (value,)
            if value not in choices or (isinstance(value, bool) and kinds[field] is not bool):
                expected = f"choose of {', '.join(choices)}" if value not in choices else "expected numbers"
                raise InputError(f"{value_text(value)!r} is no value of {field}; {expected}")
        STLoRAConfig.named(options.adapter, **{**options.adapter_options, **design.changes})
    if len({design.folder for design in designs}) < len(designs):
        raise InputError(
            f"the values {', '.join(design.name for design in designs)} are not all different; name each once"
        )
    return designs
