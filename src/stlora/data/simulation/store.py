"""A simulated network larger than memory, written to a folder a day at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.simulation.network import START, checked_step, sensor_ids
from stlora.data.simulation.profiles import draw_kinds, weekly_profiles
from stlora.data.simulation.roads import draw_roads
from stlora.data.store import write_chunks


def simulate_store(
    folder: str | Path,
    num_nodes: int = 8600,
    days: int = 365,
    interval: str = "5min",
    seed: int = 0,
    missing: float = 0.05,
) -> None:
    """Simulate a network of any size and write it to ``folder``; see :func:`stlora.data.store.open_store`.

    Simpler than :func:`stlora.data.simulation.network.simulate`, so that a day can be made without the one before:
    weekly profiles, weather that raises or lowers whole days, and counts that vary as chance has it; no incidents,
    no stuck sensors and no graph. Half of what is missing is whole days of a sensor, half single steps.

    Args:
        folder: new or empty.
        num_nodes: N, the number of sensors, at least 6.
        days: length of the series.
        interval: time between two steps, a whole fraction of a day.
        seed: equal seeds give equal folders.
        missing: share of values that is missing.

    Raises:
        InputError: an argument is out of range, or the folder is not empty.

    Example:
        >>> from tempfile import mkdtemp
        >>> from stlora.data.store import open_store
        >>> folder = mkdtemp()
        >>> simulate_store(folder, num_nodes=6, days=2, interval="1h")
        >>> open_store(folder).values.shape
        (48, 6)
    """
    step = checked_step(num_nodes, days, interval, seed, missing)
    steps_per_day = int(pd.Timedelta(days=1) / step)
    town_rng, profile_rng, day_rng = np.random.default_rng(seed).spawn(3)
    roads = draw_roads(town_rng, num_nodes)
    profiles = weekly_profiles(profile_rng, draw_kinds(town_rng, num_nodes), steps_per_day)
    write_chunks(
        folder,
        pd.date_range(START, periods=days * steps_per_day, freq=step),
        sensor_ids(num_nodes),
        _days(day_rng, profiles, days, missing),
        coordinates=roads.coordinates,
        unit="veh/h",
        name="simulated",
    )


def _days(
    rng: np.random.Generator, profiles: NDArray[np.float32], days: int, missing: float
) -> Iterator[NDArray[np.float32]]:
    """Measurements of one day after the other, ``[steps_per_day, N]``."""
    num_nodes, week = profiles.shape
    steps = week // 7
    degree = 0.15 * rng.uniform(0.4, 1.6, num_nodes)
    for day in range(days):
        first = (day % 7) * steps
        expected = profiles[:, first : first + steps].T  # [steps_per_day, N]
        weather = (1 + degree * np.clip(rng.normal(), -2.5, 2.5)) * (24 / steps)
        values = expected * weather.astype(np.float32)  # vehicles in a step
        values += np.sqrt(values) * rng.standard_normal(values.shape, dtype=np.float32)
        np.rint(values, out=values)
        values *= np.float32(steps / 24)
        np.maximum(values, 0, out=values)
        values[:, rng.random(num_nodes) < missing / 2] = np.nan
        values[rng.random(values.shape, dtype=np.float32) < (missing / 2) / (1 - missing / 2)] = np.nan
        yield values
