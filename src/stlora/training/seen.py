"""What an adapter sees of every window, made once and kept: nothing of it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from stlora.adapters import STLoRA
from stlora.adapters.fusion import OwnForecast, Seen
from stlora.data.windows import Windows

ROOM = 2**30
"""Bytes that may be kept; where they are not enough, everything is made again at every step."""

Name = TypeVar("Name")
AT_ONCE = 64  # windows that are seen in a step


class SeenWindows:
    """What the only predictor of an adapter sees of the windows of a split, on the device of the windows.

    Args:
        adapter: with its profile measured.
        windows: of the series.
        starts: the windows of the split.
    """

    def __init__(self, adapter: OwnForecast, windows: Windows, starts: range) -> None:
        self._adapter = adapter
        self._first = starts.start
        one = _see(adapter, windows, starts[:1])
        self._seen = Seen(*(each.new_empty(len(starts), *each.shape[1:]) for each in one))
        for begin in range(0, len(starts), AT_ONCE):
            some = starts[begin : begin + AT_ONCE]
            for kept, each in zip(self._seen, _see(adapter, windows, some), strict=True):
                kept[begin : begin + len(some)] = each

    def forecast(self, start: Tensor) -> Tensor:
        """The adapter's own ``[B, H, N, 1]`` for the windows that start at ``start`` ``[B]``."""
        features, expected = (each.index_select(0, start - self._first) for each in self._seen)
        features = features.transpose(0, 1).contiguous().transpose(0, 1)  # as a predictor reads them
        return self._adapter.first_forecast(Seen(features, expected))


@torch.no_grad()
def _see(adapter: OwnForecast, windows: Windows, starts: range) -> Seen:
    return adapter.see(windows.inputs(torch.arange(starts.start, starts.stop, device=windows.device)))


def keep_seen(
    model: nn.Module, windows: Windows, splits: Mapping[Name, range], passes: float
) -> dict[Name, SeenWindows]:
    """Keep what an adapter sees of each split, if that is all it needs, is looked at often, and finds room.

    Args:
        model: the network that is trained; its backbone is frozen and its adapter makes a forecast of its own.
        windows: of the series.
        splits: by name.
        passes: how often each window is trained on.

    Returns:
        By the same names; empty where nothing is kept.
    """
    if not (isinstance(model, STLoRA) and model.learns_alone and isinstance(model.adapter, OwnForecast)):
        return {}
    if len(model.adapter.predictors) > 1 or passes < 2:  # a second predictor sees what the first one makes
        return {}
    one = _see(model.adapter, windows, next(iter(splits.values()))[:1])
    if sum(each.nbytes for each in one) * sum(map(len, splits.values())) > ROOM:
        return {}
    return {name: SeenWindows(model.adapter, windows, starts) for name, starts in splits.items()}
