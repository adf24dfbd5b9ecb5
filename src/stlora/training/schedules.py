"""Optimizers and the schedules of their learning rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, ReduceLROnPlateau

from stlora.training.recipe import Recipe


def make_optimizer(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Optimizer:
    """The recipe's optimizer over what is trainable."""
    optimizer: type[torch.optim.Adam] | type[torch.optim.AdamW]
    optimizer = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
    return optimizer(
        [parameter for parameter in parameters if parameter.requires_grad],
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        eps=recipe.epsilon,
        fused=True,  # one pass over the parameters: an adapter's step is short
    )


def make_schedule(optimizer: Optimizer, recipe: Recipe, steps_per_epoch: int) -> dict[str, Any] | None:
    """The recipe's schedule as Lightning wants it, or None for a rate that stays."""
    if recipe.schedule == "cosine":
        cosine = CosineAnnealingLR(optimizer, T_max=max(1, recipe.epochs * steps_per_epoch))
        return {"scheduler": cosine, "interval": "step"}
    if recipe.schedule == "plateau":
        return {"scheduler": ReduceLROnPlateau(optimizer, factor=recipe.decay, patience=4), "monitor": "val_mae"}
    if recipe.schedule in ("step", "milestones"):
        return {"scheduler": LambdaLR(optimizer, lambda epoch: rate_factor(epoch, recipe)), "interval": "epoch"}
    return None


def rate_factor(epoch: int, recipe: Recipe) -> float:
    """What a schedule of steps or milestones makes of the learning rate in an epoch, the first being 0.

    It is a matter of the epoch alone, so a run that is taken up again goes on with the right rate.

    Example:
        >>> recipe = Recipe(schedule="milestones", decay=0.5, decay_epochs=(1, 3))
        >>> [rate_factor(epoch, recipe) for epoch in range(4)]
        [1.0, 0.5, 0.5, 0.25]
    """
    start = recipe.warmup if epoch >= recipe.warmup else 0
    if recipe.schedule == "step":
        return recipe.decay ** ((epoch - start) // recipe.decay_epochs[0])
    return float(recipe.decay ** sum(start < passed <= epoch for passed in recipe.decay_epochs))


def after_step(schedule: Any) -> None:
    """Go on by one optimizer step, if the schedule counts them."""
    if isinstance(schedule, CosineAnnealingLR):
        schedule.step()


def after_epoch(schedule: Any, val_mae: Tensor) -> None:
    """Go on by one epoch, if the schedule counts them."""
    if isinstance(schedule, ReduceLROnPlateau):
        schedule.step(val_mae)
    elif isinstance(schedule, LambdaLR):
        schedule.step()
