"""Run folders: what a run was, what it learned, how it did."""

from __future__ import annotations

import dataclasses
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import yaml
from msgspec import Meta
from torch import Tensor, nn

from stlora._version import __version__
from stlora.backbones import own
from stlora.data.filling import Filling
from stlora.data.scaling import Scaler
from stlora.data.series import SensorSeries
from stlora.data.time.clock import slots_of_a_day
from stlora.errors import InputError
from stlora.evaluation.errors import WindowErrors
from stlora.files import read_tensors, write_json, write_tensors, write_text
from stlora.folders import is_empty
from stlora.paths import expanded
from stlora.records import Name, Steps, Text, read_record
from stlora.tensors import Within, put, weights_of
from stlora.training import models
from stlora.training.config import DataOptions, FitPlan
from stlora.training.schemas import Metrics, RunOptions
from stlora.training.wrapping import load_wrapped

FORMAT_VERSION = 1
ERRORS = "errors.safetensors"
CONFIG = "config.yaml"
_AGAIN = "restore it, or fit the backbone again"
CHECKPOINTS = "checkpoints"
_OWN = frozenset(  # what lies in the folder of a run, a comparison or a study
    [CONFIG, "metrics.json", "log.csv", ERRORS, "report.html", "backbone", "adapter", CHECKPOINTS, "kept", "runs"]
    + [f"table.{ending}" for ending in ("md", "csv", "tex")]
    + [f"study.{ending}" for ending in ("json", "md", "svg", "png")]
    + ["results.json"]
)
GRAPH_TENSORS = ("adjacency.edges", "adjacency.weights")
PROFILE_TENSOR = "fill.profile"
NODES_TENSOR = "nodes.count"
NOT_WEIGHTS = (*GRAPH_TENSORS, PROFILE_TENSOR, NODES_TENSOR)  # of the tensors that lie with a backbone's weights


@dataclass(frozen=True)
class BackboneRecord:
    """All that is needed to rebuild a backbone and to use it: how it was made and what it was fitted to.

    Attributes:
        name: as in the registry; for a module of the user's own ``package.module:factory``, or ``custom``.
        options: sizes that differ from the published ones.
        history: past steps read.
        horizon: future steps answered.
        in_channels: history channels read.
        node_ids: the sensors, in order.
        unit: of the data.
        interval_seconds: between two steps.
        timezone: of the clock of the data, None if it is not known; later files are put on it.
        zero_is_missing: whether zeros were taken for missing values; in later files too.
        day_first: whether days stand before months in the time stamps of the data, where months may stand before
            days; in later files too.
        scaler: from physical units to the scale of the network.
        fit: the options of the run that trained it.
    """

    name: Name
    options: dict[str, Any]
    history: Steps
    horizon: Steps
    in_channels: Annotated[int, Meta(ge=1, le=1000)]
    node_ids: Annotated[list[Text], Meta(min_length=1)]
    unit: Text
    interval_seconds: Annotated[float, Meta(gt=0, le=1e9)]
    timezone: Text | None
    zero_is_missing: bool
    day_first: bool | None
    scaler: Scaler
    fit: dict[str, Any]

    @classmethod
    def of(cls, series: SensorSeries, scaler: Scaler, module: nn.Module, fit: dict[str, Any]) -> BackboneRecord:
        """The record of a backbone fitted to ``series``."""
        return cls(
            name=fit["backbone"],
            options=fit["backbone_options"],
            history=fit["history"],
            horizon=fit["horizon"],
            in_channels=int(getattr(module, "in_channels", 3)),
            node_ids=list(series.node_ids),
            unit=series.unit,
            interval_seconds=series.interval.total_seconds(),
            timezone=series.timezone,
            zero_is_missing=series.zero_is_missing is True,
            day_first=series.day_first,
            scaler=scaler,
            fit=fit,
        )


@dataclass(frozen=True)
class _Stored(BackboneRecord):
    """``backbone/config.json``."""

    fit: FitPlan  # type: ignore[assignment]


