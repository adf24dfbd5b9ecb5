from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stlora.evaluation.between import between
from stlora.evaluation.changes import changes
from stlora.evaluation.rows import summarise
from stlora.report.comparison_content import ComparisonContent, Factors, StepChange, key_of
from stlora.report.content import ForecastExample, NodeErrors, ReportContent, SensorGroups


def _metrics(adapter: str, mae: Sequence[float], seed: int) -> dict[str, Any]:
    errors = [{"mae": value, "rmse": 2 * value, "mape": 10.0} for value in mae]
    return {
        "backbone": "lstm",
        "adapter": adapter,
        "mode": "fit" if adapter == "none" else "frozen",
        "seed": seed,
        "horizons": {str(step): error for step, error in enumerate(errors, start=1)},
        "average": {name: float(np.mean([error[name] for error in errors])) for name in ("mae", "rmse", "mape")},
        "parameters": {"backbone": 1000, "adapter": 0 if adapter == "none" else 50},
        "seconds": {"fit": 30.0, "adapt": 0.0 if adapter == "none" else 4.0, "evaluate": 1.0},
        "epochs": 3,
    }


@pytest.fixture
def make() -> Callable[..., ReportContent]:
    """A report of N sensors that are called what is asked for; every field can be replaced."""

    def build(node_ids: Sequence[str] = ("a", "b", "c", "d"), seeds: int = 1, **changes: Any) -> ReportContent:
        count = len(node_ids)
        runs = [_metrics("none", (4.0, 6.0, 8.0), seed) for seed in range(seeds)]
        runs += [_metrics("stlora", (3.0, 4.0, 5.0 + seed), seed) for seed in range(seeds)]
        alone = np.full(count, 10.0)
        nodes = NodeErrors(
            node_ids=tuple(node_ids),
            alone=alone,
            adapted=alone * np.resize([0.5, 0.9, 1.2, 0.7], count),
            coordinates=np.stack([np.linspace(51, 52, count), np.linspace(7, 8, count)], axis=1),
        )
        time = pd.date_range("2024-05-01", periods=6, freq="1h")
        truth = np.array([1.0, 2.0, math.nan, 4.0, 5.0, 6.0])
        examples = tuple(
            ForecastExample(node_ids[position], time, truth, truth + 2, np.arange(6.0), 3, change, why)
            for position, change, why in ((0, -50.0, "Helped most"), (-1, 20.0, "Helped least"))
        )
        values: dict[str, Any] = {
            "title": "A title",
            "summary": "What was compared.",
            "rows": summarise(runs),
            "alone": "lstm",
            "adapted": "lstm + stlora",
            "unit": "veh/h",
            "interval": pd.Timedelta("1h"),
            "nodes": nodes,
            "examples": examples,
            "protocol": (("Data", "made up"), ("Seeds", "0")),
        }
        return ReportContent(**{**values, **changes})

    return build


@pytest.fixture
def truth() -> SensorGroups:
    """Four sensors of two kinds that the adapter told apart."""
    similarity = np.array([[1, 0.5, -1, -1], [0.5, 1, -1, 0], [-1, -1, 1, 0.75], [-1, 0, 0.75, 1]])
    return SensorGroups(("x", "x", "y", "y"), np.ones((4, 14), dtype=np.float32), similarity)


def _with_nodes(metrics: dict[str, Any], **changes: Any) -> dict[str, Any]:
    worse = 1.0 if metrics["adapter"] == "none" else 0.8
    nodes = {node: {"mae": worse * value} for node, value in (("a", 4.0), ("b", 8.0), ("c", 2.0))}
    return {**metrics, "nodes": nodes, "val_mae": 5.0, **changes}


@pytest.fixture
def make_comparison() -> Callable[..., ComparisonContent]:
    """The page of backbones, each alone and with the adapters; every field can be replaced."""

    def build(
        backbones: Sequence[str] = ("lstm", "stgcn"),
        adapters: Sequence[str] = ("stlora", "shared"),
        seeds: int = 2,
        alone: Sequence[str] = ("ha",),
        **replaced: Any,
    ) -> ComparisonContent:
        runs = [
            _with_nodes(_metrics(adapter, (4.0 - 0.1 * seed, 6.0, 8.0), seed), backbone=backbone)
            for backbone in (*backbones, *alone)
            for adapter in ("none", *(adapters if backbone in backbones else ()))
            for seed in range(seeds)
        ]
        rows, found, others = summarise(runs), changes(runs, lambda run: None), between(runs, lambda run: None)
        nodes = NodeErrors(
            ("a", "b", "c"),
            np.array([4.0, 8.0, 2.0]),
            np.array([3.0, 8.8, 1.9]),
            np.array([[51.0, 7.0], [51.1, 7.1], [51.2, 7.2]]),
        )
        groups = SensorGroups(("x", "x", "y"), np.ones((3, 4)), np.eye(3), days=1)
        time = pd.date_range("2024-05-01", periods=4, freq="1h")
        examples = tuple(
            ForecastExample(name, time, *np.ones((3, 4)), 3, 0.0, why)
            for name, why in (("a", "Helped most"), ("c", "The median"), ("b", "Helped least"))
        )
        values: dict[str, Any] = {
            "title": "A comparison",
            "summary": "What was compared.",
            "rows": rows,
            "changes": found,
            "others": others,
            "notes": {kind: f"On {kind}." for kind in ("errors", "changes", "others", "costs")},
            "unit": "veh/h",
            "interval": pd.Timedelta("1h"),
            "hours": {key_of(row): (np.arange(24.0), np.ones(24)) for row in rows},
            "without_hours": "",
            "step_changes": {
                key_of(change): StepChange(np.arange(1.0, 4), np.array([-1.0, -2, -3]), np.ones(3)) for change in found
            },
            "hour_changes": {key_of(change): (np.arange(24.0), -np.ones(24)) for change in found},
            "nodes": {key_of(change): nodes for change in found},
            "failed": {},
            "protocol": (("Data", "made up"),),
        }
        if found:
            factors = Factors(groups, np.eye(3), agreement=0.5, left_out=0)
            values |= {"shown": found[0], "examples": examples, "factors": factors}
        return ComparisonContent(**{**values, **replaced})

    return build


class Page(HTMLParser):
    """A page read strictly: every element is closed in order, every id is unique."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.headings: list[str] = []
        self.text = path.read_text(encoding="utf-8")
        self.words = ""
        self.feed(self.text)
        self.close()
        assert self.open == []
        ids = [value for name, value in self.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in {"meta", "br", "hr", "img", "link", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h2", "h3"):
            self.headings.append(data)
        if "style" not in self.open:
            self.words += data + " "


@pytest.fixture
def read_page() -> Callable[[Path], Page]:
    """Reads a page strictly."""
    return Page
