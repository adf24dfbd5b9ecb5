"""A simulated sensor network whose truth is known: for the demo, for examples and for tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.series import SensorSeries
from stlora.data.simulation.profiles import KINDS, draw_kinds, weekly_profiles
from stlora.data.simulation.roads import Roads, draw_roads
from stlora.errors import InputError

START = "2024-01-01"  # a Monday
_DAY = pd.Timedelta(days=1)
_INCIDENTS_PER_WEEK = 1.5  # of a sensor
_WAVE_KM_PER_HOUR = 8.0
_WAVE_PASSED_ON = 0.85  # below 1, so that a wave dies out on a ring of roads too


@dataclass(frozen=True, eq=False)
class SimulatedNetwork:
    """A simulated network and what real data never tells: the signal behind the measurements.

    Attributes:
        series: what the sensors report, vehicles per hour, with noise, gaps and stuck sensors.
        kinds: the kind of place of each of the N sensors; see :data:`stlora.data.simulation.profiles.KINDS`.
        profiles: ``[N, steps_per_week]`` float32, vehicles per hour: the expected flow in the week from Monday
            00:00, the mean over all days to come. Weather and incidents vary around it with mean zero.
        truth: ``[T, N]`` float32, vehicles per hour: profile, weather and incidents, without noise and gaps.
        stuck: a sensor's position, first step and step after the last one, for each sensor that froze.
    """

    series: SensorSeries
    kinds: tuple[str, ...]
    profiles: NDArray[np.float32]
    truth: NDArray[np.float32]
    stuck: tuple[tuple[int, int, int], ...]


def simulate(
    num_nodes: int = 40, days: int = 28, interval: str = "15min", seed: int = 0, missing: float = 0.05
) -> SimulatedNetwork:
    """Simulate the traffic of a made-up town from Monday, 1 January 2024.

    Every sensor has a weekly profile of its own, which the last hours and the clock do not give away: a model
    with the same weights everywhere has to guess where it is. A common factor (weather) raises or lowers whole
    days, and incidents hold traffic back and release it later; that wave travels along the roads and fades, so
    the graph helps as well. Counting adds Poisson noise on top of slow fluctuations.

    Args:
        num_nodes: N, the number of sensors, at least 6.
        days: length of the series.
        interval: time between two steps, a whole fraction of a day.
        seed: equal seeds give equal networks, to the bit; ``missing`` does not change the truth.
        missing: share of values that is missing, about half of it in long outages, half in short gaps.

    Raises:
        InputError: an argument is out of range.

    Example:
        >>> network = simulate(num_nodes=6, days=7)
        >>> network.series.values.shape, network.profiles.shape
        ((672, 6), (6, 672))
        >>> network.series.node_ids[:2], network.series.unit
        (('S001', 'S002'), 'veh/h')
        >>> sorted(network.kinds)
        ['commuter-in', 'commuter-out', 'night', 'residential', 'school', 'weekend']
    """
    step = checked_step(num_nodes, days, interval, seed, missing)
    steps_per_day = int(_DAY / step)
    hours = 24 / steps_per_day
    steps = days * steps_per_day
    # a stream for each part: asking for more gaps leaves the traffic as it was
    town_rng, profile_rng, traffic_rng, count_rng, gap_rng = np.random.default_rng(seed).spawn(5)

    roads = draw_roads(town_rng, num_nodes)
    kinds = draw_kinds(town_rng, num_nodes)
    profiles = weekly_profiles(profile_rng, kinds, steps_per_day)
    expected = profiles.T[np.arange(steps) % profiles.shape[1]]  # [T, N]
    incidents = _incidents(traffic_rng, steps, num_nodes, hours)
    truth = expected * (1 + _weather(traffic_rng, days, steps, num_nodes)) * (1 + travel(incidents, roads, hours))

    values = _count(count_rng, truth, hours)
    stuck = _stick(gap_rng, values, hours)
    values[_gaps(gap_rng, steps, num_nodes, days, missing)] = np.nan
    series = SensorSeries(
        values=values.astype(np.float32),
        time=pd.date_range(START, periods=steps, freq=step),
        node_ids=sensor_ids(num_nodes),
        adjacency=roads.adjacency(),
        coordinates=roads.coordinates,
        unit="veh/h",
        name="simulated",
    )
    return SimulatedNetwork(series, kinds, profiles, truth.astype(np.float32), stuck)


def travel(incidents: NDArray[np.float64], roads: Roads, hours: float) -> NDArray[np.float64]:
    """What incidents make of the flow once they have travelled along the roads, fading at every edge.

    Args:
        incidents: ``[T, N]`` relative change of the flow where an incident happens.
        roads: the sensors and the edges between them.
        hours: length of a step.

    Returns:
        ``[T, N]`` relative change of the flow everywhere, never below -0.9.
    """
    delay = np.maximum(1, np.rint(roads.length / (_WAVE_KM_PER_HOUR * hours))).astype(np.intp)  # [E], steps
    gain = _WAVE_PASSED_ON * roads.share
    before = int(delay.max())
    waves = np.concatenate([np.zeros((before, incidents.shape[1])), incidents])
    for t in range(before, len(waves)):
        arriving = gain * waves[t - delay, roads.source]
        waves[t] += np.bincount(roads.target, weights=arriving, minlength=waves.shape[1])
    changes: NDArray[np.float64] = np.maximum(waves[before:], -0.9)
    return changes


def _incidents(rng: np.random.Generator, steps: int, num_nodes: int, hours: float) -> NDArray[np.float64]:
    """Where and when traffic is held back and then released, ``[T, N]``: one period of a sine, of mean zero."""
    pulses = np.zeros((steps, num_nodes))
    number = rng.poisson(_INCIDENTS_PER_WEEK * num_nodes * steps * hours / 168)
    nodes = rng.integers(num_nodes, size=number)
    starts = rng.integers(steps, size=number)
    lengths = np.maximum(2, np.rint(rng.uniform(2, 5, number) / hours)).astype(int)
    heights = rng.uniform(0.3, 0.8, number)
    for node, start, length, height in zip(nodes, starts, lengths, heights, strict=True):
        pulse = -height * np.sin(2 * np.pi * (np.arange(length) + 0.5) / length)
        pulses[start : start + length, node] += pulse[: steps - start]
    return pulses


def _weather(rng: np.random.Generator, days: int, steps: int, num_nodes: int) -> NDArray[np.float64]:
    """Relative change of the flow that all sensors share, each to its own degree, ``[T, N]``."""
    daily = _autocorrelated(rng, days + 1, 1, memory=0.6)[:, 0].clip(-2.5, 2.5)
    smooth = np.interp(np.arange(steps) * days / steps, np.arange(days + 1), daily)
    degree: NDArray[np.float64] = 0.15 * rng.uniform(0.4, 1.6, num_nodes)
    changes: NDArray[np.float64] = smooth[:, None] * degree
    return changes


def _count(rng: np.random.Generator, truth: NDArray[np.float64], hours: float) -> NDArray[np.float64]:
    """Vehicles counted in each step, per hour: fluctuations that last about an hour, and chance."""
    steps, num_nodes = truth.shape
    fluctuation = 0.06 * _autocorrelated(rng, steps, num_nodes, memory=float(np.exp(-hours)))
    counts: NDArray[np.int64] = rng.poisson(truth * (1 + fluctuation).clip(min=0.0) * hours)
    return counts / hours


def _autocorrelated(rng: np.random.Generator, steps: int, columns: int, memory: float) -> NDArray[np.float64]:
    """First-order autoregressive noise of unit variance, ``[steps, columns]``, stationary from the first step."""
    noise = rng.normal(size=(steps, columns))
    fresh = np.sqrt(1 - memory**2)
    for t in range(1, steps):
        noise[t] = memory * noise[t - 1] + fresh * noise[t]
    return noise


def _stick(rng: np.random.Generator, values: NDArray[np.float64], hours: float) -> tuple[tuple[int, int, int], ...]:
    """Freeze one sensor in twenty for some hours, in place; the sensors and periods."""
    steps, num_nodes = values.shape
    stuck = []
    for node in sorted(rng.choice(num_nodes, size=max(1, num_nodes // 20), replace=False)):
        length = min(steps, max(2, round(rng.uniform(6, 24) / hours)))
        start = int(rng.integers(steps - length + 1))
        values[start : start + length, node] = values[start, node]
        stuck.append((int(node), start, start + length))
    return tuple(stuck)


def _gaps(rng: np.random.Generator, steps: int, num_nodes: int, days: int, missing: float) -> NDArray[np.bool_]:
    """Where nothing is observed, ``[T, N]``: outages, one a fortnight, and gaps of one to four steps."""
    gone = np.zeros((steps, num_nodes), dtype=bool)
    outages = max(1, days // 14)
    lengths = np.rint(missing / 2 * steps / outages * rng.uniform(0.5, 1.5, (outages, num_nodes))).astype(int)
    starts = rng.integers(steps - lengths + 1)
    for (outage, node), length in np.ndenumerate(lengths):
        gone[starts[outage, node] : starts[outage, node] + length, node] = True
    # short gaps begin with the chance that makes them cover as much again, at 2.5 steps each on average
    covered = (missing / 2) / (1 - missing / 2)
    begins = rng.random((steps, num_nodes)) < 1 - (1 - covered) ** (1 / 2.5)
    length = rng.integers(1, 5, size=(steps, num_nodes))
    for late in range(4):
        gone[late:] |= (begins & (length > late))[: steps - late]
    return gone


def sensor_ids(num_nodes: int) -> tuple[str, ...]:
    """S001, S002, …: names of equal length."""
    width = max(3, len(str(num_nodes)))
    return tuple(f"S{number:0{width}d}" for number in range(1, num_nodes + 1))


def checked_step(num_nodes: int, days: int, interval: str, seed: int, missing: float) -> pd.Timedelta:
    """The interval, if it and the other arguments of a simulation are in range.

    Raises:
        InputError: one is not.
    """
    least = len(KINDS)
    for name, value, low in (("num_nodes", num_nodes, least), ("days", days, 1), ("seed", seed, 0)):
        if not isinstance(value, (int, np.integer)) or value < low:
            raise InputError(f"{name} is {value!r}; give a whole number of at least {low}")
    if not 0 <= missing < 1:
        raise InputError(f"missing is {missing!r}; give the share of missing values, from 0 to below 1")
    try:
        step = pd.Timedelta(interval)
    except ValueError:
        step = pd.Timedelta(0)
    if not pd.Timedelta(seconds=1) <= step <= _DAY or _DAY % step != pd.Timedelta(0):
        raise InputError(f"interval is {interval!r}; give a whole fraction of a day such as '5min', '15min' or '1h'")
    return step
