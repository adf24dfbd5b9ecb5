"""How alike sensors deviate from their usual day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stlora.data.series import SensorSeries
from stlora.data.time.clock import since_midnight
from stlora.errors import InputError

MIN_COMMON_ROWS = 30


def deviations(series: SensorSeries, rows: slice) -> NDArray[np.float64]:
    """Values less the sensor's mean at that time of day, ``[R, N]``; NaN where nothing was observed.

    Args:
        series: the measurements.
        rows: which steps to use, for the means too.

    Raises:
        InputError: no sensor was observed twice at one time of day.
    """
    values = series.values[rows].astype(np.float64)
    time = series.time[rows]
    _, moment = np.unique(since_midnight(time), return_inverse=True)  # [R]
    observed = ~np.isnan(values)
    sums = np.zeros((int(moment.max(initial=-1)) + 1, values.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, moment, np.where(observed, values, 0.0))
    np.add.at(counts, moment, observed)
    if not (counts > 1).any():
        raise InputError(
            f"the training part of {series.name} ({len(values)} steps) holds no two observations at one time of day, "
            "so no correlation follows; give a longer series or another graph"
        )
    return values - (sums / np.maximum(counts, 1))[moment]


def correlation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of each two columns over the rows in which both are observed, to 4 decimals.

    Args:
        values: ``[R, N]``, NaN where nothing was observed.

    Returns:
        ``[N, N]``; 0 where fewer than 30 rows are common or a column does not vary in them.

    Example:
        >>> rise = np.arange(30.0)
        >>> correlation(np.stack([rise, -rise], axis=1)).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    observed = (~np.isnan(values)).astype(np.float64)
    values = np.nan_to_num(values)
    common = observed.T @ observed
    means = values.T @ observed / np.maximum(common, 1)  # [i, j]: of sensor i, over the rows common with j
    variances = np.square(values).T @ observed / np.maximum(common, 1) - np.square(means)
    covariance = values.T @ values / np.maximum(common, 1) - means * means.T
    scale = np.sqrt(np.maximum(variances * variances.T, 0.0))
    known = (common >= MIN_COMMON_ROWS) & (scale > 1e-9 * np.max(scale, initial=0.0))
    return np.round(np.divide(covariance, scale, out=np.zeros_like(scale), where=known), 4).clip(-1.0, 1.0)
