"""What the measurements of large networks say, as a page; docs/large.md holds its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pages.markdown import table

Found = Mapping[str, Any]

SHORT_TRAIN, SHORT_VAL = 6, 1  # windows of eight hours in steps of 15 minutes
YEAR_TRAIN, YEAR_VAL = 24_512, 3502  # of 35,040 steps, as LargeST has them
RUNS = ("stgcn", "gwnet", "stid")

HEAD = """\
# Networks of many sensors

`python benchmarks/large.py PART` on {machine}.

Simulated networks with 2 % gaps, float32, in seconds of processor time. Memory is the process's peak.
"""
SECTIONS = {
    RUNS: """
Whole runs of `fit` and `adapt`, of one epoch, on eight hours in steps of 15 minutes: six windows to train on. GWNet is
without its learned support, the adapter at 100,000 nodes without neighbours. *Train* is a window of the fit's epoch,
what its validation took off; *forecast* a window of the network alone. *Year* is an epoch of 24,512 training and 3,502
validation windows, extrapolated from these.

{runs}

{adapts}
""",
    ("learned",): """
A step of one window of Graph WaveNet with its learned support, 8,600 nodes:

{learned}
""",
    ("neighbours",): """
Neighbours of every node, over a training period of 2,016 steps of random numbers; above 10,000 nodes over 1,024 of
them. * is extrapolated with N².

{neighbours}
""",
    ("recall",): """
Neighbours found over a draw of the steps: their correlation over all steps, as a share of the largest there are; and
that of any nodes:

{recall}
""",
    ("adapter",): """
The default adapter alone on random histories: one window of 12 steps in and out, medians of 3. *Held* is what a step
keeps from forward to backward; *state* is parameters, gradients and what is measured of each node.

{adapter}
""",
}


def large_page(found: Found) -> str:
    page = HEAD.format(machine=next(iter(found.values()))["machine"])
    for parts, text in SECTIONS.items():
        if any(part in found for part in parts):
            page += text.format(**tables(found))
    return page


def tables(found: Found) -> dict[str, str]:
    """By name, those of which something is measured."""
    made = {
        "runs": (RUNS, runs_table),
        "adapts": (RUNS, adapts_table),
        "learned": (("learned",), learned_table),
        "neighbours": (("neighbours",), neighbours_table),
        "recall": (("recall",), recall_table),
        "adapter": (("adapter",), adapter_table),
    }
    return {name: make(found) for name, (parts, make) in made.items() if any(part in found for part in parts)}


def runs_table(found: Found) -> str:
    head = ("fit", "N", "batch", "parameters", "train s", "forecast s", "peak MB", "year h")
    return table(head, (_fit_row(name, found[name]) for name in RUNS if name in found))


def _fit_row(name: str, entry: Found) -> list[str]:
    fit = entry["fit"]
    forecast = fit["seconds"]["per_window"]
    train = (fit["epoch_s"] - SHORT_VAL * forecast) / SHORT_TRAIN
    year = (YEAR_TRAIN * train + YEAR_VAL * forecast) / 3600
    sizes = [name, f"{entry['nodes']:,}", str(entry["batch"]), f"{fit['parameters']['backbone']:,}"]
    return [*sizes, f"{train:.2f}", f"{forecast:.2f}", f"{fit['memory']['resident_mb']:,.0f}", f"{year:,.1f}"]


def adapts_table(found: Found) -> str:
    head = ("adapt", "N", "batch", "parameters", "measured", "window s", "peak MB", "year h")
    return table(head, (_adapt_row(name, found[name]) for name in RUNS if name in found))


def _adapt_row(name: str, entry: Found) -> list[str]:
    adapt = entry["adapt"]
    window = adapt["epoch_s"] / (SHORT_TRAIN + SHORT_VAL)
    year = (YEAR_TRAIN + YEAR_VAL) * window / 3600
    sizes = [name, f"{entry['nodes']:,}", str(entry["adapt_batch"])]
    counts = [f"{adapt['parameters']['adapter']:,}", f"{adapt['measured']:,}"]
    return [*sizes, *counts, f"{window:.3f}", f"{adapt['memory']['resident_mb']:,.0f}", f"{year:,.1f}"]


def adapter_table(found: Found) -> str:
    head = ("N", "parameters", "step s", "forecast s", "held MiB", "state MiB", "peak MB")
    rows = []
    for row in found["adapter"]["rows"]:
        cells = [f"{row['nodes']:,}", f"{row['parameters']:,}", f"{row['fit_s']:.2f}", f"{row['forecast_s']:.2f}"]
        rows.append([*cells, *(f"{row[name]:,.0f}" for name in ("held_mib", "state_mib", "resident_mb"))])
    return table(head, rows)


def neighbours_table(found: Found) -> str:
    entry = found["neighbours"]
    rows = [
        [f"{nodes:,}", f"{time:,.1f}", f"{resident:,.0f}"]
        for nodes, time, resident in zip(entry["nodes"], entry["seconds"], entry["resident_mb"], strict=True)
    ]
    return table(("N", "seconds", "peak MB"), [*rows, [f"{entry['wanted']:,}", f"{entry['wanted_s']:,.0f}*", "–"]])


def learned_table(found: Found) -> str:
    entry = found["learned"]
    return table(("step s", "peak MB"), [[f"{entry['step_s']:.0f}", f"{entry['memory']['resident_mb']:,.0f}"]])


def recall_table(found: Found) -> str:
    entry = found["recall"]
    sizes = [f"{entry['nodes']:,}", f"{entry['moments']:,} of {entry['steps']:,}"]
    rows = (
        [kind, *(f"{entry[name][i]:.0%}" for name in ("found", "any"))] for i, kind in enumerate(("alike", "ahead"))
    )
    return table(("N", "steps", "kind", "found", "any"), ([*sizes, *row] for row in rows))
