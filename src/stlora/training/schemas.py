"""What stands in the JSON and YAML files of runs, comparisons and studies, beside what has a class of its own.

A ``total=False`` part is of entries that files of earlier days, or of other kinds of run, do not have.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from stlora.records import Amount, Count, Name, Positive, Seed, Size, Text

Share = Annotated[float, Meta(gt=0, le=1e6)]
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
    mode: Literal["fit", "joint", "frozen"]
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
    versions: dict[str, Text | Count | None]
