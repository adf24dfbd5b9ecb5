"""Wide and long tables in CSV and Parquet; graph and coordinates in files beside them."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from stlora.data.series import SensorSeries
from stlora.errors import InputError
from stlora.files import write_atomically


def write_wide(series: SensorSeries, path: Path) -> list[Path]:
    """Write one row per time and one column per sensor, empty cells where nothing was observed."""
    time = _time(series, path).rename("time")
    frame = pd.DataFrame(series.values, index=time, columns=list(series.node_ids))
    return _write(frame.reset_index(), series, path)


def write_long(series: SensorSeries, path: Path) -> list[Path]:
    """Write columns time, node and value, one row per time and sensor, also where nothing was observed."""
    steps, nodes = series.values.shape
    names = pd.Categorical.from_codes(np.tile(np.arange(nodes), steps), categories=pd.Index(series.node_ids))
    frame = pd.DataFrame({"time": _time(series, path).repeat(nodes), "node": names, "value": series.values.reshape(-1)})
    return _write(frame, series, path)


def _time(series: SensorSeries, path: Path) -> pd.Index:
    """The time stamps; in CSV, which has no other place for it, with the zone as RFC 9557 writes it."""
    if series.time.tz is None or path.suffix.lower() != ".csv":
        return series.time
    named = "" if str(series.timezone).startswith("UTC") else f"[{series.timezone}]"  # an offset says all of itself
    return pd.Index([f"{stamp.isoformat()}{named}" for stamp in series.time])


def _write(frame: pd.DataFrame, series: SensorSeries, path: Path) -> list[Path]:
    """The files beside the table first, so that the table is never there without them."""
    is_csv = path.suffix.lower() == ".csv"
    if not is_csv:
        try:
            import pyarrow as pa  # noqa: F401  (an optional extra)
        except ImportError:
            raise InputError('Parquet needs pyarrow; run pip install "stlora[parquet]", or write .csv') from None
    beside = companions(series, path)
    for companion, content in beside.items():
        write_atomically(companion, partial(_write_bytes, content))
    write = frame.to_csv if is_csv else partial(frame.to_parquet, engine="pyarrow")
    write_atomically(path, lambda temporary: write(temporary, index=False))
    return [path, *beside]


def _write_bytes(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def companions(series: SensorSeries, path: Path) -> dict[Path, bytes]:
    """What lies beside a table: ``NAME_graph.npy``, to be named as graph, and ``NAME_locations.csv``."""
    beside: dict[Path, bytes] = {}
    if series.adjacency is not None:
        content = io.BytesIO()
        np.save(content, series.adjacency)
        beside[path.with_name(f"{path.stem}_graph.npy")] = content.getvalue()
    if series.coordinates is not None:
        frame = pd.DataFrame(series.coordinates, columns=["latitude", "longitude"])
        frame.insert(0, "sensor_id", list(series.node_ids))
        beside[path.with_name(f"{path.stem}_locations.csv")] = frame.to_csv(index=False).encode()
    return beside
