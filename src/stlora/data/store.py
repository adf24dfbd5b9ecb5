"""A folder that holds a series too large for memory: written in parts, opened without being read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from msgspec import Meta
from numpy.typing import NDArray

from stlora.data.mapped import row_chunks
from stlora.data.series import SensorSeries, digestible, finish_digest
from stlora.data.time.zones import check_timezone, zone_name
from stlora.errors import InputError
from stlora.files import write_atomically, write_json
from stlora.folders import check_filled, filled
from stlora.paths import expanded
from stlora.records import Text, read_record

FORMAT_VERSION = 1
_FORMAT = "stlora series"
_FACTS, _VALUES, _NETWORK = "series.json", "values.npy", "network.npz"


def is_store(path: Path) -> bool:
    """Whether a folder was written by :func:`write_store`."""
    return (path / _FACTS).is_file() and (path / _VALUES).is_file()


def write_store(series: SensorSeries, folder: str | Path) -> None:
    """Write a series as a folder that :func:`open_store` and ``load_series`` open without reading it.

    ``values.npy`` holds the float32 values ``[T, N]``, ``network.npz`` the edges and coordinates if there are any,
    ``series.json`` the rest, with the fingerprint to check a copy against.

    Args:
        series: the measurements.
        folder: new or empty.

    Raises:
        InputError: the folder is not empty.

    Example:
        >>> from tempfile import mkdtemp
        >>> time = pd.date_range("2024-01-01", periods=2, freq="1h")
        >>> folder = mkdtemp()
        >>> write_store(SensorSeries(np.ones((2, 1)), time, ("a",)), folder)
        >>> open_store(folder).values.tolist()
        [[1.0], [1.0]]
    """
    write_chunks(
        folder,
        series.time,
        series.node_ids,
        (series.values[rows] for rows in row_chunks(series.values)),
        adjacency=series.adjacency,
        coordinates=series.coordinates,
        unit=series.unit,
        name=series.name,
        timezone=series.timezone,
        zero_is_missing=series.zero_is_missing,
        notes=series.notes,
    )


def write_chunks(
    folder: str | Path,
    time: pd.DatetimeIndex,
    node_ids: Sequence[str],
    chunks: Iterable[NDArray[np.float32]],
    *,
    adjacency: NDArray[np.float32] | None = None,
    coordinates: NDArray[np.float64] | None = None,
    unit: str = "",
    name: str = "series",
    timezone: str | None = None,
    zero_is_missing: bool | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write a series whose values are never in memory together.

    Args:
        folder: new or empty.
        time: the T time stamps, evenly spaced.
        node_ids: the N sensors.
        chunks: arrays ``[*, N]`` float32, NaN = missing; in order of time, T rows together.
        adjacency: as in :class:`SensorSeries`, and so are the others.
        coordinates: of the sensors.
        unit: of the values.
        name: of the series.
        timezone: of the clock that made the time stamps, where these have no zone.
        zero_is_missing: whether zeros were taken for missing values.
        notes: what was repaired or assumed.

    Raises:
        InputError: the folder is not empty, or the chunks do not fit the time stamps and sensors.
    """
    folder = Path(expanded(folder))
    if not folder.exists():
        folder.mkdir(parents=True)  # it stays, and empty, where the chunks do not fit
    facts = {
        "format": _FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "unit": unit,
        "start": str(time[0]),
        "interval": str(time[1] - time[0]) if len(time) > 1 else None,
        "timezone": timezone if time.tz is None else zone_name(time.tz),
        "even_in_real_time": time.tz is not None,
        "zero_is_missing": zero_is_missing,
        "node_ids": list(node_ids),
        "notes": list(notes),
    }
    with filled(folder) as place:
        _fill(place, time, node_ids, chunks, adjacency, coordinates, facts)


def _fill(
    folder: Path,
    time: pd.DatetimeIndex,
    node_ids: Sequence[str],
    chunks: Iterable[NDArray[np.float32]],
    adjacency: NDArray[np.float32] | None,
    coordinates: NDArray[np.float64] | None,
    facts: dict[str, Any],
) -> None:
    digest = hashlib.sha256()
    write_atomically(
        folder / _VALUES, lambda path: _write_values(path, (len(time), len(node_ids)), chunks, digest.update)
    )
    arrays: dict[str, NDArray[Any]] = {}
    if adjacency is not None:
        source, target = np.nonzero(adjacency)
        arrays |= {"source": source, "target": target, "weight": adjacency[source, target]}
    if coordinates is not None:
        arrays |= {"coordinates": coordinates}
    if arrays:
        write_atomically(folder / _NETWORK, lambda path: np.savez(path, **arrays))  # type: ignore[arg-type]
    facts["fingerprint"] = finish_digest(digest, time, node_ids, adjacency)
    write_json(folder / _FACTS, facts)  # last: a folder without it is not finished


