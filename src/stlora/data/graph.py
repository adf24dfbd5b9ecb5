"""Graphs made of distances, coordinates or measurements.

Every graph of this library is a matrix ``[N, N]`` of weights of 0 or more in which row = from and column = to: the
weight in row i and column j is that of the edge from sensor i to sensor j, 0 where there is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stlora.data.correlation import correlation, deviations
from stlora.data.series import SensorSeries
from stlora.errors import InputError

KERNEL_THRESHOLD = 0.1  # DCRNN, scripts/gen_adj_mx.py
EARTH_KM = 6371.0088  # mean radius


def from_distances(distances: ArrayLike, threshold: float = KERNEL_THRESHOLD) -> NDArray[np.float32]:
    """The thresholded Gaussian kernel ``exp(-(d / σ)²)`` with σ the standard deviation of all finite distances.

    The published graphs of METR-LA and PEMS-BAY were made so (DCRNN, Li et al. 2018). Weights below ``threshold``
    become 0. Edges keep their direction; none is added, not even from a sensor to itself.

    Args:
        distances: ``[N, N]`` of 0 or more in any unit, row = from, column = to; infinite or NaN where no way leads.
        threshold: the least weight to keep.

    Returns:
        ``[N, N]`` weights.

    Raises:
        InputError: the matrix is not square, a distance is negative, or all distances are equal.

    Example:
        >>> from_distances([[0.0, 1.0], [2.0, np.inf]]).astype(float).round(3).tolist()
        [[1.0, 0.223], [0.0, 0.0]]
    """
    matrix = _square(distances)
    return gaussian_kernel(matrix, kernel_scale(matrix), threshold)


def kernel_scale(distances: NDArray[np.float64]) -> float:
    """The σ of :func:`from_distances`: the standard deviation of all finite distances.

    Raises:
        InputError: it is 0 or not finite.
    """
    finite = distances[np.isfinite(distances)]
    scale = float(np.std(finite)) if len(finite) else 0.0
    if not 0 < scale < np.inf:
        raise InputError("the distances are none, all equal or out of range, so no scale follows; give edge weights")
    return scale


def gaussian_kernel(distances: NDArray[np.floating], scale: float, threshold: float = 0.0) -> NDArray[np.float32]:
    """``exp(-(d / scale)²)`` where it reaches ``threshold``, otherwise 0; NaN and infinite distances give 0."""
    weights = np.exp(-np.square(np.where(np.isnan(distances), np.inf, distances) / scale))
    return np.where(weights >= threshold, weights, 0.0).astype(np.float32)


def from_coordinates(coordinates: ArrayLike, neighbours: int = 8) -> NDArray[np.float32]:
    """Join each sensor with its nearest ones, as the crow flies.

    An edge leads from a sensor to each of its ``neighbours`` nearest; of sensors equally far the first are taken.
    Its weight is ``exp(-(d / σ)²)`` with d the great-circle distance and σ the median of the distances above 0 over
    all these edges, so that a usual neighbour weighs 0.37 and one remote sensor does not change the others. The
    graph is then made symmetric by the larger of both weights, and every sensor gets an edge of weight 1 to itself.

    Args:
        coordinates: ``[N, 2]`` latitude and longitude in degrees.
        neighbours: how many; all others if there are fewer.

    Returns:
        ``[N, N]`` weights, symmetric.

    Raises:
        InputError: a coordinate is missing or no place on Earth, or ``neighbours`` is below 1.

    Example:
        >>> from_coordinates([[0.0, 0.0], [0.0, 1.0], [0.0, 3.0]], neighbours=1).astype(float).round(2).tolist()
        [[1.0, 0.37, 0.0], [0.37, 1.0, 0.02], [0.0, 0.02, 1.0]]
    """
    places = _places(coordinates)
    _check_neighbours(neighbours)
    nodes = len(places)
    distances = np.full((nodes, nodes), np.inf)
    for node in range(nodes):
        away = great_circle_km(places[node], places)
        away[node] = np.inf
        nearest = np.argsort(away, kind="stable")[: min(neighbours, nodes - 1)]
        distances[node, nearest] = away[nearest]
    apart = distances[(distances > 0) & np.isfinite(distances)]
    weights = gaussian_kernel(distances, float(np.median(apart)) if len(apart) else 1.0)
    return _undirected(weights)


def great_circle_km(origin: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances in km by the haversine formula.

    Args:
        origin: ``[2]`` latitude and longitude in degrees.
        places: ``[N, 2]``.

    Example:
        >>> great_circle_km(np.array([0.0, 0.0]), np.array([[0.0, 90.0]])).round().tolist()
        [10008.0]
    """
    latitude, longitude = np.radians(origin)
    latitudes, longitudes = np.radians(places).T
    half = np.sin((latitudes - latitude) / 2) ** 2
    half += np.cos(latitude) * np.cos(latitudes) * np.sin((longitudes - longitude) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))))


def from_correlation(series: SensorSeries, rows: slice, neighbours: int = 8) -> NDArray[np.float32]:
    """Join each sensor with those that deviate from their daily profile together with it.

    What is correlated are the deviations from each sensor's mean at that time of day, over the rows in which both
    sensors are observed: measurements themselves share the daily cycle, so that all would seem alike. The weight of
    an edge is the correlation. Each sensor is joined with the ``neighbours`` to which it is largest and above 0; the
    graph is then made symmetric, and every sensor gets an edge of weight 1 to itself. Pairs with fewer than 30
    common rows are not joined.

    Args:
        series: the measurements.
        rows: those of the training part, and no others: a graph made of test rows has seen the answer.
        neighbours: how many at most.

    Returns:
        ``[N, N]`` weights, symmetric, to 4 decimals, so that they are the same on every machine.

    Raises:
        InputError: the rows hold no two observations at one time of day, or ``neighbours`` is below 1.
    """
    _check_neighbours(neighbours)
    alike = correlation(deviations(series, rows))
    np.fill_diagonal(alike, 0.0)
    weights = np.zeros_like(alike)
    for node, row in enumerate(alike):
        closest = np.argsort(-row, kind="stable")[:neighbours]
        weights[node, closest] = np.maximum(row[closest], 0.0)
    return _undirected(weights.astype(np.float32))


def _undirected(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    weights = np.maximum(weights, weights.T)
    np.fill_diagonal(weights, 1.0)
    return weights


def _square(distances: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(distances, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"the distances have shape {list(matrix.shape)}; expected [N, N]")
    if (matrix < 0).any():
        row, column = np.argwhere(matrix < 0)[0]
        raise InputError(
            f"the distance from node {row} to node {column} is {matrix[row, column]:g}; expected 0 or more, "
            "and infinity where no way leads"
        )
    return matrix


def _places(coordinates: ArrayLike) -> NDArray[np.float64]:
    places = np.asarray(coordinates, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2:
        raise InputError(f"the coordinates have shape {list(places.shape)}; expected [N, 2], latitude and longitude")
    wrong = np.flatnonzero(~((np.abs(places[:, 0]) <= 90) & (np.abs(places[:, 1]) <= 180)))
    if len(wrong):
        latitude, longitude = places[wrong[0]]
        raise InputError(
            f"sensor {wrong[0]} lies at latitude {latitude:g}, longitude {longitude:g}; expected degrees on Earth"
        )
    return places


def _check_neighbours(neighbours: int) -> None:
    if neighbours < 1:
        raise InputError(f"neighbours is {neighbours}; expected 1 or more")
