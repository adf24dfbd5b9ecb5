"""The figure of the study of few data: error against the share of the training windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from stlora.report.curves import Curve, curves_figure
from stlora.report.figures import label
from stlora.report.looks import looks_of
from stlora.studies.share import Share


def fewshot_figure(shares: Sequence[Share], unit: str) -> Figure:
    """Average test MAE with each share, a panel for each backbone, a line for each column.

    Args:
        shares: from the smallest.
        unit: of the data.
    """
    panels: dict[str, dict[str, list[tuple[int, float, float]]]] = {}
    for place, share in enumerate(shares):
        for row in share.rows:
            mae = row.errors["average", "mae"]
            panels.setdefault(row.backbone, {}).setdefault(row.column, []).append((place, mae.mean, mae.std))
    columns = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    adapted = next((name for name in columns if name != "alone"), "")
    figure = curves_figure(
        {backbone: [_curve(name, line) for name, line in lines.items()] for backbone, lines in panels.items()},
        looks_of(["alone", *([adapted] if adapted else []), *columns]),
        "the latest share of the training windows",
        label("average test MAE", unit),
        marked=True,
    )
    for axis in figure.axes[: len(panels)]:
        axis.set_xticks(range(len(shares)), [share.name for share in shares])
        axis.set_xlim(-0.3, len(shares) - 0.7)
    return figure


def _curve(name: str, line: Sequence[tuple[int, float, float]]) -> Curve:
    x, mean, std = (np.array(values, dtype=np.float64) for values in zip(*line, strict=True))
    return Curve(name, x, mean, std)
