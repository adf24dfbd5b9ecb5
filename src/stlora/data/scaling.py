"""From physical units to the scale that networks like, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stlora.data.mapped import row_chunks
from stlora.errors import InputError


@dataclass(frozen=True)
class Scaler:
    """Standardisation with one mean and one standard deviation for the whole network.

    Attributes:
        mean: mean of the observed training values, in physical units.
        std: their standard deviation, in physical units.

    Example:
        >>> scaler = Scaler.fit(np.array([[50.0, np.nan], [70.0, 60.0]]))
        >>> scaler.mean
        60.0
        >>> round(scaler.inverse(scaler.transform(np.array([42.0])))[0])
        42
    """

    mean: float
    std: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.std) and self.std > 0):
            raise InputError(
                f"cannot scale with mean {self.mean} and standard deviation {self.std}; "
                "the training period needs observed values that are not all equal"
            )

    @classmethod
    def fit(cls, values: NDArray[np.floating]) -> Scaler:
        """Fit to the observed ones of ``values`` ``[T, N]`` (NaN = missing), in float64, a part at a time.

        Raises:
            InputError: nothing is observed, or all observed values are equal.
        """
        count, mean, squares = 0, 0.0, 0.0
        for rows in row_chunks(values):
            observed = _observed(values[rows])
            count, mean = count + len(observed), mean + float(observed.sum())
        if count == 0:
            raise InputError("the training period holds no observed value; choose a longer or another period")
        mean /= count
        for rows in row_chunks(values):
            squares += float(((_observed(values[rows]) - mean) ** 2).sum())
        return cls(mean, math.sqrt(squares / count))

    def transform(self, values: Tensor) -> Tensor:
        """Physical to scaled."""
        return (values - self.mean) / self.std

    def inverse(self, scaled: Tensor) -> Tensor:
        """Scaled to physical."""
        return scaled * self.std + self.mean


def _observed(values: NDArray[np.floating]) -> NDArray[np.float64]:
    observed: NDArray[np.float64] = values[~np.isnan(values)].astype(np.float64)
    return observed
