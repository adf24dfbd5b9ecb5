"""The backbones by name; each is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from stlora import named_options
from stlora.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

_BACKBONES = {
    "lstm": "stlora.backbones.lstm:LSTM",
    "stgcn": "stlora.backbones.stgcn:STGCN",
    "gwnet": "stlora.backbones.gwnet:GraphWaveNet",
    "agcrn": "stlora.backbones.agcrn:AGCRN",
    "staeformer": "stlora.backbones.staeformer:STAEformer",
    "d2stgnn": "stlora.backbones.d2stgnn:D2STGNN",
    "stid": "stlora.backbones.stid:STID",
    "dcrnn": "stlora.backbones.dcrnn:DCRNN",
}

# the class of each by its own name, and the module that defines it
CLASSES = {place.partition(":")[2]: place.partition(":")[0] for place in _BACKBONES.values()}


def names() -> list[str]:
    """The names that :func:`create` takes.

    Example:
        >>> "lstm" in names()
        True
    """
    return list(_BACKBONES)


def create(
    name: str,
    num_nodes: int,
    adjacency: NDArray[np.float32] | Tensor | None = None,
    history: int = 12,
    horizon: int = 12,
    in_channels: int = 3,
    **options: Any,
) -> nn.Module:
    """Build a backbone of the published size.

    Args:
        name: one of :func:`names`.
        num_nodes: N, the number of sensors.
        adjacency: ``[N, N]`` edge weights, row = from, column = to; for the backbones that need a graph.
        history: T, the number of past steps.
        horizon: H, the number of future steps.
        in_channels: C, the number of history channels read: scaled value, time of day, day of week.
        options: sizes of this backbone that differ from the published ones; see its class.

    Returns:
        A module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]``, both in scaled units.

    Raises:
        InputError: the name is unknown, or the options do not fit the backbone.

    Example:
        >>> import torch
        >>> backbone = create("lstm", num_nodes=5)
        >>> backbone(torch.zeros(2, 12, 5, 3)).shape
        torch.Size([2, 12, 5, 1])
    """
    check_options(name, options)
    backbone = _find(name)
    with named_options.explained(name, options):
        built: nn.Module = backbone(
            num_nodes=num_nodes,
            adjacency=adjacency,
            history=history,
            horizon=horizon,
            in_channels=in_channels,
            **options,
        )
    return built


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse options that a backbone does not have, or values of the wrong kind.

    Raises:
        InputError: the name or an option is unknown, or a value cannot be used.
    """
    named_options.check_options(name, _find(name), 4, options)


def takes(name: str, option: str) -> bool:
    """Whether a backbone has an option of that name.

    Raises:
        InputError: the name is unknown.

    Example:
        >>> takes("stid", "steps_per_day"), takes("lstm", "steps_per_day")
        (True, False)
    """
    return option in signature(_find(name)).parameters


def _find(name: str) -> type[nn.Module]:
    if name not in _BACKBONES:
        raise InputError(
            f"no backbone is called {name!r}; choose one of {', '.join(_BACKBONES)}, or train your own as "
            "package.module:factory"
        )
    module, _, cls = _BACKBONES[name].partition(":")
    backbone: type[nn.Module] = getattr(import_module(module), cls)
    return backbone
