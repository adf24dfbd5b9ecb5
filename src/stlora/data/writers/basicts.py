"""BasicTS from 1.0 on: three parts in ``.npy``, ``meta.json``, ``adj_mx.pkl``."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.series import SensorSeries
from stlora.data.time.clock import day_fraction
from stlora.errors import InputError
from stlora.files import write_atomically, write_text

_SHARES = (0.7, 0.1, 0.2)
FILES = ("*_data.npy", "*_timestamps.npy", "adj_mx.pkl", "meta.json")
_DESCRIPTIONS = ("time of day", "day of week", "day of month", "day of year")


def write(series: SensorSeries, folder: Path) -> list[Path]:
    """Write the parts 7:1:2 by time, NaN where nothing was observed.

    ``start_time`` (in UTC if there is a ``timezone``), ``interval``, ``timezone`` and ``node_ids`` in ``meta.json`` are
    ours: BasicTS does not mind them, and they let the series be read back as it was.

    Raises:
        InputError: a part would be empty.
    """
    steps = series.num_steps
    train, val = int(steps * _SHARES[0]), int(steps * _SHARES[1])
    if val < 1 or train + val >= steps:
        raise InputError(f"{series.name} has {steps} steps, too few for training, validation and test parts")
    stamps = _time_stamps(series.time)
    written = []
    for part, rows in (("train", slice(train)), ("val", slice(train, train + val)), ("test", slice(train + val, None))):
        for kind, array in (("data", series.values), ("timestamps", stamps)):
            written.append(_save(folder / f"{part}_{kind}.npy", array[rows]))
    if series.adjacency is not None:
        content = pickle.dumps(series.adjacency, protocol=2)
        content = content.replace(b"cnumpy._core.", b"cnumpy.core.")  # the name that numpy 1 knows, and 2 still does
        write_atomically(folder / "adj_mx.pkl", lambda temporary: temporary.write_bytes(content))
        written.append(folder / "adj_mx.pkl")
    write_text(folder / "meta.json", json.dumps(_meta(series), indent=4) + "\n")
    return [*written, folder / "meta.json"]


def _save(path: Path, array: NDArray[np.float32]) -> Path:
    write_atomically(path, lambda temporary: np.save(temporary, array))
    return path


def _time_stamps(time: pd.DatetimeIndex) -> NDArray[np.float32]:
    """``[T, 4]``: each as a fraction of its range, as BasicTS's own data are made."""
    parts = (day_fraction(time), time.day_of_week / 7, (time.day - 1) / 31, (time.day_of_year - 1) / 366)
    return np.stack([np.asarray(part, dtype=np.float32) for part in parts], axis=1)


def _meta(series: SensorSeries) -> dict[str, object]:
    zone = None if series.time.tz is None else series.timezone
    return {
        "name": series.name,
        "domain": series.unit,
        "frequency (minutes)": series.interval / pd.Timedelta(minutes=1),
        "shape": list(series.values.shape),
        "timestamps_shape": [series.num_steps, len(_DESCRIPTIONS)],
        "timestamps_description": list(_DESCRIPTIONS),
        "num_time_steps": series.num_steps,
        "num_vars": series.num_nodes,
        "has_graph": series.adjacency is not None,
        "regular_settings": {
            "train_val_test_ratio": list(_SHARES),
            "norm_each_channel": False,
            "rescale": True,
            "metrics": ["MAE", "RMSE", "MAPE"],
            "null_val": float("nan"),
        },
        "start_time": str(series.time[0].tz_localize(None) if zone is None else series.time[0].tz_convert("UTC")),
        "interval": str(series.interval),
        "timezone": zone,
        "node_ids": list(series.node_ids),
    }
