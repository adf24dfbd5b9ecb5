"""The trained backbones that a study starts from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stlora.backbones.own import is_factory
from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.training.comparing.lists import names
from stlora.training.config import DataOptions
from stlora.training.models import is_baseline
from stlora.training.prepare import open_run
from stlora.training.run import Run

Group = tuple[str, str]  # data set and backbone
_SAME = ("history", "horizon", "split", "purge", "train_latest", "data_fingerprint")


@dataclass(frozen=True)
class Source:
    """A trained backbone.

    Attributes:
        run: its folder.
        dataset: on which it was trained.
        backbone: its name.
        seed: of its training.
    """

    run: Run
    dataset: str
    backbone: str
    seed: int

    @property
    def group(self) -> Group:
        """What it is but for its seed."""
        return self.dataset, self.backbone

    @property
    def key(self) -> str:
        """Its name in the folder of a study."""
        return re.sub(r"[^\w.-]+", ".", f"{self.dataset}-{self.backbone}-{self.seed}")

    def entry(self) -> dict[str, Any]:
        """For the protocol of a study."""
        fit, metrics = self.run.record().fit, self.run.metrics
        weights = (self.run.folder / "backbone" / "model.safetensors").read_bytes()
        return {
            "dataset": self.dataset,
            "backbone": self.backbone,
            "seed": self.seed,
            **_data_of(fit),
            "weights": hashlib.sha256(weights).hexdigest(),
            "epochs": metrics["epochs"],
            "val_mae": metrics["val_mae"],
        }


def find_sources(given: str | Sequence[str]) -> list[Source]:
    """The trained backbones in run folders, and in folders of comparisons.

    Args:
        given: folders; a list, or text with commas.

    Raises:
        InputError: a folder holds no trained backbone alone, two are alike, or those that are averaged differ in more
            than their seeds.
    """
    sources = [source for folder in names(given) for source in _in_folder(Path(folder))]
    seen: dict[str, Source] = {}
    for source in sources:
        other = seen.setdefault(source.key, source)
        if other is not source:
            raise InputError(
                f"{other.run.folder} and {source.run.folder} both hold {source.backbone} on {source.dataset} with seed "
                f"{source.seed}; give one of them"
            )
    _check_alike(sources)
    return sources


def groups_of(sources: Iterable[Source]) -> list[Group]:
    """The data sets and backbones, in the order in which they come."""
    return list(dict.fromkeys(source.group for source in sources))


def _in_folder(folder: Path) -> list[Source]:
    if not (folder / "results.json").exists():
        return [_source(Run(folder))]
    runs = [Run(path.parent) for path in sorted(folder.glob("runs/*/none/metrics.json"))]
    trained = [source for source in map(_source, runs) if not is_baseline(source.backbone)]
    if not trained:
        raise InputError(f"{folder} holds a comparison without a trained backbone; give one that has some")
    return trained


def _source(run: Run) -> Source:
    if not run.finished:
        raise InputError(
            f"{run.folder} holds no finished run; give the folder of a trained backbone, made by stlora fit, or of a "
            "comparison"
        )
    metrics = run.metrics
    if metrics["adapter"] != "none":
        raise InputError(
            f"{run.folder} holds {metrics['backbone']} with {metrics['adapter']}; give the run of the backbone alone"
        )
    return Source(run, metrics["dataset"], metrics["backbone"], metrics["seed"])


def _check_alike(sources: Sequence[Source]) -> None:
    """Seeds are averaged, other things are not."""
    first: dict[Group, dict[str, Any]] = {}
    for source in sources:
        data = _data_of(source.run.record().fit)
        before = first.setdefault(source.group, data)
        for name in _SAME:
            if before[name] != data[name]:
                raise InputError(
                    f"the runs of {source.backbone} on {source.dataset} differ in {name}: {before[name]} and "
                    f"{data[name]}; give runs that differ in their seeds alone"
                )


def _data_of(fit: dict[str, Any]) -> dict[str, Any]:
    """On which windows of which data a run was made; an earlier version did not know all that can be said of it."""
    return {name: fit.get(name, getattr(DataOptions, name, None)) for name in _SAME}


def module_for(source: Source, module: str | None) -> str | None:
    """The factory of a user's own backbone; none for a backbone of the library."""
    name = source.run.record().name
    return module if name == "custom" or is_factory(name) else None


class Measurements:
    """The series that runs were made with, each read once.

    Args:
        series: those that are at hand.
    """

    def __init__(self, series: Iterable[SensorSeries] = ()) -> None:
        self._known = {one.fingerprint(): one for one in series}

    def of(self, run: Run) -> SensorSeries:
        """The series of a run.

        Raises:
            InputError: it is not there, or has changed.
        """
        record = run.record()
        fingerprint = str(record.fit.get("data_fingerprint"))
        if fingerprint not in self._known:
            self._known[fingerprint] = open_run(record).series
        return self._known[fingerprint]
