"""How a comparison was made, in names and values for its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stlora.report.content import span
from stlora.training.prepare import Prepared
from stlora.training.versions import about_versions


def protocol_lines(protocol: Mapping[str, Any], data: Prepared) -> Iterator[tuple[str, str]]:
    """What repeats the experiment.

    Args:
        protocol: of ``results.json``, of this version or an earlier one.
        data: of the comparison.
    """
    series, split, windows = data.series, data.split, data.windows
    options = protocol["options"]
    yield "Data", f"{series.name}; fingerprint {protocol['data_fingerprint'][:16]}…"
    yield "Period", f"{series.time[0]} to {series.time[-1]}, {series.num_steps:,} steps of {span(series.interval)}"
    yield "Sensors", f"{series.num_nodes:,}; {100 * series.observed.mean():.1f} % of their values were observed"
    yield "Task", f"{windows.history} past steps in, {windows.horizon} future steps out"
    yield (
        "Split",
        f"{len(split.train):,} windows to train, {len(split.val):,} to validate, {len(split.test):,} to test, "
        f"in order of time; the first test target is {series.time[split.test.start + windows.history]}; neighbouring "
        f"parts have {split.shared_targets(windows.horizon)} target steps in common",
    )
    alike: dict[str, list[str]] = {}
    for backbone, recipe in protocol.get("recipes", {}).items():
        alike.setdefault(_listed(recipe), []).append(backbone)
    for recipe, backbones in alike.items():
        yield ", ".join(backbones), recipe
    for backbone, sizes in protocol.get("backbone_options", {}).items():
        yield f"{backbone}, sizes of its own", _listed(sizes)
    for adapter, form in protocol["adapters"].items():
        yield adapter, _listed(form)
    for adapter, recipe in protocol.get("adapter_recipes", {}).items():
        epochs = ", ".join(f"{count} on {backbone}" for backbone, count in recipe["epochs"].items())
        yield f"{adapter}, on a frozen backbone", _listed({**recipe, "epochs": epochs})
    yield "Options", _listed({name: value for name, value in options.items() if value is not None})
    yield "Versions", f"{about_versions(protocol)}; {protocol['machine']}"


def _listed(values: Mapping[str, Any]) -> str:
    """Names and values, nothing left out but what is empty."""
    return "; ".join(f"{name} {_plain(value)}" for name, value in values.items() if value not in (None, [], {}))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
