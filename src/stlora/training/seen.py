"""What an adapter sees of every window, made once and kept: nothing of it is trained."""

from __future__ import annotations

import torch
from torch import Tensor

from stlora.adapters import STLoRA
from stlora.adapters.fusion import OwnForecast, Seen
from stlora.data.windows import Windows

ROOM = 2**30
"""Bytes that may be kept; where they are not enough, everything is made again at every step."""

AT_ONCE = 64  # windows that are seen in a step


class SeenWindows:
    """What the first predictor of an adapter sees of the windows of a split, on the device of the windows.

    Args:
        adapter: with its profile measured.
        windows: of the series.
        starts: the windows of the split.
    """

    def __init__(self, adapter: OwnForecast, windows: Windows, starts: range) -> None:
        self._first = starts.start
        self._seen: Seen | None = None
        for begin in range(0, len(starts), AT_ONCE):
            rows = slice(begin, min(begin + AT_ONCE, len(starts)))
            part = _see(adapter, windows, starts[rows])
            if self._seen is None:
                self._seen = Seen(*(each.new_empty(len(starts), *each.shape[1:]) for each in part))
            for kept, each in zip(self._seen, part, strict=True):
                kept[rows] = each

    def __getitem__(self, start: Tensor) -> Seen:
        """Of the windows that start at ``start`` ``[B]``."""
        assert self._seen is not None
        features, expected = (each.index_select(0, start - self._first) for each in self._seen)
        return Seen(features.transpose(0, 1).contiguous().transpose(0, 1), expected)  # as a predictor reads them


@torch.no_grad()
def _see(adapter: OwnForecast, windows: Windows, starts: range) -> Seen:
    return adapter.see(windows.inputs(torch.arange(starts.start, starts.stop, device=windows.device)))


def worth_keeping(model: torch.nn.Module, windows: Windows, splits: list[range], passes: float) -> bool:
    """Whether what a wrapped backbone's adapter sees is all that it needs, is looked at often, and finds room.

    Args:
        model: the network that is trained.
        windows: of the series.
        splits: that are looked at.
        passes: how often each window is trained on.
    """
    if not (isinstance(model, STLoRA) and model.learns_alone and isinstance(model.adapter, OwnForecast)):
        return False
    if len(model.adapter.predictors) > 1 or passes < 2:
        return False
    one = _see(model.adapter, windows, splits[0][:1])
    return sum(each.nbytes for each in one) * sum(map(len, splits)) <= ROOM
