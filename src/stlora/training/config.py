"""The options of every verb that trains: one source for Python, YAML and the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args, get_type_hints

from stlora.errors import InputError


@dataclass(kw_only=True)
class DataOptions:
    """Which data, and how it is cut.

    Attributes:
        data: a catalogue name, or a file or folder in any format the library reads.
        graph: a graph file that does not lie with the data; or knn (nearest sensors by coordinates) or correlation
            (sensors that deviate alike in the training part), knn:5 for 5 neighbours instead of 8; or none.
        start: first time stamp to use.
        end: last time stamp to use; a date means the whole day.
        max_missing: leave out sensors that miss more than this share of the period.
        zero_is_missing: whether a zero means missing; as the file's layout says if not given.
        timezone: of the clock that made the time stamps, such as Europe/Berlin, if it is changed twice a year.
        fill: what stands in histories where nothing was observed: the last value of the window, a line between the
            values around the gap (linear), or the sensor's mean at that time of day in the training part (profile).
        data_fingerprint: refuse data with another fingerprint than this.
        history: past steps that a forecast sees.
        horizon: future steps that it answers.
        split: shares of the windows for training, validation and test, in order of time.
    """

    data: str
    graph: str | None = None
    start: str | None = None
    end: str | None = None
    max_missing: float | None = None
    zero_is_missing: bool | None = None
    timezone: str | None = None
    fill: Literal["last", "linear", "profile"] = "last"
    data_fingerprint: str | None = None
    history: int = 12
    horizon: int = 12
    split: tuple[float, float, float] = (0.7, 0.1, 0.2)


@dataclass(kw_only=True)
class TrainingOptions:
    """How to train.

    Attributes:
        seed: of weights, batches and dropout.
        epochs: at most so many passes over the training windows.
        patience: stop after so many epochs without a better validation MAE; 0 for never.
        batch_size: windows in a step.
        train_fraction: share of the training windows that an epoch sees, drawn anew for each epoch.
        optimizer: adam or adamw.
        learning_rate: of the first step.
        weight_decay: as the optimizer defines it.
        schedule: none, cosine (to zero over all epochs), or plateau (halved when validation stands still).
        clip: largest norm of a gradient; 0 for no limit.
        device: auto takes a GPU where there is one.
    """

    LEAST_EPOCHS: ClassVar[int] = 1

    seed: int = 0
    epochs: int = 100
    patience: int = 15
    batch_size: int = 64
    train_fraction: float = 1.0
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    schedule: Literal["none", "cosine", "plateau"] = "plateau"
    clip: float = 5.0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        for name, least in (
            ("seed", 0),
            ("epochs", self.LEAST_EPOCHS),
            ("patience", 0),
            ("batch_size", 1),
            ("weight_decay", 0),
        ):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; expected {least} or more")
        if self.seed >= 2**32:
            raise InputError(f"seed is {self.seed}; expected less than 2**32")
        if not 0 < self.train_fraction <= 1:
            raise InputError(f"train_fraction is {self.train_fraction}; expected a share above 0, at most 1")
        if not self.learning_rate > 0:
            raise InputError(f"learning_rate is {self.learning_rate}; expected a number above 0")
        for name in ("optimizer", "schedule", "device"):
            choices = get_args(get_type_hints(TrainingOptions)[name])
            if getattr(self, name) not in choices:
                raise InputError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")


@dataclass(kw_only=True)
class FitConfig(TrainingOptions, DataOptions):
    """Train a backbone, alone or jointly with an adapter.

    Attributes:
        out: the run folder to write; an unfinished run of the same options is taken up where it stopped.
        backbone: the name of a backbone, or of a baseline (ha, naive, seasonal, var, svr); or package.module:factory
            for one of your own, which imports that module, from the current folder too, and runs its code.
        backbone_options: sizes of the backbone that differ from the published ones.
        backbone_weights: start from the weights in this .safetensors, .pt or .pth file; with --epochs 0 take them as
            they are.
        adapter: none, stlora (the lean default), large (twice as wide and deep), paper (as published), or shared
            (without node factor).
        adapter_options: fields of the adapter that differ from the named one.
    """

    LEAST_EPOCHS: ClassVar[int] = 0

    out: str
    backbone: str
    backbone_options: dict[str, Any] = field(default_factory=dict)
    backbone_weights: str | None = None
    adapter: Literal["none", "stlora", "large", "paper", "shared"] = "none"
    adapter_options: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class AdaptConfig(TrainingOptions):
    """Fit an adapter on the trained backbone of a run.

    Attributes:
        run: the run folder whose backbone is adapted.
        out: the run folder to write; an unfinished run of the same options is taken up where it stopped.
        adapter: stlora (the lean default), large (twice as wide and deep), paper (as published), or shared (without
            node factor).
        adapter_options: fields of the adapter that differ from the named one.
        freeze_backbone: keep the backbone as it is; otherwise both are trained on from where it stands.
        data: the data's new place, if it was moved since the backbone was trained.
        module: package.module:factory, if the run's backbone is of your own; runs that code.
    """

    run: str
    out: str
    adapter: Literal["stlora", "large", "paper", "shared"] = "stlora"
    adapter_options: dict[str, Any] = field(default_factory=dict)
    freeze_backbone: bool = True
    data: str | None = None
    module: str | None = None
    epochs: int = 40
    patience: int = 0
    batch_size: int = 128
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 4e-3
    schedule: Literal["none", "cosine", "plateau"] = "cosine"


@dataclass(kw_only=True)
class CompareConfig(TrainingOptions, DataOptions):
    """Backbones, alone and with adapters on them, over several seeds: the table.

    Attributes:
        out: the folder for the table and the runs; finished cells in it are not run again.
        backbones: names of backbones and baselines, or package.module:factory for your own (which runs its code),
            separated by commas.
        adapters: none, stlora, large, paper, shared, separated by commas.
        seeds: numbers, separated by commas.
        adapt_epochs: epochs of an adapter on a frozen backbone.
        jobs: processes at a time.
    """

    out: str
    backbones: str | list[str]
    adapters: str | list[str] = "none,stlora"
    seeds: int | str | list[int] = "0,1,2"
    adapt_epochs: int = 40
    jobs: int = 1
