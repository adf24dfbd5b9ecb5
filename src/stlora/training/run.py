"""Run folders: what a run was, what it learned, how it did."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import nn

from stlora._version import __version__
from stlora.backbones import own
from stlora.data.filling import Filling
from stlora.data.scaling import Scaler
from stlora.data.series import SensorSeries
from stlora.errors import InputError
from stlora.evaluation.errors import WindowErrors
from stlora.files import read_json, read_tensors, read_yaml, write_json, write_tensors, write_text
from stlora.training import models
from stlora.training.config import DataOptions
from stlora.training.wrapping import load_wrapped

FORMAT_VERSION = 1
ERRORS = "errors.safetensors"
CONFIG = "config.yaml"
_KINDS = {"name": str, "options": dict, "node_ids": list, "fit": dict}
GRAPH_TENSORS = ("adjacency.edges", "adjacency.weights")
PROFILE_TENSOR = "fill.profile"
NOT_WEIGHTS = (*GRAPH_TENSORS, PROFILE_TENSOR)  # of the tensors that lie with a backbone's weights


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
        scaler: from physical units to the scale of the network.
        fit: the options of the run that trained it.
    """

    name: str
    options: dict[str, Any]
    history: int
    horizon: int
    in_channels: int
    node_ids: list[str]
    unit: str
    interval_seconds: float
    timezone: str | None
    zero_is_missing: bool
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
            scaler=scaler,
            fit=fit,
        )


class Run:
    """A run folder.

    Args:
        folder: of the run, finished or to be written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

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
            InputError: the folder holds a finished run, an unfinished one with other options, or something else.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file; choose another --out")
        if self.finished:
            raise InputError(f"{self.folder} holds a finished run; choose another --out or delete the folder")
        if (self.folder / CONFIG).exists():
            if _comparable(_defaults(config) | self.options) != _comparable(_plain(asdict(config))):
                raise InputError(
                    f"{self.folder} holds an unfinished run with other options; give the same options to take it up, "
                    "or choose another --out"
                )
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise InputError(f"{self.folder} is not empty and holds no run; choose another --out")

    @property
    def options(self) -> dict[str, Any]:
        """The content of ``config.yaml``.

        Raises:
            InputError: the file is missing or damaged.
        """
        return read_yaml(self.folder / CONFIG)

    @property
    def finished(self) -> bool:
        """Whether the run is complete: its metrics are the last file written."""
        return (self.folder / "metrics.json").exists()

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of ``metrics.json``."""
        return read_json(self.folder / "metrics.json")

    def finish(self, metrics: dict[str, Any], errors: WindowErrors) -> None:
        """Write the errors of the test windows, then the metrics, and drop the checkpoints."""
        errors.save(self.folder / ERRORS)
        write_json(self.folder / "metrics.json", metrics)
        shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)

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
        tensors = dict(module.state_dict())
        if filling.profile is not None:
            tensors[PROFILE_TENSOR] = torch.from_numpy(filling.profile)
        if adjacency is not None:
            edges = np.nonzero(adjacency)
            tensors[GRAPH_TENSORS[0]] = torch.from_numpy(np.stack(edges))
            tensors[GRAPH_TENSORS[1]] = torch.from_numpy(adjacency[edges])
        write_tensors(self.folder / "backbone" / "model.safetensors", tensors)
        content = {"format_version": FORMAT_VERSION, "stlora_version": __version__, **asdict(record)}
        write_json(self.folder / "backbone" / "config.json", content)

    def record(self) -> BackboneRecord:
        """What is known of the backbone.

        Raises:
            InputError: the file is missing, damaged, or of a later format.
        """
        path = self.folder / "backbone" / "config.json"
        content = read_json(path)
        if content.get("format_version") != FORMAT_VERSION:
            raise InputError(
                f"{path} has format_version {content.get('format_version')!r}; this library reads {FORMAT_VERSION}; "
                "upgrade stlora"
            )
        try:
            fields = {field.name: content[field.name] for field in dataclasses.fields(BackboneRecord)}
            fields["scaler"] = Scaler(**fields["scaler"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{path} is incomplete or damaged ({error}); fit the backbone again") from error
        for name, kind in _KINDS.items():
            if not isinstance(fields[name], kind):
                raise InputError(f"{path} is damaged ({name} is {fields[name]!r}); fit the backbone again")
        return BackboneRecord(**fields)

    def filling(self) -> Filling:
        """What stands in the histories of its backbone where nothing was observed.

        Raises:
            InputError: a file is missing or damaged.
        """
        fill = self.record().fit.get("fill", DataOptions.fill)
        if fill != "profile":
            return Filling(fill)
        path = self.folder / "backbone" / "model.safetensors"
        profile = read_tensors(path).get(PROFILE_TENSOR)
        if profile is None:
            raise InputError(f"{path} lacks {PROFILE_TENSOR}, which fills gaps in this run; fit the backbone again")
        return Filling(fill, profile.numpy())

    def load_backbone(self, module: nn.Module | str | None = None) -> nn.Module:
        """The backbone with its weights.

        Args:
            module: for a run of a module that the registry does not know: the module, built as it was for the run,
                or ``package.module:factory`` to run that code. What the folder names is never run by itself.

        Raises:
            InputError: a file is missing or damaged, or the module is needed or does not fit.
        """
        record = self.record()
        tensors = read_tensors(self.folder / "backbone" / "model.safetensors")
        edges, weights, _ = (tensors.pop(name, None) for name in NOT_WEIGHTS)
        nodes = len(record.node_ids)
        adjacency = None
        if edges is not None and weights is not None:
            adjacency = torch.zeros(nodes, nodes)
            adjacency[edges[0], edges[1]] = weights
        if not isinstance(module, nn.Module):
            module = self._build(record, adjacency, module)
        try:
            module.load_state_dict(tensors, strict=True)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"the weights in {self.folder / 'backbone'} do not fit {record.name} ({reason})"
            ) from error
        return module.eval()

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
