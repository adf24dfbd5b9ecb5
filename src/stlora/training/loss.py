"""The training loss of the field: masked MAE in physical units."""

from __future__ import annotations

from torch import Tensor


def masked_mae(forecast: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error over the observed targets, for gradients; 0 where a batch has none.

    Args:
        forecast: ``[B, H, N, 1]`` in physical units.
        target: ``[B, H, N, 1]`` in physical units, NaN = not observed.

    Example:
        >>> import torch
        >>> float(masked_mae(torch.tensor([1.0, 5.0]), torch.tensor([3.0, float("nan")])))
        2.0
    """
    missing = target.isnan()
    error = (forecast - target).masked_fill(missing, 0.0).abs()
    return error.sum() / (missing.numel() - missing.sum()).clamp(min=1)
