"""What stands in the JSON and YAML files of runs, comparisons and studies, beside what has a class of its own.

A ``total=False`` part is of entries that files of earlier days, or of other kinds of run, do not have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from stlora.errors import InputError
from stlora.records import Amount, Count, Name, Nodes, Number, Positive, Seed, Size, Steps, Text, read_record

Share = Annotated[float, Meta(gt=0, le=1e6)]
Share01 = Annotated[float, Meta(ge=0, le=1)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Mode = Literal["fit", "joint", "frozen"]
Step = Annotated[str, Meta(pattern=r"^[1-9]\d{0,5}$")]  # as the key of a mapping


class Options(TypedDict):
    """``config.yaml``: of a fit, of an adapter, or of a backbone that was trained on."""

    out: Text
    epochs: Count
    train_fraction: Share
    batch_size: Size
    optimizer: Text
    learning_rate: Positive
    schedule: Text


class RunOptions(Options, total=False):
    """With what not every kind of run has."""

    run: Text
    backbone_options: dict[str, Any]
    adapter_options: dict[str, Any]


class NodeError(TypedDict):
    """Of a sensor; None where it was not observed."""

    mae: Amount | None
    rmse: Amount | None


class StepError(NodeError):
    """Of a step ahead, or of all."""

    mape: Amount | None


class Parameters(TypedDict):
    """How many there are."""

    backbone: Count
    adapter: Count


class _Seconds(TypedDict):
    fit: Amount
    adapt: Amount


class Seconds(_Seconds, total=False):
    """What the parts of a run took."""

    evaluate: Amount | None
    per_window: Amount | None


class Memory(TypedDict, total=False):
    """Of the process, in MB."""

    resident_mb: Amount | None
    gpu_mb: Amount | None


class _Metrics(TypedDict):
    dataset: Text
    split: Literal["train", "val", "test"]
    backbone: Name
    adapter: Name
    seed: Seed
    mode: Mode
    parameters: Parameters
    horizons: Annotated[dict[Step, StepError], Meta(min_length=1)]
    average: StepError
    pooled: StepError
    nodes: dict[str, NodeError]
    seconds: Seconds
    epochs: Count
    val_mae: Amount | None
    device: Text


class Metrics(_Metrics, total=False):
    """``metrics.json``: how a run did."""

    measured: Count
    memory: Memory
    warnings: list[Text]
    versions: dict[str, Text | Count | None]


class TrainingRecipe(TypedDict):
    """Of a backbone: every number of a recipe, of which the tables tell these."""

    epochs: Count
    patience: Count
    batch_size: Size
    optimizer: Text
    learning_rate: Positive
    schedule: Text


class AdapterRecipe(TypedDict):
    """Of an adapter, with its epochs by backbone."""

    epochs: dict[str, Count]


class ProtocolOptions(TypedDict):
    """The options of a comparison, of which the tables tell these."""

    backbones: Name
    adapters: Name
    seeds: Name
    history: Steps
    horizon: Steps
    split: tuple[Share, Share, Share]
    train_fraction: Share


class OtherVersions(TypedDict):
    """The cells that were made with other versions than the rest."""

    cells: list[Text]
    versions: dict[str, Any] | Text


class _Protocol(TypedDict):
    dataset: Text
    data_fingerprint: Digest
    nodes: Nodes
    steps: Count
    period: tuple[Text, Text]
    interval: Text
    unit: Text
    graph: Text | None
    options: ProtocolOptions
    recipes: dict[str, TrainingRecipe]
    adapters: dict[str, dict[str, Any]]
    machine: Text


class Protocol(_Protocol, total=False):
    """What all runs of a comparison have in common."""

    backbone_options: dict[str, dict[str, Any]]
    adapter_recipes: dict[str, AdapterRecipe]
    versions: dict[str, Any]
    other_versions: list[OtherVersions]


class _StepChange(TypedDict):
    change_percent: Number | None


class StepChange(_StepChange, total=False):
    """At a step ahead; without a test of it, nothing more."""

    statistic: Number | None
    p: Share01 | None
    p_holm: Share01 | None
    freedom: Number | None


class WorstSensor(TypedDict):
    """Whose error grew most."""

    id: str
    change_percent: Number | None


class ChangeEntry(StepChange):
    """What :meth:`stlora.evaluation.changes.Change.entry` writes."""

    backbone: Name
    adapter: Name
    mode: Mode
    against: Text
    seeds: Annotated[list[Seed], Meta(min_length=1)]
    interval_percent: tuple[Number | None, Number | None] | None
    windows: Count | None
    blocks: Count
    block_days: Count
    steps: dict[Step, StepChange]
    val_change_percent: Number | None
    sensors: Count
    share_improved: Share01 | None
    worst_sensor: WorstSensor | None
    missing: Text | None


class Results(TypedDict):
    """``results.json``: a comparison."""

    protocol: Protocol
    runs: list[Metrics]
    failed: dict[str, Text]
    comparisons: list[ChangeEntry]
    between: list[ChangeEntry]


class StudySource(TypedDict):
    """A trained backbone that a study starts from."""

    dataset: Text
    backbone: Name
    seed: Seed
    weights: Digest


class _StudyProtocol(TypedDict):
    study: Name


class StudyProtocol(_StudyProtocol, total=False):
    """What all cells of a study have in common."""

    adapter: dict[str, Any]
    recipe: dict[str, Any]
    backbones: dict[str, StudySource]


class StudyRecord(TypedDict):
    """``study.json``: what of it is read again."""

    protocol: StudyProtocol


def read_results(folder: Path) -> dict[str, Any]:
    """The ``results.json`` of a comparison.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = folder / "results.json"
    content: Any = read_record(path, Results, "delete it, and the command of the comparison writes it anew")
    results: dict[str, Any] = content
    for run in results["runs"]:
        if run["horizons"].keys() != results["runs"][0]["horizons"].keys():
            raise InputError(f"{path} is damaged (its runs are of different horizons); delete it")
    return results
