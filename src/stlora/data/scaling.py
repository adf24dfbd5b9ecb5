"""From physical units to the scale that networks like, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

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
        """Fit to the observed ones of ``values`` (NaN = missing), in float64.

        Raises:
            InputError: nothing is observed, or all observed values are equal.
        """
        observed = values[~np.isnan(values)].astype(np.float64)
        if len(observed) == 0:
            raise InputError("the training period holds no observed value; choose a longer or another period")
        return cls(float(observed.mean()), float(observed.std()))

    def transform(self, values: Tensor) -> Tensor:
        """Physical to scaled."""
        return (values - self.mean) / self.std

    def inverse(self, scaled: Tensor) -> Tensor:
        """Scaled to physical."""
        return scaled * self.std + self.mean
