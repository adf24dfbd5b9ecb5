"""What LargeST's programs train on: ``YEAR/his.npz`` with ``idx_*.npy``, ``NAME_rn_adj.npy``, ``NAME_meta.csv``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.series import SensorSeries
from stlora.data.time.clock import day_fraction
from stlora.errors import InputError
from stlora.files import write_atomically

_HISTORY, _HORIZON = 12, 12
FILES = ("*/his.npz", "*/idx_*.npy", "*_rn_adj.npy", "*_meta.csv")
_SHARES = (0.6, 0.2)


def write(series: SensorSeries, folder: Path) -> list[Path]:
    """Write values, standardised with mean and deviation of the training part, and time of day and day of week / 7.

    The layout has no place for missing values: they are written as zero, as LargeST's own are, and so are read as
    missing again, with any true zero. In ``his.npz``, ``start`` (of the first row in UTC, in ns),
    ``interval`` (ns) and ``timezone`` (bytes) are ours.

    Raises:
        InputError: there are too few steps for three parts, or nothing varies.
    """
    first, last = _HISTORY - 1, series.num_steps - _HORIZON  # of the last observed step of a window, last excluded
    train, val = (round((last - first) * share) for share in _SHARES)
    if last - first - train - val < 1 or train <= _HISTORY or val < 1:
        raise InputError(f"{series.name} has {series.num_steps} steps, too few for training, validation and test parts")
    filled = np.nan_to_num(series.values.astype(np.float64), nan=0.0)
    mean, std = filled[: first + train - _HISTORY].mean(), filled[: first + train - _HISTORY].std()
    if std == 0:
        raise InputError(f"{series.name} does not vary in its training part, so it cannot be standardised")
    data = np.empty((*filled.shape, 3))
    data[..., 0] = (filled - mean) / std
    data[..., 1] = day_fraction(series.time)[:, None]
    data[..., 2] = np.asarray(series.time.day_of_week / 7)[:, None]
    year, name = folder / str(series.time[0].year), folder.resolve().name
    arrays: dict[str, Any] = {"data": data, "mean": mean, "std": std, "start": np.int64(series.time[0].value)}
    arrays["interval"] = np.int64(series.interval.value)
    if series.time.tz is not None:
        arrays["timezone"] = np.frombuffer(str(series.timezone).encode(), dtype=np.uint8)
    written = []
    bounds = (first, first + train, first + train + val, last)
    for part, start, end in zip(("train", "val", "test"), bounds, bounds[1:], strict=False):
        written.append(_save(year / f"idx_{part}.npy", np.arange(start, end)))
    if series.adjacency is not None:
        written.append(_save(folder / f"{name}_rn_adj.npy", series.adjacency))
    written.append(_write_meta(series, folder / f"{name}_meta.csv"))
    write_atomically(year / "his.npz", lambda temporary: np.savez_compressed(temporary, **arrays))
    return [*written, year / "his.npz"]  # last: a folder without it is not read


def _save(path: Path, array: NDArray[Any]) -> Path:
    write_atomically(path, lambda temporary: np.save(temporary, array))
    return path


def _write_meta(series: SensorSeries, path: Path) -> Path:
    places = np.full((series.num_nodes, 2), np.nan) if series.coordinates is None else series.coordinates
    frame = pd.DataFrame(places, columns=["Lat", "Lng"])
    frame.insert(0, "ID", list(series.node_ids))
    frame["ID2"] = np.arange(series.num_nodes)
    write_atomically(path, lambda temporary: frame.to_csv(temporary, index=False))
    return path
