"""The roads of a simulated town: where the sensors stand and how traffic gets from one to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stlora.data.graph import KERNEL_THRESHOLD, gaussian_kernel

_SPACING_KM = 2.0
_KERNEL_KM = 5.0
_KERNEL_REACH = 4  # edges; a fifth one lies beyond the threshold
_STRAIGHT, _TURN = 2.0, 1.0  # odds of driving on and of turning at a junction
_TOWN = (45.0, 10.0)  # latitude, longitude of the south-west corner
_KM_PER_DEGREE = 111.2


@dataclass(frozen=True, eq=False)
class Roads:
    """Sensors along roads and E directed edges between neighbouring sensors.

    Attributes:
        coordinates: ``[N, 2]`` latitude and longitude, degrees.
        source: ``[E]`` sensor that an edge leaves.
        target: ``[E]`` sensor that it reaches, next in driving direction.
        length: ``[E]`` driving distance, km.
        share: ``[E]`` share of the traffic at ``source`` that takes this edge; adds up to 1 a source.
    """

    coordinates: NDArray[np.float64]
    source: NDArray[np.intp]
    target: NDArray[np.intp]
    length: NDArray[np.float64]
    share: NDArray[np.float64]

    def adjacency(self) -> NDArray[np.float32]:
        """``[N, N]``, row = from, column = to: ``exp(-(d / 5 km)²)``, zero below 0.1, self loops of 1.

        ``d`` is the driving distance; the thresholded Gaussian kernel is that of DCRNN (Li et al. 2018).
        """
        nodes = len(self.coordinates)
        reach = np.full((nodes, nodes), np.inf, dtype=np.float32)  # [to, from]: relaxing an edge is one row
        np.fill_diagonal(reach, 0.0)
        for _ in range(_KERNEL_REACH):
            for source, target, length in zip(self.source, self.target, self.length, strict=True):
                np.minimum(reach[target], reach[source] + np.float32(length), out=reach[target])
        return np.ascontiguousarray(gaussian_kernel(reach.T, _KERNEL_KM, KERNEL_THRESHOLD))


@dataclass(frozen=True, eq=False)
class _Road:
    """A one-way road: its axis (0 runs east-west, 1 north-south), its way, where it lies, its sensors.

    ``sensors`` and ``along`` (km in driving direction from where the road begins) are in driving order.
    """

    axis: int
    forward: bool
    across: float
    sensors: NDArray[np.intp]
    along: NDArray[np.float64]


def draw_roads(rng: np.random.Generator, num_nodes: int) -> Roads:
    """One-way arterials, half of them east-west and half north-south, that all cross in a square town.

    Sensors stand about 2 km apart, numbered road by road in driving direction. Wherever two roads cross, traffic
    turns from the last sensor before the crossing to the first one behind it on the other road.
    """
    count = max(2, round((num_nodes / 2.5) ** 0.5))
    groups = np.array_split(np.arange(num_nodes), count)
    side = _SPACING_KM * len(groups[0])
    roads = [_draw_road(rng, number, count, sensors, side) for number, sensors in enumerate(groups)]

    edges = [edge for road in roads for edge in _drive_on(road)]
    edges += [edge for a in roads for b in roads if a.axis != b.axis for edge in _turn(a, b, side)]
    source = np.array([edge[0] for edge in edges], dtype=np.intp)
    odds = np.array([edge[3] for edge in edges])
    return Roads(
        coordinates=_coordinates(roads, num_nodes, side),
        source=source,
        target=np.array([edge[1] for edge in edges], dtype=np.intp),
        length=np.array([edge[2] for edge in edges]),
        share=odds / np.bincount(source, weights=odds, minlength=num_nodes)[source],
    )


_Edge = tuple[int, int, float, float]  # source, target, km, odds


def _draw_road(rng: np.random.Generator, number: int, count: int, sensors: NDArray[np.intp], side: float) -> _Road:
    axis, rank = number % 2, number // 2
    parallel = (count + 1 - axis) // 2
    gap = side / len(sensors)
    along = (np.arange(len(sensors)) + 0.5 + rng.uniform(-0.15, 0.15, len(sensors))) * gap
    across = (rank + 1 + rng.uniform(-0.15, 0.15)) * side / (parallel + 1)
    return _Road(axis, rank % 2 == 0, across, sensors, along)


def _drive_on(road: _Road) -> list[_Edge]:
    steps = zip(road.sensors[:-1], road.sensors[1:], np.diff(road.along), strict=True)
    return [(int(a), int(b), float(km), _STRAIGHT) for a, b, km in steps]


def _turn(a: _Road, b: _Road, side: float) -> list[_Edge]:
    leave = b.across if a.forward else side - b.across  # km along a to the crossing
    enter = a.across if b.forward else side - a.across
    before = int(np.searchsorted(a.along, leave)) - 1
    behind = int(np.searchsorted(b.along, enter))
    if before < 0 or behind == len(b.along):
        return []
    km = float(leave - a.along[before] + b.along[behind] - enter)
    return [(int(a.sensors[before]), int(b.sensors[behind]), km, _TURN)]


def _coordinates(roads: list[_Road], num_nodes: int, side: float) -> NDArray[np.float64]:
    east_north = np.empty((num_nodes, 2))  # km
    for road in roads:
        east_north[road.sensors, road.axis] = road.along if road.forward else side - road.along
        east_north[road.sensors, 1 - road.axis] = road.across
    latitude = _TOWN[0] + east_north[:, 1] / _KM_PER_DEGREE
    longitude = _TOWN[1] + east_north[:, 0] / (_KM_PER_DEGREE * np.cos(np.radians(_TOWN[0])))
    return np.stack([latitude, longitude], axis=1)
