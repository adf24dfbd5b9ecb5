"""Adapt a forecaster of another library: STID as BasicTS ships it, trained by stlora and then adapted frozen.

    pip install stlora basicts
    python examples/foreign_backbone.py path/to/data runs/foreign

The same from the command line, in the folder of this file:

    stlora fit --data path/to/data --backbone foreign_backbone:stid --out runs/stid
    stlora adapt runs/stid --module foreign_backbone:stid --out runs/stid-adapted
"""

from __future__ import annotations

import argparse
from pathlib import Path

from torch import nn

from stlora.backbones.layouts import from_dict
from stlora.training import AdaptConfig, FitConfig, adapt, fit


def stid(num_nodes: int, history: int, horizon: int, steps_per_day: int) -> nn.Module:
    """STID of BasicTS, which wants ``inputs`` [B, T, N] and ``inputs_timestamps`` [B, T, 2] as keywords."""
    from basicts.models.STID import STID, STIDConfig

    config = STIDConfig(
        input_len=history,
        output_len=horizon,
        num_features=num_nodes,
        num_layers=3,
        if_time_in_day=True,
        if_day_in_week=True,
        num_time_in_day=steps_per_day,
    )
    return from_dict(
        STID(config), value="inputs", clock="inputs_timestamps", keywords=True, history=history, horizon=horizon
    )


def main() -> None:
    """Train, adapt, compare."""
    parser = argparse.ArgumentParser(description="Adapt STID of BasicTS.")
    parser.add_argument("data", help="a file or folder that stlora reads")
    parser.add_argument("out", type=Path, help="the folder for both runs")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--adapt_epochs", type=int, default=10)
    parser.add_argument("--train_fraction", type=float, default=1.0)
    given = parser.parse_args()
    factory = "foreign_backbone:stid"  # this file: Python finds it, because it is what was started
    alone = FitConfig(
        data=given.data,
        backbone=factory,
        epochs=given.epochs,
        train_fraction=given.train_fraction,
        out=str(given.out / "alone"),
    )
    adapted = AdaptConfig(
        run=alone.out,
        module=factory,
        epochs=given.adapt_epochs,
        train_fraction=given.train_fraction,
        out=str(given.out / "adapted"),
    )
    for run in (fit(alone, show=True), adapt(adapted, show=True)):
        average, parameters = run.metrics["average"], run.metrics["parameters"]
        print(f"{run.folder}: average MAE {average['mae']:.4f}, RMSE {average['rmse']:.4f}; parameters {parameters}")


if __name__ == "__main__":
    main()
