"""The baselines by name; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from stlora import named_options
from stlora.errors import InputError

if TYPE_CHECKING:
    from stlora.baselines.base import Baseline

_BASELINES = {
    "ha": "stlora.baselines.ha:HistoricalAverage",
    "naive": "stlora.baselines.naive:LastValue",
    "seasonal": "stlora.baselines.seasonal:SeasonalNaive",
    "var": "stlora.baselines.var:VectorAutoregression",
    "svr": "stlora.baselines.svr:SupportVectorRegression",
}


def names() -> list[str]:
    """The names that :func:`create` takes.

    Example:
        >>> names()
        ['ha', 'naive', 'seasonal', 'var', 'svr']
    """
    return list(_BASELINES)


def create(name: str, num_nodes: int, history: int = 12, horizon: int = 12, **options: Any) -> Baseline:
    """Build a baseline that is not fitted yet; :func:`stlora.baselines.fit_baseline` fits it, too.

    Args:
        name: one of :func:`names`.
        num_nodes: N, the number of sensors.
        history: T, the number of past steps.
        horizon: H, the number of future steps.
        options: of this baseline; see its class.

    Returns:
        A module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]``, both in scaled units.

    Raises:
        InputError: the name is unknown, or an option is unknown or cannot be used.

    Example:
        >>> import torch
        >>> create("naive", num_nodes=5)(torch.zeros(2, 12, 5, 3)).shape
        torch.Size([2, 12, 5, 1])
    """
    check_options(name, options)
    with named_options.explained(name, options):
        return _find(name)(num_nodes=num_nodes, history=history, horizon=horizon, **options)


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse options that a baseline does not have, or cannot use; its sizes are none.

    Raises:
        InputError: the name or an option is unknown, or a value of the wrong kind.
    """
    named_options.check_options(name, _find(name), 3, options)


def takes(name: str, option: str) -> bool:
    """Whether a baseline has an option of that name.

    Raises:
        InputError: the name is unknown.

    Example:
        >>> takes("ha", "steps_per_day"), takes("naive", "steps_per_day")
        (True, False)
    """
    return option in signature(_find(name)).parameters


def _find(name: str) -> type[Baseline]:
    if name not in _BASELINES:
        raise InputError(f"no baseline is called {name!r}; choose one of {', '.join(_BASELINES)}")
    module, _, cls = _BASELINES[name].partition(":")
    baseline: type[Baseline] = getattr(import_module(module), cls)
    return baseline
