"""What an adapter changed at each sensor: sorted, and on a map."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stlora.report.clipping import robust_range, write_clipped
from stlora.report.content import NodeErrors, signed
from stlora.report.curves import WIDTH
from stlora.report.style import ADAPTED, ALONE, GRID, INK, MUTED, new_figure


def node_figure(nodes: NodeErrors) -> Figure:
    """Change of each sensor's MAE by the adapter, from the one helped most to the one helped least.

    A few extreme changes are cut off, and written beside their bars.
    """
    figure, (axis,) = new_figure(WIDTH, 3.3)
    known = np.flatnonzero(np.isfinite(nodes.change))
    order = known[np.argsort(nodes.change[known], kind="stable")]
    change = nodes.change[order]
    edges = np.arange(len(change) + 1) + 0.5
    axis.stairs(np.minimum(change, 0), edges, fill=True, color=ADAPTED, lw=0)
    axis.stairs(np.maximum(change, 0), edges, fill=True, color=ALONE, lw=0)
    low, high = robust_range(change)
    if low < high:
        axis.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    texts = [f"{nodes.node_ids[node]}: {signed(nodes.change[node])} %" for node in order]
    above, below = int((change > high).sum()), int((change < low).sum())
    write_clipped(axis, texts[::-1][:above])
    write_clipped(axis, texts[:below], above=False)
    axis.axhline(0, color=MUTED, lw=0.8)
    axis.grid(axis="y", color=GRID, lw=0.7)
    axis.set_xlim(0.5, max(1, len(change)) + 0.5)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("sensors, the one helped most first")
    axis.set_ylabel("change of MAE, %")
    return figure


def map_figure(nodes: NodeErrors) -> Figure:
    """Where the adapter helped: a disc for each sensor, its area the size of the change.

    The discs of a few extreme changes are as large as those at the end of the scale, with the change beside.

    Raises:
        ValueError: no sensor has coordinates.
    """
    if nodes.coordinates is None:
        raise ValueError("a map needs coordinates")
    place = np.isfinite(nodes.coordinates).all(axis=1)
    latitude, longitude = nodes.coordinates[place].T
    change = nodes.change[place]
    low, high = robust_range(change)
    largest = max(-low, high) or 1.0
    figure, (axis,) = new_figure(WIDTH, 3.9)
    unknown = np.isnan(change)
    axis.scatter(longitude[unknown], latitude[unknown], s=12, facecolors="none", edgecolors=MUTED, lw=0.8)
    for colour, chosen in ((ADAPTED, change < 0), (ALONE, change >= 0)):
        area = 8 + 220 * np.abs(change[chosen]).clip(max=largest) / largest
        axis.scatter(longitude[chosen], latitude[chosen], s=area, color=colour, alpha=0.55, lw=0)
    for sensor in np.flatnonzero(np.abs(change) > largest):
        axis.annotate(
            f"{signed(change[sensor])} %",
            (longitude[sensor], latitude[sensor]),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
        )
    axis.set_aspect(1 / max(0.1, np.cos(np.radians(latitude.mean()))), adjustable="datalim")
    axis.margins(0.08)
    axis.grid(color=GRID, lw=0.7)
    axis.ticklabel_format(useOffset=False)
    axis.locator_params(nbins=5)
    axis.set_xlabel("longitude")
    axis.set_ylabel("latitude")
    return figure
