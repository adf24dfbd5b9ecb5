"""Backbones × adapters × seeds on one data set: resumable a cell at a time, several at once."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from stlora._version import __version__
from stlora.adapters import STLoRAConfig
from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.evaluation.tables import Row, summarise, to_csv, to_latex, to_markdown
from stlora.files import read_json, write_json, write_text
from stlora.training.cells import Cell, run_cells
from stlora.training.config import CompareConfig
from stlora.training.prepare import open_series
from stlora.training.run import Run


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to.

    Attributes:
        rows: of the table.
        failed: cells without a result, with their reason.
    """

    rows: list[Row]
    failed: dict[str, str]


def compare(config: CompareConfig, series: SensorSeries | None = None, show: bool = False) -> Comparison:
    """Fit every backbone alone with every seed, adapt each frozen, and write the table.

    A finished cell is not run again; an interrupted one is taken up; a failed one is reported and the others go on.

    Args:
        config: all options.
        series: the measurements, if they are at hand.
        show: progress on the terminal.

    Raises:
        InputError: the data or an option cannot be used.
    """
    series = open_series(config, series)
    folder = Path(config.out) / "runs"
    chains = [
        [
            Cell(folder / f"{backbone.replace(':', '.')}-{seed}" / adapter, backbone, adapter, seed)
            for adapter in ["none", *(name for name in names(config.adapters) if name != "none")]
        ]
        for backbone in names(config.backbones)
        for seed in map(_integer, names(config.seeds))
    ]
    cells = [cell for chain in chains for cell in chain]
    protocol = _protocol(config, series)
    _check_same_protocol(Path(config.out), protocol)
    failed: dict[str, str] = {}
    _write(Path(config.out), protocol, cells, failed)  # the protocol stands before the first cell does
    for more in run_cells(config, series, chains, show):
        failed |= more
        rows = _write(Path(config.out), protocol, cells, failed)
    return Comparison(rows, failed)


def names(given: str | int | Sequence[Any]) -> list[str]:
    """A list of names from a list, or from text with commas.

    Raises:
        InputError: there is none, or one twice.

    Example:
        >>> names("lstm, stgcn")
        ['lstm', 'stgcn']
    """
    parts = str(given).split(",") if isinstance(given, (str, int)) else [str(item) for item in given]
    found = [part.strip() for part in parts if part.strip()]
    if not found or len(set(found)) != len(found):
        raise InputError(f"got {given!r}; expected one or more different names, separated by commas")
    return found


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"the seed {text!r} is not a whole number; give numbers such as 0,1,2") from error


def _check_same_protocol(out: Path, protocol: dict[str, Any]) -> None:
    """A table of unlike runs would be no comparison: more cells may come, other options may not."""
    if not (out / "results.json").exists():
        return
    stored = read_json(out / "results.json").get("protocol", {})
    if stored.get("data_fingerprint") != protocol["data_fingerprint"]:
        raise InputError(f"{out} holds a comparison on other data; choose another --out or delete the folder")
    for name, value in json.loads(json.dumps(protocol["options"])).items():
        before = stored.get("options", {}).get(name, getattr(CompareConfig, name, None))  # unknown to earlier versions
        if name not in _MORE and before != value:
            raise InputError(
                f"{out} holds a comparison with {name}={before} and this one has {value}; "
                "give the same options, or choose another --out"
            )
    for name, sizes in protocol["adapters"].items():
        if stored.get("adapters", {}).get(name, sizes) != sizes:
            raise InputError(f"{out} holds runs with another form of the adapter {name}; choose another --out")


def _protocol(config: CompareConfig, series: SensorSeries) -> dict[str, Any]:
    options = {name: value for name, value in asdict(config).items() if name not in _PLACES}
    return {
        "dataset": series.name,
        "data_fingerprint": series.fingerprint(),
        "nodes": series.num_nodes,
        "steps": series.num_steps,
        "period": [str(series.time[0]), str(series.time[-1])],
        "interval": str(series.interval),
        "unit": series.unit,
        "std": "sample standard deviation over seeds (ddof = 1)",
        "options": options,
        "adapters": {name: asdict(STLoRAConfig.named(name)) for name in names(config.adapters) if name != "none"},
        "versions": {"stlora": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def _write(out: Path, protocol: dict[str, Any], cells: Sequence[Cell], failed: dict[str, str]) -> list[Row]:
    """Write what is finished by now, and return the rows of the table."""
    runs = [Run(cell.folder).metrics for cell in cells if Run(cell.folder).finished]
    rows = summarise(runs)
    write_json(out / "results.json", {"format_version": 1, "protocol": protocol, "runs": runs, "failed": failed})
    lines = [f"\n{name} failed: {reason}\n" for name, reason in failed.items()]
    write_text(out / "table.md", to_markdown(rows) + "\n" + _caption(protocol) + "".join(lines))
    write_text(out / "table.csv", to_csv(rows))
    write_text(out / "table.tex", to_latex(rows))
    return rows


def _caption(protocol: dict[str, Any]) -> str:
    """What a reader of the table must know, in a few lines."""
    options = protocol["options"]
    split = "/".join(f"{100 * share:g}" for share in options["split"])
    drawn = "all training windows"
    if options["train_fraction"] < 1:
        drawn = f"{100 * options['train_fraction']:g} % of the training windows, drawn anew, in every row"
    return (
        f"{protocol['dataset']}: {protocol['nodes']} sensors, {protocol['period'][0]} to {protocol['period'][1]}, one "
        f"step {protocol['interval']}; {options['history']} steps in, {options['horizon']} out; split {split} % of the "
        f"windows in order of time. Test errors over observed targets, in {protocol['unit'] or 'units of the data'}; "
        f"mean ± sample standard deviation over seeds; Δ paired by seed. An epoch saw {drawn}; at most "
        f"{options['epochs']} epochs for a backbone, {options['adapt_epochs']} for an adapter; the weights of the best "
        "validation MAE are measured once on the test windows. `fit s` is the time to train what is new in the row.\n"
    )


_PLACES = ("out", "data", "graph", "device", "jobs", "data_fingerprint")  # where, or said elsewhere
_MORE = ("backbones", "adapters", "seeds")  # a comparison can be continued with more of them
