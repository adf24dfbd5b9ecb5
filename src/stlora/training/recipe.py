"""What a training recipe is made of, and the options that change a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stlora.errors import InputError


@dataclass(kw_only=True)
class Recipe:
    """How a network is trained; the defaults are the common recipe.

    Attributes:
        epochs: at most so many passes over the training windows.
        patience: stop after so many epochs without a better validation MAE; 0 for never.
        batch_size: windows in a step.
        optimizer: adam or adamw.
        learning_rate: of the first step.
        weight_decay: as the optimizer defines it.
        epsilon: the optimizer's guard against division by nothing.
        schedule: none, step (times decay every decay_epochs epochs), milestones (times decay after each of
            decay_epochs), plateau (times decay when validation stands still), or cosine (to zero over all epochs).
        decay: the factor of the schedule.
        decay_epochs: one number for step, rising numbers for milestones.
        clip: largest norm of a gradient; 0 for no limit.
        curriculum: the loss begins with the first step ahead and takes in one more after every so many epochs; 0 for
            all steps from the start.
        warmup: epochs with all steps in the loss before the curriculum begins; at their end a schedule of steps or
            milestones starts anew from the full learning rate.
        sampling: a decoder that can be shown true values while it trains sees them with the probability
            k / (k + exp(i / k)) at optimizer step i; this is k, 0 for none.
    """

    epochs: int = 100
    patience: int = 15
    batch_size: int = 64
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    epsilon: float = 1e-8
    schedule: Literal["none", "step", "milestones", "plateau", "cosine"] = "plateau"
    decay: float = 0.5
    decay_epochs: tuple[int, ...] = ()
    clip: float = 5.0
    curriculum: int = 0
    warmup: int = 0
    sampling: float = 0.0


@dataclass(kw_only=True)
class RecipeChanges:  # noqa: D101 (the same fields, each None for "as the recipe says", explained by the same words)
    __doc__ = Recipe.__doc__

    epochs: int | None = None
    patience: int | None = None
    batch_size: int | None = None
    optimizer: Literal["adam", "adamw"] | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    epsilon: float | None = None
    schedule: Literal["none", "step", "milestones", "plateau", "cosine"] | None = None
    decay: float | None = None
    decay_epochs: tuple[int, ...] | None = None
    clip: float | None = None
    curriculum: int | None = None
    warmup: int | None = None
    sampling: float | None = None


_LEAST = {"patience": 0, "batch_size": 1, "weight_decay": 0, "clip": 0, "curriculum": 0, "warmup": 0, "sampling": 0}


def check_values(recipe: Recipe | RecipeChanges, least_epochs: int = 1) -> None:
    """Refuse a value out of its range; one that is not given is left alone.

    Raises:
        InputError: a value is out of its range.
    """
    given = {name: value for name, value in vars(recipe).items() if value is not None}
    for name, least in {"epochs": least_epochs, **_LEAST}.items():
        if name in given and not given[name] >= least:
            raise InputError(f"{name} is {given[name]}; expected {least} or more")
    for name in ("learning_rate", "epsilon"):
        if name in given and not given[name] > 0:
            raise InputError(f"{name} is {given[name]}; expected a number above 0")
    if "decay" in given and not 0 < given["decay"] <= 1:
        raise InputError(f"decay is {given['decay']}; expected a factor above 0, at most 1")
    epochs = list(given.get("decay_epochs", ()))
    if epochs != sorted(set(epochs)) or any(epoch < 1 for epoch in epochs):
        raise InputError(f"decay_epochs is {epochs}; expected rising numbers from 1")


def check_schedule(recipe: Recipe) -> None:
    """Refuse values that do not go together.

    Raises:
        InputError: the schedule lacks its epochs, or there is a warm-up to nothing.
    """
    epochs = list(recipe.decay_epochs)
    if recipe.schedule == "step" and len(epochs) != 1:
        raise InputError(f"schedule is step and decay_epochs is {epochs}; expected one number, such as [10]")
    if recipe.schedule == "milestones" and not epochs:
        raise InputError("schedule is milestones and decay_epochs is empty; expected numbers such as [20, 30]")
    if recipe.warmup and not recipe.curriculum:
        raise InputError(f"warmup is {recipe.warmup} and curriculum is 0; expected a curriculum of 1 or more after it")
