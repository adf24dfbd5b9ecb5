"""Wide and long tables in CSV and Parquet; graph and coordinates in files beside them."""

from __future__ import annotations

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
    _write(frame.reset_index(), path)
    return [path, *_write_companions(series, path)]


def write_long(series: SensorSeries, path: Path) -> list[Path]:
    """Write columns time, node and value, one row per time and sensor, also where nothing was observed."""
    steps, nodes = series.values.shape
    names = pd.Categorical.from_codes(np.tile(np.arange(nodes), steps), categories=pd.Index(series.node_ids))
    frame = pd.DataFrame({"time": _time(series, path).repeat(nodes), "node": names, "value": series.values.reshape(-1)})
    _write(frame, path)
    return [path, *_write_companions(series, path)]


def _time(series: SensorSeries, path: Path) -> pd.Index:
    """The time stamps; in CSV, which has no other place for it, with the zone as RFC 9557 writes it."""
    if series.time.tz is None or path.suffix.lower() != ".csv":
        return series.time
    named = "" if str(series.timezone).startswith("UTC") else f"[{series.timezone}]"  # an offset says all of itself
    return pd.Index([f"{stamp.isoformat()}{named}" for stamp in series.time])


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix.lower() == ".csv":
        write_atomically(path, lambda temporary: frame.to_csv(temporary, index=False))
        return
    try:
        import pyarrow as pa  # noqa: F401  (an optional extra)
    except ImportError:
        raise InputError('Parquet needs pyarrow; run pip install "stlora[parquet]", or write .csv') from None
    write_atomically(path, lambda temporary: frame.to_parquet(temporary, index=False, engine="pyarrow"))


def _write_companions(series: SensorSeries, path: Path) -> list[Path]:
    """``NAME_graph.npy``, to be named as graph, and ``NAME_locations.csv``, which is found in the folder."""
    written = []
    if series.adjacency is not None:
        graph = path.with_name(f"{path.stem}_graph.npy")
        matrix = series.adjacency
        write_atomically(graph, lambda temporary: np.save(temporary, matrix))
        written.append(graph)
    if series.coordinates is not None:
        places = path.with_name(f"{path.stem}_locations.csv")
        frame = pd.DataFrame(series.coordinates, columns=["latitude", "longitude"])
        frame.insert(0, "sensor_id", list(series.node_ids))
        write_atomically(places, lambda temporary: frame.to_csv(temporary, index=False))
        written.append(places)
    return written
