"""Forecast beside truth, backbone alone and adapted, at the sensor that gained most and the one that gained least.

    python examples/forecast_picture.py runs/demo/lstm runs/demo/stlora forecast.png

The first run is the backbone alone, the second one what ``stlora adapt`` made of it. The picture is a PNG or an SVG,
as its name says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stlora.report.figures import forecast_figure
from stlora.report.runs.examples import node_errors, pick_examples
from stlora.report.style import save_figure
from stlora.training import Run
from stlora.training.adaptation import open_run


def main(alone: str, adapted: str, out: str) -> None:
    """Draw the picture of two run folders."""
    runs = Run(alone), Run(adapted)
    data = open_run(runs[0].record())
    nodes = node_errors(runs[0].metrics, runs[1].metrics, data.series)
    examples = pick_examples(runs[0].load(), runs[1].load(), data, nodes)
    save_figure(forecast_figure(examples, data.series.unit, data.series.interval), Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
