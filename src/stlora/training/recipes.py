"""The published recipe of every backbone beside its source, and the common one. Explained in ``docs/recipes.md``."""

from __future__ import annotations

from dataclasses import dataclass

from stlora.training.recipe import Recipe


@dataclass(frozen=True)
class Published:
    """A recipe and where it was published.

    Attributes:
        source: whose code, and which of its settings.
        recipe: its numbers.
    """

    source: str
    recipe: Recipe


COMMON = Recipe()

PUBLISHED = {
    "lstm": Published(
        source="LargeST",
        recipe=Recipe(patience=30, schedule="none"),
    ),
    "stgcn": Published(
        source="LargeST",
        recipe=Recipe(patience=30, weight_decay=5e-4, schedule="step", decay=0.95, decay_epochs=(10,), clip=0),
    ),
    "gwnet": Published(
        source="authors",
        recipe=Recipe(patience=0, schedule="none"),
    ),
    "agcrn": Published(
        source="authors; METR-LA from Traffic-Benchmark",
        recipe=Recipe(learning_rate=3e-3, weight_decay=0, schedule="none", clip=0),
    ),
    "staeformer": Published(
        source="authors, METR-LA",
        recipe=Recipe(
            epochs=200,
            patience=30,
            batch_size=16,
            weight_decay=3e-4,
            schedule="milestones",
            decay=0.1,
            decay_epochs=(20, 30),
            clip=0,
        ),
    ),
    "d2stgnn": Published(
        source="authors, METR-LA",
        recipe=Recipe(
            epochs=80,
            patience=100,
            batch_size=32,
            learning_rate=2e-3,
            weight_decay=1e-5,
            schedule="milestones",
            decay_epochs=(1, 30, 38, 46, 54, 62, 70, 80),
            curriculum=6,
        ),
    ),
    "stid": Published(
        source="authors 2023, METR-LA",
        recipe=Recipe(
            epochs=200,
            patience=0,
            batch_size=32,
            learning_rate=2e-3,
            schedule="milestones",
            decay_epochs=(1, 50, 80),
            clip=0,
        ),
    ),
    "dcrnn": Published(
        source="authors, METR-LA",
        recipe=Recipe(
            patience=50,
            learning_rate=1e-2,
            weight_decay=0,
            epsilon=1e-3,
            schedule="milestones",
            decay=0.1,
            decay_epochs=(20, 30, 40, 50),
            sampling=2000,
        ),
    ),
}
