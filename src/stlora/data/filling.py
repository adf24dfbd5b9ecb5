"""What stands in a model's input where nothing was observed. Targets are never filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stlora.errors import InputError

Fill = Literal["last", "linear", "profile"]


@dataclass(frozen=True, eq=False)
class Filling:
    """How gaps in a history are filled.

    Attributes:
        fill: last (the last value observed in the window), linear (between the observed values around the gap, the
            nearest one at the ends of the window), or profile (the sensor's mean at that time of day). Where that
            gives nothing, the training mean.
        profile: ``[slots, N]`` float32, what :func:`stlora.data.time.clock.daily_profile` returns; for profile alone.

    Raises:
        InputError: the way is unknown, or the profile is missing.
    """

    fill: Fill = "last"
    profile: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.fill not in get_args(Fill):
            raise InputError(f"fill is {self.fill!r}; choose one of {', '.join(get_args(Fill))}")
        if (self.fill == "profile") != (self.profile is not None):
            raise InputError(f"fill is {self.fill!r}; a profile belongs to profile and to no other")


def carry_forward(scaled: Tensor, observed: Tensor) -> Tensor:
    """The last observed value, or 0, the scaled mean, before the first; in place.

    Args:
        scaled: ``[B, T, N]``, anything where nothing was observed.
        observed: ``[B, T, N]``.

    Example:
        >>> x = torch.tensor([torch.nan, 2.0, torch.nan]).reshape(1, 3, 1)
        >>> carry_forward(x, ~x.isnan()).flatten().tolist()
        [0.0, 2.0, 2.0]
    """
    scaled[:, 0].masked_fill_(~observed[:, 0], 0.0)
    for step in range(1, scaled.shape[1]):
        torch.where(observed[:, step], scaled[:, step], scaled[:, step - 1], out=scaled[:, step])
    return scaled


def interpolate(scaled: Tensor, observed: Tensor) -> Tensor:
    """Linear between the observed values around a gap, the nearest one at the ends, 0 where there is none.

    Args:
        scaled: ``[B, T, N]``, anything where nothing was observed.
        observed: ``[B, T, N]``.

    Example:
        >>> x = torch.tensor([torch.nan, 2.0, torch.nan, torch.nan, 5.0]).reshape(1, 5, 1)
        >>> interpolate(x, ~x.isnan()).flatten().tolist()
        [2.0, 2.0, 3.0, 4.0, 5.0]
    """
    last = scaled.shape[1] - 1
    steps = torch.arange(last + 1, device=scaled.device)[None, :, None]
    before = torch.where(observed, steps, -1).cummax(dim=1).values
    after = torch.where(observed, steps, last + 1).flip(1).cummin(dim=1).values.flip(1)
    left = torch.where(before < 0, after, before).clamp(max=last)
    right = torch.where(after > last, before, after).clamp(min=0)
    weight = (steps - left) / (right - left).clamp(min=1)
    known = torch.where(observed, scaled, 0.0)
    return torch.lerp(known.gather(1, left), known.gather(1, right), weight.to(scaled.dtype))
