"""What can be fitted by name: the backbones, which are trained, and the baselines, which are calculated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stlora import backbones, baselines
from stlora.backbones import own
from stlora.backbones.own import is_factory
from stlora.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn


def create(
    name: str,
    num_nodes: int,
    adjacency: NDArray[np.float32] | Tensor | None = None,
    history: int = 12,
    horizon: int = 12,
    in_channels: int = 3,
    **options: Any,
) -> nn.Module:
    """Build a backbone or a baseline; see :func:`stlora.backbones.create` and :func:`stlora.baselines.create`.

    Raises:
        InputError: the name is unknown, or the options do not fit.
    """
    if is_baseline(name):
        return baselines.create(name, num_nodes, history, horizon, **options)
    _check(name)
    return backbones.create(name, num_nodes, adjacency, history, horizon, in_channels, **options)


def takes(name: str, option: str) -> bool:
    """Whether a backbone or a baseline has an option of that name.

    Raises:
        InputError: the name is unknown.
    """
    if is_baseline(name):
        return baselines.takes(name, option)
    _check(name)
    return backbones.takes(name, option)


def check_backbones(names: Sequence[str], options: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a name that stands for nothing, or an option that it does not have; a factory of your own is imported.

    Args:
        names: of backbones and baselines.
        options: of some of them, by their names.

    Raises:
        InputError: a name or an option is unknown, a value of the wrong kind, or code cannot be imported.
    """
    for name in options:
        if name not in names:
            raise InputError(
                f"backbone_options are given for {name!r}; expected one of the backbones, {', '.join(names)}"
            )
    for name in names:
        if not is_factory(name) and not is_baseline(name):
            _check(name)
        room = own if is_factory(name) else baselines.registry if is_baseline(name) else backbones.registry
        room.check_options(name, options.get(name, {}))


def is_baseline(name: str) -> bool:
    """Whether it is the name of a baseline.

    Example:
        >>> is_baseline("ha"), is_baseline("lstm")
        (True, False)
    """
    return name in baselines.names()


def _check(name: str) -> None:
    if name not in backbones.names():
        raise InputError(
            f"no backbone is called {name!r}; choose one of {', '.join(backbones.names())}, "
            f"or a baseline: {', '.join(baselines.names())}"
        )
