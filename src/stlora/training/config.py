"""The options of every verb that trains: one source for Python, YAML and the command line."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from math import inf
from typing import Any, ClassVar, Literal

from stlora.errors import InputError
from stlora.paths import expand_options, lasting
from stlora.records import check_types
from stlora.training.recipe import Recipe, RecipeChanges, check_schedule, check_values
from stlora.training.recipes import COMMON, PUBLISHED


@dataclass(kw_only=True)
class DataOptions:
    """Which data, and how it is cut.

    Attributes:
        data: a catalogue name, or a file or folder in any format the library reads.
        graph: a graph file that does not lie with the data; or knn (nearest sensors by coordinates) or correlation
            (sensors that deviate alike in the training part), knn:5 for 5 neighbours instead of 8; or none.
        channel: which measurement to read of data that hold several, such as speed.
        columns: the columns of a table, where their names do not tell, such as time=date+hour,node=site,value=count.
        decimal: the decimal mark of numbers as text, . or , where it cannot be told; the other one parts thousands.
        day_first: whether days stand before months in dates such as 03/04/2024, where it cannot be told.
        start: first time stamp to use.
        end: last time stamp to use; a date means the whole day.
        max_missing: leave out sensors that miss more than this share of the training part.
        zero_is_missing: whether a zero means missing; as the file's layout says if not given.
        timezone: the clock of the data, such as Europe/Berlin; time stamps without zone are taken for it, others
            converted to it; theirs if not given.
        fill: what stands in histories where nothing was observed: the last value of the window, a line between the
            values around the gap (linear), or the sensor's mean at that time of day in the training part (profile).
        data_fingerprint: refuse data with another fingerprint than this.
        history: past steps that a forecast sees.
        horizon: future steps that it answers.
        split: shares of the windows for training, validation and test, in order of time.
        purge: leave out the last windows of training and validation, whose last target steps are targets of the part
            after them as well; the split of published tables keeps them.
        train_latest: share of the training windows that there are, the latest ones; nothing from before them is used
            for anything, as where a network was installed just then.
    """

    data: str
    graph: str | None = None
    channel: str | None = None
    columns: str | None = None
    decimal: str | None = None
    day_first: bool | None = None
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
    purge: bool = False
    train_latest: float = 1.0


def reading_options(options: Any) -> dict[str, Any]:
    """Those of the options of a command or configuration that say how its data are read."""
    names = ("channel", "columns", "decimal", "day_first", "zero_is_missing", "timezone")
    return {name: getattr(options, name) for name in names}


@dataclass(kw_only=True)
class RunOptions:
    """What a recipe does not say.

    Attributes:
        seed: of weights, batches and dropout.
        train_fraction: share of the training windows that an epoch sees, drawn anew for each epoch; above 1 it sees
            them more than once.
        device: auto takes a GPU where there is one.
        precision: of the products in the network while it is trained: 32, or bf16 for bfloat16 by autocast. Weights,
            losses and what is measured stay float32. What it saves depends on the processor, see docs/serving.md.
        compile: train with torch.compile, which takes a C++ compiler and seconds to minutes at the first steps; what is
            measured is not compiled. It rarely pays on a processor, see docs/serving.md.
    """

    seed: int = 0
    train_fraction: float = 1.0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["32", "bf16"] = "32"
    compile: bool = False

    def __post_init__(self) -> None:
        expand_options(self)
        check_types(self, looked_up=("adapter",))
        if not 0 <= self.seed < 2**32:
            raise InputError(f"seed is {self.seed}; expected 0 or more, less than 2**32")
        if not 0 < self.train_fraction < inf:
            raise InputError(f"train_fraction is {self.train_fraction}; expected a finite number above 0")


@dataclass(kw_only=True)
class StepOptions:
    """How a step is computed, which changes nothing of what it is.

    Attributes:
        accumulate: batches whose gradients are added for one optimizer step, as one batch so many times as large would
            give them, in the memory of one.
    """

    accumulate: int = 1

    def __post_init__(self) -> None:
        if self.accumulate < 1:
            raise InputError(f"accumulate is {self.accumulate}; expected 1 or more")


@dataclass(kw_only=True)
class TrainingOptions(Recipe, RunOptions, StepOptions):
    """How to train, every number settled."""

    LEAST_EPOCHS: ClassVar[int] = 1

    def __post_init__(self) -> None:
        RunOptions.__post_init__(self)
        StepOptions.__post_init__(self)
        check_values(self, self.LEAST_EPOCHS)
        check_schedule(self)


@dataclass(kw_only=True)
class FitOptions(DataOptions):
    """What a fit trains.

    Attributes:
        out: the run folder to write; an unfinished run of the same options is taken up where it stopped.
        backbone: the name of a backbone, or of a baseline (ha, naive, seasonal, var, svr); or package.module:factory
            for one of your own, which imports that module, from the current folder too, and runs its code.
        backbone_options: sizes of the backbone that differ from the published ones.
        backbone_weights: start from the weights in this .safetensors, .pt or .pth file; with --epochs 0 take them as
            they are.
        adapter: none, stlora (the lean default), large (wider and deeper), residual (corrects the backbone's
            forecast instead of mixing it with its own), paper (as published), or shared (without node factor); or a
            rival, bias_scale, node_head, embedding or clora.
        adapter_options: fields of the adapter that differ from the named one.
        recipe: published (each backbone as its authors trained it, a module of your own by the common one) or common
            (all alike); an option of the training that is not given is as the recipe says, see docs/recipes.md.
    """

    out: str
    backbone: str
    backbone_options: dict[str, Any] = field(default_factory=dict)
    backbone_weights: str | None = None
    adapter: Literal[
        "none", "stlora", "large", "residual", "paper", "shared", "bias_scale", "node_head", "embedding", "clora"
    ] = "none"
    adapter_options: dict[str, Any] = field(default_factory=dict)
    recipe: Literal["published", "common"] = "published"


@dataclass(kw_only=True)
class FitPlan(TrainingOptions, FitOptions):
    """A fit of which every number is settled: what a run folder keeps, so that the run can be repeated."""

    LEAST_EPOCHS: ClassVar[int] = 0

    recipe: Literal["published", "common"] = "common"


@dataclass(kw_only=True)
class FitConfig(RecipeChanges, RunOptions, StepOptions, FitOptions):
    """Train a backbone, alone or jointly with an adapter."""

    def __post_init__(self) -> None:
        RunOptions.__post_init__(self)
        StepOptions.__post_init__(self)
        check_values(self, FitPlan.LEAST_EPOCHS)

    def settled(self) -> FitPlan:
        """The recipe, with the options that were given in place of its own, and files by their whole paths.

        Raises:
            InputError: together they make no sense.

        Example:
            >>> plan = FitConfig(data="simulated", backbone="dcrnn", out="run", batch_size=8).settled()
            >>> plan.batch_size, plan.learning_rate
            (8, 0.01)
        """
        from stlora.data.graph_choice import names_graph  # takes pandas, which the command line alone does not need

        published = self.recipe == "published" and self.backbone in PUBLISHED
        recipe = PUBLISHED[self.backbone].recipe if published else COMMON
        unsaid = {part.name for part in fields(Recipe) if getattr(self, part.name) is None}
        given = {name: value for name, value in vars(self).items() if name not in unsaid}
        given["recipe"] = "published" if published else "common"
        for name in ("data", "graph", "backbone_weights"):
            if isinstance(given[name], str) and not names_graph(given[name]):
                given[name] = lasting(given[name])
        return FitPlan(**{**asdict(recipe), **given})


@dataclass(kw_only=True)
class AdaptConfig(TrainingOptions):
    """Fit an adapter on the trained backbone of a run.

    Attributes:
        run: the run folder whose backbone is adapted.
        out: the run folder to write; an unfinished run of the same options is taken up where it stopped.
        adapter: stlora (the lean default), large (wider and deeper), residual (corrects the backbone's
            forecast instead of mixing it with its own), paper (as published), or a control, shared (without node
            factor) or own (its own forecast alone, without the backbone's); or a rival, bias_scale, node_head,
            embedding, clora, peft or finetune, see docs/rivals.md.
        adapter_options: fields of the adapter that differ from the named one.
        freeze_backbone: keep the backbone as it is; otherwise both are trained on from where it stands.
        data: the data's new place, if it was moved since the backbone was trained.
        module: package.module:factory, if the run's backbone is of your own; runs that code.
    """

    run: str
    out: str
    adapter: Literal[
        "stlora",
        "large",
        "residual",
        "paper",
        "shared",
        "own",
        "bias_scale",
        "node_head",
        "embedding",
        "clora",
        "peft",
        "finetune",
    ] = "stlora"
    adapter_options: dict[str, Any] = field(default_factory=dict)
    freeze_backbone: bool = True
    data: str | None = None
    module: str | None = None
    epochs: int = 20
    patience: int = 0
    batch_size: int = 128
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 4e-3
    schedule: Literal["none", "step", "milestones", "plateau", "cosine"] = "cosine"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sampling and self.freeze_backbone:
            raise InputError(f"sampling is {self.sampling:g} and a frozen backbone is not trained; set --sampling 0")


@dataclass(kw_only=True)
class CompareConfig(RecipeChanges, RunOptions, DataOptions):
    """Backbones, alone and with adapters on them, over several seeds: the table.

    Attributes:
        out: the folder for the table and the runs; finished cells in it are not run again.
        backbones: names of backbones and baselines, or package.module:factory for your own (which runs its code),
            separated by commas.
        adapters: none, stlora, large, residual, paper, shared, own or a rival, each on the frozen backbone; with -joint
            behind the name trained together with it; trained-on for the backbone alone, trained on for as long;
            separated by commas, see docs/compare.md.
        seeds: numbers, separated by commas.
        backbone_options: sizes of a backbone that differ from the published ones, by its name, such as
            "{var: {order: 12}}".
        adapt_epochs: epochs of an adapter on a frozen backbone.
        tune_epochs: epochs of one that needs the backbone at every step (embedding, clora, peft, finetune); a third
            of the backbone's if not given.
        jobs: processes at a time, at most; fewer where memory is short.
        recipe: of the backbones; common (all alike) or published (each as its authors trained it, a module of your own
            by the common one); an option of the training that is not given is as the recipe says.
    """

    out: str
    backbones: str | list[str]
    adapters: str | list[str] = "none,stlora"
    seeds: int | str | list[int] = "0,1,2"
    backbone_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    adapt_epochs: int = 20
    tune_epochs: int | None = None
    jobs: int = 1
    recipe: Literal["published", "common"] = "common"

    def __post_init__(self) -> None:
        RunOptions.__post_init__(self)
        check_values(self)
        if self.adapt_epochs < 1 or self.jobs < 1:
            raise InputError(f"adapt_epochs is {self.adapt_epochs} and jobs {self.jobs}; expected 1 or more of each")
        if self.tune_epochs is not None and self.tune_epochs < 1:
            raise InputError(f"tune_epochs is {self.tune_epochs}; expected 1 or more")


def expect_config(config: object, kind: type) -> None:
    """Refuse what is no configuration, as data given in its place are.

    Raises:
        InputError: it is none.
    """
    if not isinstance(config, kind):
        raise InputError(f"the configuration is a {type(config).__name__}; expected a {kind.__name__}, then the data")
