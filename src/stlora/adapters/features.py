"""What a predictor sees of a window: past values, gaps, the forecast so far, the clock, what is known of the node."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from stlora.adapters.config import STLoRAConfig
from stlora.adapters.profile import NEWEST, Context, key_steps
from stlora.errors import InputError

VALUE, TIME_OF_DAY, DAY_OF_WEEK, OBSERVED = range(4)  # the channels of a history


def num_features(config: STLoRAConfig, history: int, horizon: int, drafted: bool) -> int:
    """How many features of a node :func:`window_features` makes, with or without a forecast so far."""
    newest = min(NEWEST, history)
    draft = horizon if drafted else 0
    known = horizon + len(key_steps(horizon)) if config.profile else 0
    around = 2 * newest if config.neighbours else 0
    gaps = newest if config.gaps else 0
    weekday = 3 if config.weekday else 0
    return history + draft + known + around + gaps + 2 * config.harmonics + weekday


def window_features(x: Tensor, forecast: Tensor | None, config: STLoRAConfig, context: Context | None = None) -> Tensor:
    """The features of each node, newest clock included.

    A predictor needs the clock and the gaps to act on what is particular to its node. A history without the
    ``observed`` channel counts as fully observed. Where a profile is known, past values are departures from it.

    Args:
        x: history ``[B, T, N, C]``: scaled value, time of day, day of week / 7, and, if there, observed or not.
        forecast: the forecast so far ``[B, H, N]`` in scaled units; None where it is nothing but what is expected,
            which follows from the usual values and the departures.
        config: which features are wanted.
        context: the window in the light of what is known of each node; see
            :class:`stlora.adapters.profile.NodeProfile`.

    Returns:
        ``[B, N, F]``, features first in memory.
    """
    steps, channels = x.shape[1], x.shape[-1]
    parts = [x[..., VALUE] if context is None else context.departure]  # [B, T, N]
    if forecast is not None:
        parts.append(forecast)
    if context is not None:
        parts += [context.usual, context.spread, *context.around]
    if config.gaps:
        newest = x[:, -min(NEWEST, steps) :]
        parts.append(1 - newest[..., OBSERVED] if channels > OBSERVED else torch.zeros_like(newest[..., VALUE]))
    if config.harmonics or config.weekday:
        parts += _clock(x[:, -1], config)
    return torch.cat([part.transpose(0, 1) for part in parts]).permute(1, 2, 0)


def check_channels(x: Tensor, config: STLoRAConfig) -> None:
    """Refuse a history without a clock where one is wanted.

    Raises:
        InputError: ``x`` has no clock channels.
    """
    if (config.harmonics or config.weekday or config.profile) and x.shape[-1] <= DAY_OF_WEEK:
        raise InputError(
            f"the history has {x.shape[-1]} channel(s) and the adapter reads time of day and day of week from "
            "channels 1 and 2; add them, or set harmonics=0, weekday=False, profile=0 and neighbours=0"
        )


def _clock(last: Tensor, config: STLoRAConfig) -> list[Tensor]:
    """Clock features of the newest step ``[B, N, C]``: harmonics of the day, weekend, weekly sine and cosine.

    Each is ``[B, F, N]``.
    """
    parts = []
    if config.harmonics:
        order = torch.arange(1, config.harmonics + 1, device=last.device, dtype=last.dtype)
        angle = 2 * math.pi * last[:, None, :, TIME_OF_DAY] * order[:, None]  # [B, K, N]
        parts += [angle.sin(), angle.cos()]
    if config.weekday:
        day = last[:, None, :, DAY_OF_WEEK]
        angle = 2 * math.pi * day
        weekend = (day > 4.5 / 7).to(last.dtype)  # Saturday is 5/7
        parts += [weekend, angle.sin(), angle.cos()]
    return parts