class Run:
    """A run folder.

    Args:
        folder: of the run, finished or to be written; a run is one by itself.

    Raises:
        InputError: it is no path.
    """

    def __init__(self, folder: str | Path | Run) -> None:
        if not isinstance(folder, (str, Path, Run)):
            raise InputError(f"the run is a {type(folder).__name__}; expected a run or the path of its folder")
        self.folder: Path = folder.folder if isinstance(folder, Run) else Path(expanded(folder))

    def begin(self, config: Any) -> None:
        """Claim the folder for a run with these options, or take up the unfinished one that it holds.

        Raises:
            InputError: as :meth:`check_free`.
        """
        self.check_free(config)
        write_text(self.folder / CONFIG, yaml.safe_dump(_plain(asdict(config)), sort_keys=False, allow_unicode=True))

    def check_free(self, config: Any) -> None:
        """Look whether a run with these options can be begun or taken up here, before anything that takes long.

        Raises:
            InputError: the folder holds a finished run, an unfinished one on other data or with other options, or
                something else.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file; choose another --out")
        if self.finished:
            raise InputError(f"{self.folder} holds a finished run; choose another --out or delete the folder")
        if (self.folder / CONFIG).exists():
            differing = self._differing(config)
            if "data_fingerprint" in differing:
                before, now = differing["data_fingerprint"]
                raise InputError(
                    f"{self.folder} holds an unfinished run on other data: their fingerprint was {_short(before)} and "
                    f"is {_short(now)}; restore the data or its graph to take it up, or choose another --out"
                )
            if differing:
                told = ", ".join(
                    f"{name} is {before!r} there and {now!r} here" for name, (before, now) in differing.items()
                )
                raise InputError(
                    f"{self.folder} holds an unfinished run with other options: {told}; give the same options to take "
                    "it up, or choose another --out"
                )
        elif self.folder.exists() and not is_empty(self.folder):
            raise InputError(f"{self.folder} is not empty and holds no run; choose another --out")

    def completed(self, config: Any) -> bool:
        """Remove the checkpoints of a run with these options that was killed when all but this was done.

        Returns:
            Whether the folder held such a run.
        """
        if not (self.finished and (self.folder / CHECKPOINTS).exists()) or self._differing(config):
            return False
        self.drop_checkpoints()
        return True

    def drop_checkpoints(self) -> None:
        """Remove the checkpoints, which a finished run does not need."""
        shutil.rmtree(self.folder / CHECKPOINTS, ignore_errors=True)

    def _differing(self, config: Any) -> dict[str, tuple[Any, Any]]:
        """The options that are others than those of the run in the folder: before and now, by name."""
        before, now = _comparable(_defaults(config) | self.options), _comparable(_plain(asdict(config)))
        names = dict.fromkeys([*now, *before])
        return {name: (before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name)}

    def check_not_own(self, output: Path) -> None:
        """Refuse an output that would replace a file of this folder, or of a comparison or study in it.

        Raises:
            InputError: it would.
        """
        here, there = self.folder.resolve(), output.resolve()
        name = there.relative_to(here).parts[:1] if here in there.parents else ()
        own = [path for path in self.folder.glob("*") if path.is_file() and path.name in _OWN]
        if (name and name[0] in _OWN) or (output.exists() and any(output.samefile(path) for path in own)):
            raise InputError(f"{output} is a file of the run in {self.folder}; name another one to write")

    @property
    def options(self) -> dict[str, Any]:
        """The content of ``config.yaml``.

        Raises:
            InputError: the file is missing or damaged.
        """
        content: Any = read_record(self.folder / CONFIG, RunOptions, "restore it, or delete the folder", version=None)
        options: dict[str, Any] = content
        return options

    @property
    def finished(self) -> bool:
        """Whether the run is complete: its metrics are the last file written."""
        return (self.folder / "metrics.json").exists()

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of ``metrics.json``.

        Raises:
            InputError: the file is missing or damaged.
        """
        content: Any = read_record(self.folder / "metrics.json", Metrics, "restore it, or make the run again")
        metrics: dict[str, Any] = content
        return metrics

    def finish(self, metrics: dict[str, Any], errors: WindowErrors) -> None:
        """Write the errors of the test windows, then the metrics, and remove the checkpoints."""
        errors.save(self.folder / ERRORS)
        write_json(self.folder / "metrics.json", metrics)
        self.drop_checkpoints()

    def errors(self) -> WindowErrors | None:
        """The errors of every test window; None for a run of an earlier version, which did not keep them.

        Raises:
            InputError: the file is damaged.
        """
        return WindowErrors.load(self.folder / ERRORS) if (self.folder / ERRORS).exists() else None

    def save_backbone(
        self, module: nn.Module, record: BackboneRecord, adjacency: np.ndarray | None, filling: Filling
    ) -> None:
        """Write ``backbone/``: how it was made, its weights, the graph it was built on, and what fills its inputs."""
        tensors = weights_of(module)
        if filling.profile is not None:
            tensors[PROFILE_TENSOR] = torch.from_numpy(filling.profile)
        if adjacency is not None:
            edges = np.nonzero(adjacency)
            tensors[GRAPH_TENSORS[0]] = torch.from_numpy(np.stack(edges))
            tensors[GRAPH_TENSORS[1]] = torch.from_numpy(adjacency[edges])
        tensors[NODES_TENSOR] = torch.tensor(len(record.node_ids))
        write_tensors(self.folder / "backbone" / "model.safetensors", tensors)
        content = {"format_version": FORMAT_VERSION, "stlora_version": __version__, **asdict(record)}
        write_json(self.folder / "backbone" / "config.json", content)

    def record(self) -> BackboneRecord:
        """What is known of the backbone.

        Raises:
            InputError: the file is missing, damaged, or of a later format.
        """
        path = self.folder / "backbone" / "config.json"
        record = read_record(path, _Stored, _AGAIN)
        plan = record.fit
        for name, (one, other) in {
            "name": (record.name, plan.backbone),
            "options": (record.options, plan.backbone_options),
            "history": (record.history, plan.history),
            "horizon": (record.horizon, plan.horizon),
            "the count of node_ids": (len(record.node_ids), len(set(record.node_ids))),
        }.items():
            if one != other:
                raise InputError(f"{path} is damaged ({name} is {one!r} and {other!r} in one file); {_AGAIN}")
        if not re.fullmatch("[0-9a-f]{64}", str(plan.data_fingerprint)):
            raise InputError(f"{path} is damaged (fit.data_fingerprint is {plan.data_fingerprint!r}); {_AGAIN}")
        return BackboneRecord(**{**vars(record), "fit": _plain(asdict(plan))})

    def filling(self) -> Filling:
        """What stands in the histories of its backbone where nothing was observed.

        Raises:
            InputError: a file is missing or damaged.
        """
        record = self.record()
        fill = record.fit.get("fill", DataOptions.fill)
        if fill != "profile":
            return Filling(fill)
        path, tensors = self._tensors(record)
        if PROFILE_TENSOR not in tensors:
            raise InputError(f"{path} lacks {PROFILE_TENSOR}, which fills gaps in this run; {_AGAIN}")
        profile = tensors[PROFILE_TENSOR]
        shape = (slots_of_a_day(pd.Timedelta(seconds=record.interval_seconds)), len(record.node_ids))
        if profile.shape != shape or not profile.is_floating_point() or profile.isinf().any():
            raise InputError(f"{path} is damaged ({PROFILE_TENSOR}; expected finite numbers {list(shape)}); {_AGAIN}")
        return Filling(fill, profile.float().numpy())

    def load_backbone(self, module: nn.Module | str | None = None) -> nn.Module:
        """The backbone with its weights.

        Args:
            module: for a run of a module that the registry does not know: the module, built as it was for the run,
                or ``package.module:factory`` to run that code. What the folder names is never run by itself.

        Raises:
            InputError: a file is missing or damaged, or the module is needed or does not fit.
        """
        record = self.record()
        path, tensors = self._tensors(record)
        edges, weights, *_ = (tensors.pop(name, None) for name in NOT_WEIGHTS)
        if not isinstance(module, nn.Module):
            with Within(tensors, len(record.node_ids), path.with_name("config.json")):
                module = self._build(record, _adjacency(edges, weights, len(record.node_ids), path), module)
        put(module, tensors, f"the weights of {record.name} in {path}", _AGAIN)
        return module.eval()

    def _tensors(self, record: BackboneRecord) -> tuple[Path, dict[str, Tensor]]:
        """The file of its weights, and what is in it."""
        path = self.folder / "backbone" / "model.safetensors"
        tensors = read_tensors(path)
        nodes = tensors.pop(NODES_TENSOR, torch.tensor(len(record.node_ids)))  # earlier files do not say
        if not torch.equal(nodes, torch.tensor(len(record.node_ids))):
            raise InputError(
                f"{path} holds weights for {nodes.tolist()} sensors and config.json beside it names "
                f"{len(record.node_ids)}; {_AGAIN}"
            )
        return path, tensors

    def _build(self, record: BackboneRecord, adjacency: torch.Tensor | None, factory: str | None) -> nn.Module:
        """The backbone before it gets its weights."""
        outside = record.name == "custom" or own.is_factory(record.name)
        if outside and factory is None:
            named = "" if record.name == "custom" else f", made by {record.name}"
            raise InputError(
                f"{self.folder} holds a module of code outside this library{named}; such code is never run by itself: "
                "if you have it and trust it, name it with --module package.module:factory (module= in Python)"
            )
        if not outside and factory is not None:
            raise InputError(f"{self.folder} holds {record.name}, which needs no --module; leave it out")
        nodes, sizes = len(record.node_ids), {"history": record.history, "horizon": record.horizon}
        if factory is not None:
            return own.build(factory, nodes, adjacency, **{**sizes, **record.options})
        sizes["in_channels"] = record.in_channels
        return models.create(record.name, nodes, adjacency, **{**sizes, **record.options})

    def load(self, module: nn.Module | str | None = None) -> nn.Module:
        """The network of the run: the backbone, with its adapter if the run has one."""
        backbone = self.load_backbone(module)
        if (self.folder / "adapter" / "adapter_config.json").exists():
            return load_wrapped(backbone, self.folder / "adapter").eval()
        return backbone


