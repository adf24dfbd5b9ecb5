"""What a comparison on a part of the training windows came to."""

from __future__ import annotations

from dataclasses import dataclass

from stlora.evaluation.rows import Row


@dataclass(frozen=True)
class Share:
    """A part of the training windows.

    Attributes:
        share: of them.
        windows: how many.
        rows: of its comparison.
    """

    share: float
    windows: int
    rows: list[Row]

    @property
    def name(self) -> str:
        """In percent.

        Example:
            >>> Share(0.05, 100, []).name
            '5 %'
        """
        return f"{100 * self.share:.4g} %"
