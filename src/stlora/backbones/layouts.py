"""Adapters of the call: modules written for another tensor layout, as backbones ``[B, T, N, C]`` to ``[B, H, N, 1]``.

B windows, T past steps, H future steps, N sensors, C channels of the history: scaled value, time of day in [0, 1), day
of week / 7, observed or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from stlora.errors import InputError


class Layout(nn.Module):
    """A module behind an adapter of its call.

    Args:
        module: as it was written; its parameters are the wrapper's under ``module.``.
        history: T.
        horizon: H.
        in_channels: C, the number of history channels that it is to receive.
    """

    def __init__(self, module: nn.Module, history: int, horizon: int, in_channels: int) -> None:
        super().__init__()
        self.module = module
        self.history, self.horizon, self.in_channels = history, horizon, in_channels


class _FromBTN(Layout):
    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        forecast: Tensor = self.module(x[..., 0])
        return forecast.unsqueeze(-1)


class _FromBCNT(Layout):
    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        forecast: Tensor = self.module(x.permute(0, 3, 2, 1))
        return forecast


class _FromBNCT(Layout):
    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        forecast: Tensor = self.module(x.permute(0, 2, 3, 1))
        return forecast.transpose(1, 2).unsqueeze(-1)


class _FromDict(Layout):
    def __init__(
        self,
        module: nn.Module,
        history: int,
        horizon: int,
        names: tuple[str, str | None, str | None],
        constants: Mapping[str, Any],
        keywords: bool,
    ) -> None:
        value, clock, answer = names
        super().__init__(module, history, horizon, in_channels=1 if clock is None else 3)
        self.value, self.clock, self.answer = value, clock, answer
        self.constants = dict(constants)
        self.keywords = keywords

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, N, C]`` to ``[B, H, N, 1]``."""
        batch = {**self.constants, self.value: x[..., 0]}  # [B, T, N]
        if self.clock is not None:
            batch[self.clock] = x[:, :, 0, 1:3]  # [B, T, 2]: all sensors share one clock
        found = self.module(**batch) if self.keywords else self.module(batch)
        if self.answer is not None:
            if not isinstance(found, Mapping) or self.answer not in found:
                holds = ", ".join(map(str, found)) if isinstance(found, Mapping) else f"a {type(found).__name__}"
                raise InputError(f"the backbone's answer has no {self.answer!r}; it holds {holds}")
            found = found[self.answer]
        forecast: Tensor = found
        return forecast.unsqueeze(-1)


def from_btn(module: nn.Module, history: int = 12, horizon: int = 12) -> Layout:
    """A module that maps values ``[B, T, N]`` to ``[B, H, N]``, as most multivariate forecasters do.

    Example:
        >>> import torch
        >>> persistence = from_btn(nn.Identity())
        >>> persistence(torch.zeros(2, 12, 5, 1)).shape
        torch.Size([2, 12, 5, 1])
    """
    return _FromBTN(module, history, horizon, in_channels=1)


def from_bcnt(module: nn.Module, history: int = 12, horizon: int = 12, in_channels: int = 3) -> Layout:
    """A module that maps ``[B, C, N, T]`` to ``[B, H, N, 1]``, as Graph WaveNet and MTGNN are published."""
    return _FromBCNT(module, history, horizon, in_channels)


def from_bnct(module: nn.Module, history: int = 12, horizon: int = 12, in_channels: int = 3) -> Layout:
    """A module that maps ``[B, N, C, T]`` to ``[B, N, H]``, as ASTGCN is published."""
    return _FromBNCT(module, history, horizon, in_channels)


def from_dict(
    module: nn.Module,
    value: str,
    clock: str | None = None,
    answer: str | None = None,
    constants: Mapping[str, Any] | None = None,
    keywords: bool = False,
    history: int = 12,
    horizon: int = 12,
) -> Layout:
    """A module that takes a batch by names and answers with ``[B, H, N]``.

    Args:
        module: called with one dictionary.
        value: the name under which it expects the values, ``[B, T, N]``.
        clock: the name under which it expects time of day in [0, 1) and day of week / 7, ``[B, T, 2]``; None if it
            takes none.
        answer: the name of the forecast, if it answers with a dictionary.
        constants: further entries, the same in each batch.
        keywords: the module takes the entries as keyword arguments instead.
        history: T.
        horizon: H.

    Example:
        >>> import torch
        >>> class Last(nn.Module):
        ...     def forward(self, batch):
        ...         return batch["y"][:, -1:].expand(-1, 6, -1)
        >>> from_dict(Last(), value="y", horizon=6)(torch.zeros(2, 12, 5, 1)).shape
        torch.Size([2, 6, 5, 1])
    """
    return _FromDict(module, history, horizon, (value, clock, answer), constants or {}, keywords)
