"""What a network is asked for while it learns: steps ahead in the loss, true values for a decoder."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from stlora.training.recipe import Recipe


def steps_in_loss(epoch: int, horizon: int, recipe: Recipe) -> int:
    """How many steps ahead count in an epoch, the first being 0 (D2STGNN, Shao et al. 2022).

    Example:
        >>> recipe = Recipe(curriculum=2, warmup=1)
        >>> [steps_in_loss(epoch, 3, recipe) for epoch in range(7)]
        [3, 1, 1, 2, 2, 3, 3]
    """
    if recipe.curriculum == 0 or epoch < recipe.warmup:
        return horizon
    return min(horizon, 1 + (epoch - recipe.warmup) // recipe.curriculum)


def truth_probability(step: int, sampling: float) -> float:
    """How probably a decoder is shown a true value at an optimizer step (DCRNN, Li et al. 2018, appendix).

    Example:
        >>> [round(truth_probability(step, sampling=2000), 2) for step in (0, 15_000, 30_000)]
        [1.0, 0.53, 0.0]
    """
    return 1 / (1 + math.exp(min(step / sampling, 700)) / sampling)


def shown_truth(target: Tensor, probability: float) -> Tensor:
    """What a decoder may read in place of its own forecasts: whole steps, each drawn once for all windows.

    Args:
        target: ``[B, H, N, 1]`` in scaled units, NaN = not observed.
        probability: of a step to be shown.

    Returns:
        ``[B, H, N, 1]``, NaN where the decoder is to read its own forecast.
    """
    shown = torch.rand(target.shape[1], device=target.device) < probability
    return target.masked_fill(~shown[:, None, None], torch.nan)
