"""Figures of studies as files, for which matplotlib is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def try_figure(out: Path, draw: Callable[[], Figure]) -> str:
    """Write ``study.svg`` and ``study.png``; the table stands without them.

    Args:
        out: the folder of the study.
        draw: makes the figure; matplotlib is imported in it.

    Returns:
        A line that says where they are, or why there are none.
    """
    try:
        figure = draw()
        from stlora.report.style import save_figure
    except ImportError:
        return 'no figure: it needs matplotlib; run pip install "stlora[report]"'
    for ending in ("svg", "png"):
        save_figure(figure, out / f"study.{ending}")
    return f"the figure: {out / 'study.svg'}, {out / 'study.png'}"