def _adjacency(edges: Tensor | None, weights: Tensor | None, nodes: int, path: Path) -> Tensor | None:
    """``[N, N]`` from what lies with the weights; None without a graph.

    Raises:
        InputError: the edges are not between the nodes, or their weights no finite numbers.
    """
    if edges is None or weights is None:
        return None
    count = edges.shape[-1] if edges.dim() == 2 else -1
    fitting = edges.shape == (2, count) and edges.dtype == torch.int64 and weights.shape == (count,)
    if not fitting or not ((edges >= 0) & (edges < nodes)).all():
        raise InputError(f"{path} is damaged ({GRAPH_TENSORS[0]} are no edges between {nodes} sensors); {_AGAIN}")
    if not weights.is_floating_point() or not (weights.isfinite() & (weights > 0)).all():
        raise InputError(f"{path} is damaged ({GRAPH_TENSORS[1]} are not numbers above 0); {_AGAIN}")
    adjacency = torch.zeros(nodes, nodes)
    adjacency[edges[0], edges[1]] = weights.float()
    return adjacency


def _plain(value: Any) -> Any:
    """Tuples as lists, for YAML."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _defaults(config: Any) -> dict[str, Any]:
    """What the options are that an earlier version did not know yet."""
    fields = [field for field in dataclasses.fields(config) if field.default is not dataclasses.MISSING]
    return {field.name: _plain(field.default) for field in fields}


def _comparable(config: dict[str, Any]) -> dict[str, Any]:
    """The options that make a run what it is: neither places nor devices do."""
    return {key: value for key, value in config.items() if key not in ("out", "device", "data", "graph")}


def _short(fingerprint: Any) -> str:
    """The beginning of a fingerprint, which is enough to tell it from another."""
    return f"{str(fingerprint)[:12]}…"
