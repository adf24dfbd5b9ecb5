"""What a predictor sees of a window: past values, gaps, the backbone's forecast, the clock."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from stlora.adapters.config import STLoRAConfig
from stlora.errors import InputError

VALUE, TIME_OF_DAY, DAY_OF_WEEK, OBSERVED = range(4)  # the channels of a history


def num_features(config: STLoRAConfig, history: int, horizon: int) -> int:
    """How many features of a node :func:`window_features` makes."""
    gaps = history if config.gaps else 0
    weekday = 3 if config.weekday else 0
    usual = horizon if config.profile else 0
    return history + gaps + horizon + 2 * config.harmonics + weekday + usual


def window_features(x: Tensor, forecast: Tensor, config: STLoRAConfig, usual: Tensor | None = None) -> Tensor:
    """The features of each node, newest clock included.

    A predictor needs the clock and the gaps to act on what is particular to its node. A history without the
    ``observed`` channel counts as fully observed.

    Args:
        x: history ``[B, T, N, C]``: scaled value, time of day, day of week / 7, and, if there, observed or not.
        forecast: the backbone's forecast ``[B, H, N, 1]`` in scaled units.
        config: which features are wanted.
        usual: each node's usual values at the steps to come, ``[B, N, H]`` in scaled units; see
            :class:`stlora.adapters.profile.NodeProfile`.

    Returns:
        ``[B, N, F]``.
    """
    batch, steps, nodes, channels = x.shape
    parts = [x[..., VALUE].transpose(1, 2), forecast.squeeze(-1).transpose(1, 2)]  # [B, N, T], [B, N, H]
    if usual is not None:
        parts.append(usual)
    if config.gaps:
        if channels > OBSERVED:
            parts.append(1 - x[..., OBSERVED].transpose(1, 2))
        else:
            parts.append(x.new_zeros(batch, nodes, steps))
    if config.harmonics or config.weekday:
        parts += _clock(x[:, -1], config)
    return torch.cat(parts, dim=-1)


def check_channels(x: Tensor, config: STLoRAConfig) -> None:
    """Refuse a history without a clock where one is wanted.

    Raises:
        InputError: ``x`` has no clock channels.
    """
    if (config.harmonics or config.weekday or config.profile) and x.shape[-1] <= DAY_OF_WEEK:
        raise InputError(
            f"the history has {x.shape[-1]} channel(s) and the adapter reads time of day and day of week from "
            "channels 1 and 2; add them, or set harmonics=0, weekday=False and profile=0"
        )


def _clock(last: Tensor, config: STLoRAConfig) -> list[Tensor]:
    """Clock features of the newest step ``[B, N, C]``: harmonics of the day, weekend, weekly sine and cosine."""
    parts = []
    if config.harmonics:
        order = torch.arange(1, config.harmonics + 1, device=last.device, dtype=last.dtype)
        angle = 2 * math.pi * last[..., TIME_OF_DAY, None] * order  # [B, N, K]
        parts += [angle.sin(), angle.cos()]
    if config.weekday:
        day = last[..., DAY_OF_WEEK, None]
        angle = 2 * math.pi * day
        weekend = (day > 4.5 / 7).to(last.dtype)  # Saturday is 5/7
        parts += [weekend, angle.sin(), angle.cos()]
    return parts
