"""The study of few data: backbones and adapters on ever smaller latest parts of the training windows."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stlora.data import SensorSeries
from stlora.data.split import sample_split
from stlora.errors import InputError
from stlora.evaluation.rows import Row
from stlora.evaluation.tables import Table
from stlora.evaluation.writing import to_markdown
from stlora.files import write_json
from stlora.folders import claimed
from stlora.progress import say
from stlora.studies.config import FewShotConfig
from stlora.studies.drawing import try_figure
from stlora.studies.outcome import Study
from stlora.studies.protocol import circumstances
from stlora.studies.share import Share
from stlora.studies.writing import spread_entry, write_page
from stlora.training import together
from stlora.training.comparing.comparison import compare
from stlora.training.comparing.lists import names
from stlora.training.config import CompareConfig
from stlora.training.prepare import open_series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABOUT = (
    "Each share is the latest part of the training windows; nothing from before it is in scaler, profiles, graphs by "
    "correlation or training. Validation and test windows are the same in all lines. An epoch has the same number of "
    "optimizer steps in all lines, since fewer windows are gone through more often, and the limits of the recipe are "
    "the same; early stopping may leave some epochs out. Average test MAE, mean ± sample standard deviation over seeds "
    "(ddof = 1), without ± for a single seed; Δ: change of the MAE against the backbone alone on the same share, "
    "paired by seed. Choices are made by validation.\n"
)


def few_shot_study(config: FewShotConfig, series: SensorSeries | None = None, show: bool = False) -> Study:
    """Compare on each share of the training windows, with the same number of optimizer steps in an epoch.

    Every share is a comparison in a folder of its own, which can be stopped and taken up as others can.

    Args:
        config: all options.
        series: the measurements, if they are at hand.
        show: progress on the terminal.

    Raises:
        InputError: several processes were started, a share is none, or the data or an option cannot be used.
    """
    together.refuse("a study")
    with claimed(config.out):
        return _few_shot_study(config, series, show)


def _few_shot_study(config: FewShotConfig, series: SensorSeries | None, show: bool) -> Study:
    given = _shares(config)
    series = open_series(config, series)
    whole = sample_split(series.num_steps, config.history, config.horizon, config.split, config.purge)
    out, shares, failed = Path(config.out), list[Share](), dict[str, str]()
    for share in given:
        windows = len(whole.train_on_latest(share).train)
        if show:
            say(f"the latest {100 * share:.4g} % of the training windows")
        comparison = compare(_config(config, share, len(whole.train) / windows), series, show)
        shares.append(Share(share, windows, comparison.rows))
        failed |= {f"{shares[-1].name} {name}": reason for name, reason in comparison.failed.items()}
        _write(out, config, series, shares, failed)

    def draw() -> Figure:
        from stlora.studies.fewshot_figure import fewshot_figure

        return fewshot_figure(shares, series.unit)

    return Study([_table(shares)], try_figure(out, draw) if any(share.rows for share in shares) else "", failed)


def _shares(config: FewShotConfig) -> list[float]:
    try:
        given = sorted(float(share) for share in names(config.shares))
    except ValueError:
        given = [0.0]
    if not all(0 < share <= 1 for share in given):
        raise InputError(f"the shares are {config.shares}; expected numbers above 0, at most 1, such as 0.05,0.1,0.5,1")
    return given


def _config(config: FewShotConfig, share: float, passes: float) -> CompareConfig:
    """The comparison on one share."""
    options = {field.name: getattr(config, field.name) for field in dataclasses.fields(CompareConfig)}
    options |= {
        "out": str(Path(config.out) / f"{100 * share:.4g}-percent"),
        "train_latest": share,
        "train_fraction": config.train_fraction * passes,
    }
    return CompareConfig(**options)


def _write(out: Path, config: FewShotConfig, series: SensorSeries, shares: list[Share], failed: dict[str, str]) -> None:
    write_page(out, "Study of few data", [to_markdown(_table(shares)), ABOUT], failed)
    hidden = ("out", "data", "graph", "device", "jobs")
    protocol: dict[str, Any] = {
        "study": "fewshot",
        "dataset": series.name,
        "data_fingerprint": series.fingerprint(),
        "options": {name: value for name, value in vars(config).items() if name not in hidden},
        "std": "sample standard deviation over seeds (ddof = 1)",
        **circumstances(),
    }
    points = [_point_entry(share, row) for share in shares for row in share.rows]
    write_json(out / "study.json", {"format_version": 1, "protocol": protocol, "points": points, "failed": failed})


def _point_entry(share: Share, row: Row) -> dict[str, Any]:
    return {
        "share": share.share,
        "training_windows": share.windows,
        "backbone": row.backbone,
        "adapter": row.adapter,
        "mode": row.mode,
        "seeds": list(row.seeds),
        "parameters": row.parameters,
        "mae": spread_entry(row.errors["average", "mae"]),
        "change_percent": spread_entry(row.change),
        "val_change_percent": spread_entry(row.val_change),
        "epochs": spread_entry(row.epochs),
        "seconds": spread_entry(row.seconds),
    }


def _table(shares: list[Share]) -> Table:
    header = ["backbone", "column", "share", "windows", "seeds", "MAE average", "Δ validation %", "Δ MAE %"]
    header += ["epochs", "fit s"]
    kinds = dict.fromkeys((row.backbone, row.column) for share in shares for row in share.rows)
    body = [
        [
            *kind,
            share.name,
            f"{share.windows:,}",
            str(len(row.seeds)),
            row.errors["average", "mae"].text(),
            "" if row.val_change is None else row.val_change.text(1, "+"),
            "" if row.change is None else row.change.text(1, "+"),
            row.epochs.text(0),
            row.seconds.text(0),
        ]
        for kind in kinds
        for share in shares
        for row in share.rows
        if (row.backbone, row.column) == kind
    ]
    return Table(header, body)
