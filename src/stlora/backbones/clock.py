"""The clock channels of a history as rows of embedding tables."""

from __future__ import annotations

import torch
from torch import Tensor

from stlora.errors import InputError

DAYS = 7


def check_clock(backbone: str, in_channels: int, steps_per_day: int) -> None:
    """Refuse a history without the two clock channels.

    Raises:
        InputError: there are fewer than 3 channels, or no slot in a day.
    """
    if in_channels < 3:
        raise InputError(
            f"{backbone} got in_channels={in_channels}; expected 3 or more, because it looks up the time of day "
            "(channel 1) and the day of the week (channel 2)"
        )
    if steps_per_day < 1:
        raise InputError(f"{backbone} got steps_per_day={steps_per_day}; expected 1 or more")


def day_slot(time_of_day: Tensor, steps_per_day: int) -> Tensor:
    """The slot 0 … ``steps_per_day`` − 1 that a time of day in [0, 1) falls into.

    The margin undoes the rounding of ``k / steps_per_day`` to the precision of the input, which in float32 puts one
    slot in twenty of 1440 into its neighbour. bfloat16 cannot tell 288 slots apart; it gets the nearest one
    that it can name, and a last slot that was rounded up to 1 is the first of the day.

    Raises:
        InputError: a time is not in [0, 1).

    Example:
        >>> day_slot(torch.tensor([0.0, 0.5, 287 / 288]), 288).tolist()
        [0, 144, 287]
    """
    precision = max(torch.finfo(time_of_day.dtype).eps, torch.finfo(torch.float32).eps)
    margin = min(0.5, steps_per_day * precision)
    slot = torch.floor(time_of_day.float() * steps_per_day + margin).long()
    slot = torch.where(slot == steps_per_day, 0, slot)
    _check_range(slot, steps_per_day, time_of_day, "channel 1", "the time of day in [0, 1)")
    return slot


def weekday(day_of_week: Tensor) -> Tensor:
    """The day 0 (Monday) … 6 that is stored as d / 7.

    Raises:
        InputError: it is no such day.

    Example:
        >>> weekday(torch.tensor([0.0, 1 / 7, 6 / 7])).tolist()
        [0, 1, 6]
    """
    day = torch.round(day_of_week * DAYS).long()
    _check_range(day, DAYS, day_of_week, "channel 2", "the day of the week / 7, Monday 0")
    return day


def _check_range(rows: Tensor, count: int, channel: Tensor, name: str, expected: str) -> None:
    """Refuse what no row of a table stands for; on a GPU the table itself does, without waiting for an answer."""
    if rows.is_cuda or torch.compiler.is_compiling() or not rows.numel():
        return
    low, high = torch.aminmax(rows)
    if low < 0 or high >= count:
        wrong = channel[(rows < 0) | (rows >= count)][0]
        raise InputError(f"{name} of the history holds {float(wrong):g}; expected {expected}")


def whole_days(in_channels: int) -> Tensor:
    """Factors ``[C]`` that turn the stored day d / 7 into d and leave the other channels alone.

    For the models whose published weights were trained on whole days.
    """
    factors = torch.ones(in_channels)
    factors[2] = DAYS
    return factors