def _write_values(path: Path, shape: tuple[int, int], chunks: Iterable[NDArray[np.float32]], update: Any) -> None:
    rows = 0
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for chunk in chunks:
            part = np.ascontiguousarray(chunk, dtype="<f4")
            if part.ndim != 2 or part.shape[1] != shape[1]:
                raise InputError(f"a chunk has shape {part.shape}; expected [*, {shape[1]}], a column for each sensor")
            if np.isinf(part).any():
                raise InputError("values contain infinities; mark missing values as NaN")
            rows += len(part)
            update(digestible(part))
            file.write(part.data)
    if rows != shape[0]:
        raise InputError(f"the chunks have {rows} rows together; expected {shape[0]}, one for each time stamp")


def open_store(folder: str | Path) -> SensorSeries:
    """Open a folder that :func:`write_store` wrote; the values stay on disk until they are used.

    They are looked through once for infinities, in parts of 64 MiB. A period of the series stays on disk too
    (``series.select(start=…, end=…)``); chosen sensors are copied into memory, those columns alone.

    Raises:
        InputError: a file is missing, damaged, or of a later format.
    """
    folder = Path(expanded(folder))
    check_filled(folder)
    facts = read_record(folder / _FACTS, _Facts, "write it again", FORMAT_VERSION)
    try:
        values = np.load(folder / _VALUES, mmap_mode="r", allow_pickle=False)
        nodes = len(facts.node_ids)
        if not isinstance(values, np.memmap) or values.dtype != np.float32 or values.ndim != 2:
            raise InputError(f"{_VALUES} is no float32 array [T, N]")
        if values.shape[1] != nodes:
            raise InputError(f"{_VALUES} has {values.shape[1]} columns and {_FACTS} names {nodes} sensors")
        network = _network(folder / _NETWORK, nodes)
        return SensorSeries(
            values,
            _time(facts, len(values)),
            tuple(facts.node_ids),
            adjacency=network.get("adjacency"),
            coordinates=network.get("coordinates"),
            unit=facts.unit,
            name=facts.name,
            timezone=facts.timezone,
            zero_is_missing=facts.zero_is_missing,
            notes=tuple(facts.notes),
        )
    except Exception as error:  # numpy and pandas answer damage with almost any exception
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder} cannot be opened as a series ({reason}); write it again") from error


@dataclass(frozen=True)
class _Facts:
    """``series.json``."""

    format: Literal["stlora series"]
    name: Text
    unit: Text
    start: Text
    interval: Text | None
    even_in_real_time: bool
    timezone: Text | None
    zero_is_missing: bool | None
    node_ids: Annotated[list[Text], Meta(min_length=1)]
    notes: list[Text]
    fingerprint: Text


def _time(facts: _Facts, steps: int) -> pd.DatetimeIndex:
    start = pd.Timestamp(facts.start).as_unit("ns")
    interval = pd.Timedelta(facts.interval or 0).as_unit("ns")
    stamps: NDArray[np.datetime64] = (start.value + interval.value * np.arange(steps, dtype=np.int64)).view("M8[ns]")
    time = pd.DatetimeIndex(stamps)
    if facts.timezone is not None:
        check_timezone(facts.timezone)
    return time if not facts.even_in_real_time else time.tz_localize("UTC").tz_convert(facts.timezone)


def _network(path: Path, nodes: int) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        return {}
    found: dict[str, NDArray[Any]] = {}
    with np.load(path, allow_pickle=False) as arrays:
        if "coordinates" in arrays:
            found["coordinates"] = arrays["coordinates"]
        if "weight" in arrays:
            found["adjacency"] = np.zeros((nodes, nodes), dtype=np.float32)
            edges = np.stack([arrays["source"], arrays["target"]])
            if edges.size and not 0 <= edges.min() <= edges.max() < nodes:
                raise InputError(f"{path.name} has edges of other sensors than the {nodes} there are")
            found["adjacency"][edges[0], edges[1]] = arrays["weight"]
    return found
