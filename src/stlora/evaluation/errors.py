"""The errors of every test window of a run, kept so that two runs can be compared window by window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from stlora.data.time.zones import zone_name
from stlora.errors import InputError
from stlora.files import read_metadata, read_tensors, write_tensors
from stlora.records import check_version

FORMAT_VERSION = 1
TENSORS = ("absolute", "squared", "observed", "node_absolute", "node_squared", "node_observed")


@dataclass(frozen=True, eq=False)
class WindowErrors:
    """Sums of errors over a split: of each window over its sensors, of each sensor over the windows.

    Window s has its first target at ``first_target + s * interval``. A mean is a sum over its count, and does not
    exist where the count is 0.

    Attributes:
        absolute: Σ|e| over the observed sensors, ``[S, H]`` float32, in the data's unit.
        squared: Σe² over them, ``[S, H]`` float32.
        observed: how many there were, ``[S, H]`` int32.
        node_absolute: Σ|e| over the windows, ``[N, H]`` float32.
        node_squared: Σe² over them, ``[N, H]`` float32.
        node_observed: how many there were, ``[N, H]`` int32.
        first_target: time of the first step ahead of the first window.
        interval: between two windows, which is that between two steps.
    """

    absolute: Tensor
    squared: Tensor
    observed: Tensor
    node_absolute: Tensor
    node_squared: Tensor
    node_observed: Tensor
    first_target: pd.Timestamp
    interval: pd.Timedelta

    def is_aligned_with(self, other: WindowErrors) -> bool:
        """Whether both are of the same windows with the same observed targets."""
        return (
            (self.first_target, self.interval) == (other.first_target, other.interval)
            and torch.equal(self.observed, other.observed)
            and torch.equal(self.node_observed, other.node_observed)
        )

    def save(self, path: Path) -> None:
        """Write a safetensors file, whole or not at all."""
        metadata = {
            "format_version": str(FORMAT_VERSION),
            "first_target": self.first_target.isoformat(),
            "interval_seconds": repr(self.interval.total_seconds()),
        }
        if self.first_target.tz is not None:
            metadata["timezone"] = zone_name(self.first_target.tz)
        write_tensors(path, {name: getattr(self, name) for name in TENSORS}, metadata)

    @classmethod
    def load(cls, path: Path) -> WindowErrors:
        """Read what :meth:`save` wrote.

        Raises:
            InputError: the file is missing, damaged, or of a later format.
        """
        tensors, metadata = read_tensors(path), read_metadata(path)
        if metadata.get("format_version") != str(FORMAT_VERSION):
            check_version(path, metadata.get("format_version"), FORMAT_VERSION)
        try:
            _check(tensors)
            first_target = pd.Timestamp(metadata["first_target"])
            if "timezone" in metadata:
                first_target = first_target.tz_convert(metadata["timezone"])
            interval = pd.Timedelta(seconds=float(metadata["interval_seconds"]))
            if pd.isna(first_target) or not interval > pd.Timedelta(0):
                raise ValueError("its times are none")
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise InputError(f"{path} is incomplete or damaged ({error}); make the run again") from error
        return cls(**{name: tensors[name] for name in TENSORS}, first_target=first_target, interval=interval)


def _check(tensors: Mapping[str, Tensor]) -> None:
    """Refuse what no run wrote.

    Raises:
        KeyError: a tensor is missing.
        ValueError: one has another shape, type or values than it can have.
    """
    windows, nodes = tensors["absolute"].shape, tensors["node_absolute"].shape
    if len(windows) != 2 or len(nodes) != 2 or windows[1] != nodes[1] or 0 in (*windows, *nodes):
        raise ValueError(f"absolute is {list(windows)} and node_absolute {list(nodes)}; expected [S, H] and [N, H]")
    for name in TENSORS:
        tensor, count = tensors[name], name.endswith("observed")
        shape, dtype = nodes if name.startswith("node_") else windows, torch.int32 if count else torch.float32
        if tensor.shape != shape or tensor.dtype != dtype:
            raise ValueError(f"{name} is {tensor.dtype} {list(tensor.shape)}; expected {dtype} {list(shape)}")
        if not (tensor.isfinite() & (tensor >= 0)).all():
            raise ValueError(f"{name} has values that are no numbers of 0 or more")


class WindowSums:
    """Gathers :class:`WindowErrors` batch by batch, in order of time.

    Example:
        >>> sums = WindowSums()
        >>> target = torch.tensor([10.0, float("nan")]).reshape(1, 1, 2, 1)
        >>> sums.add(torch.tensor([12.0, 99.0]).reshape(1, 1, 2, 1), target)
        >>> errors = sums.finish(pd.Timestamp("2024-01-01"), pd.Timedelta("5min"))
        >>> errors.absolute.tolist(), errors.observed.tolist(), errors.node_observed.tolist()
        ([[2.0]], [[1]], [[1], [0]])
    """

    def __init__(self) -> None:
        self._windows: list[tuple[Tensor, ...]] = []
        self._nodes: tuple[Tensor, ...] | None = None

    def add(self, forecast: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            forecast: ``[B, H, N, 1]`` in physical units.
            target: ``[B, H, N, 1]`` in physical units, NaN = not observed.
        """
        error, observed = masked_error(forecast, target)
        parts = (error, error.square(), observed.long())
        self._windows.append(tuple(part.sum(dim=2).cpu() for part in parts))
        nodes = tuple(part.sum(dim=0).T for part in parts)  # [N, H], float64 and int64 until the end
        self._nodes = nodes if self._nodes is None else tuple(map(torch.add, self._nodes, nodes))

    def finish(self, first_target: pd.Timestamp, interval: pd.Timedelta) -> WindowErrors:
        """All that was added.

        Args:
            first_target: time of the first step ahead of the first window.
            interval: between two windows.
        """
        assert self._nodes is not None, "nothing was added"
        absolute, squared, observed = (torch.cat(parts) for parts in zip(*self._windows, strict=True))
        sums, squares, counts = (part.cpu() for part in self._nodes)
        return WindowErrors(
            absolute=absolute.float(),
            squared=squared.float(),
            observed=observed.int(),
            node_absolute=sums.float(),
            node_squared=squares.float(),
            node_observed=counts.int(),
            first_target=first_target,
            interval=interval,
        )


def masked_error(forecast: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The absolute errors of a batch, and where there is one.

    Args:
        forecast: ``[B, H, N, 1]`` in physical units.
        target: ``[B, H, N, 1]`` in physical units, NaN = not observed.

    Returns:
        |error| ``[B, H, N]`` in float64, 0 where nothing was observed; and whether the target was observed.
    """
    target = target.squeeze(-1).double()
    observed = ~target.isnan()
    return torch.where(observed, (forecast.squeeze(-1).double() - target).abs(), 0.0), observed
