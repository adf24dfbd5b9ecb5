"""What the measurement of serving says, as a page; docs/serving.md holds the tables of that page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pages.markdown import table

Found = Mapping[str, Any]

PAGE = """\
# Serving

`python benchmarks/serving.py` on {machine}.

One forecast of 307 sensors (batch 1), from measurements to physical units, in milliseconds of processor time, median
and 99th percentile of so many calls; of fewer than 100 it is little else than the slowest. Untrained weights, float32.
The columns of a table took turns in one run.

{export}

`torch.compile` beside eager, and the seconds of the clock of its first call:

{compiled}

A training step of a backbone, seconds of processor time, and ratios to float32 eager. *Difference* is that of a
bfloat16 forecast, mean over the mean departure of the float32 forecast from its own mean:

{train}

From a fresh process to the first forecast of the LSTM, imports included, seconds of processor time:

{load}
"""


def serving_page(found: Found) -> str:
    tables = {"export": export_table, "compiled": compile_table, "train": train_table, "load": load_table}
    return PAGE.format(machine=found["machine"], **{name: made(found) for name, made in tables.items()})


def export_table(found: Found) -> str:
    head = ("model", "", "calls", *(f"{way} {point}" for way in ("eager", ".pt2", "ONNX") for point in ("p50", "p99")))
    rows = (
        [
            name,
            kind,
            times["eager"][2],
            *(_ms(point) for way in ("eager", "pt2", "onnx") for point in times[way][:2]),
            _ratio(times),
        ]
        for name, kinds in found.get("export", {}).items()
        for kind, times in kinds.items()
    )
    return table((*head, "ONNX / eager"), rows)


def compile_table(found: Found) -> str:
    rows = (
        [
            name,
            kind,
            times["eager"][2],
            *map(_ms, times["eager"][:2]),
            *map(_ms, times["compiled"][:2]),
            f"{times['compiling_s'][0]:.0f}",
        ]
        for name, kinds in found.get("compile", {}).items()
        for kind, times in kinds.items()
    )
    return table(("model", "", "calls", "eager p50", "p99", "compiled p50", "p99", "first call s"), rows)


def train_table(found: Found) -> str:
    rows = []
    for name, entry in found.get("train", {}).items():
        exact, low, compiled = (entry["seconds"][way] for way in ("float32", "bfloat16", "compiled"))
        ratios = (f"{low / exact:.2f}", f"{compiled / exact:.2f}", f"{entry['bfloat16_difference']:.2%}")
        rows.append([name, entry["batch"], f"{exact:.3f}", *ratios])
    return table(("model", "batch", "float32 s", "bfloat16", "compiled", "difference"), rows)


def load_table(found: Found) -> str:
    seconds = next(iter(found.get("load", {}).values()), {})
    return table(("from", "seconds"), ([way, f"{each:.2f}"] for way, each in seconds.items()))


def _ms(value: float) -> str:
    return f"{value:.1f}"


def _ratio(times: Found) -> str:
    return f"{times['onnx'][0] / times['eager'][0]:.2f}"
