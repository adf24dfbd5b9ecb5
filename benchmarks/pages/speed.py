"""What the measurements of the adapter's speed say, as pages; docs/speed.md holds the tables of these pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from measuring.threads import runs, time_of

from pages.markdown import table

Found = Mapping[str, Any]
EPOCHS = 20  # of stlora adapt, if not told otherwise

RUN = """
## With {machine}

Measured in {time}.

{table}
"""


def _sections(found: Found, table_of: Callable[[Found], str]) -> str:
    """One for each number of threads."""
    return "".join(
        RUN.format(machine=run["machine"], time=time_of(threads), table=table_of(run))
        for threads, run in runs(found).items()
    )


STARTUP = """\
# Start-up

`python benchmarks/startup.py` on {machine}.

Fresh processes that take turns; medians of {rounds}, in processor time (user and system).

{table}

Modules that take longest by themselves (`-X importtime`, seconds of the clock of one run):

{slowest}
"""


def startup_page(found: Found) -> str:
    slowest = "\n".join(
        f"- `{command}`: " + ", ".join(f"{module} {seconds:.3f}" for module, seconds in modules) + "."
        for command, modules in found["slowest"].items()
    )
    return STARTUP.format(machine=found["machine"], rounds=found["rounds"], table=startup_table(found), slowest=slowest)


def startup_table(found: Found) -> str:
    seconds = found["seconds"]
    return table(("command", "seconds"), ((f"`{name}`", f"{each:.2f}") for name, each in seconds.items()))


WRAPPER = """\
# What ST-LoRA adds to a backbone

`python benchmarks/wrapper.py`.

N = 307, simulated, float32, default adapter, joint training: forward, masked MAE, backward and Adam. *Adapter* is the
time of the adapter's own forecast, loss, backward and Adam, measured by itself (median of 5), and *adds* is its share
of the backbone's: with the default fusion the two forecasts are trained side by side and do not meet, so their times
add up. *Both* is the time of a whole adapted step, in turns with the backbone's, and *longer* what it takes more; where
the adapter is a small share, that is mostly the noise of a machine on which other programs ran. STID takes so little
itself that what lies between the two counts as well.
{runs}"""

WRAPPER_RUN = """
## With {machine}

Measured in {time}; medians of {rounds} turns each.

{table}
"""


def wrapper_page(found: Found) -> str:
    told = ""
    for threads, run in runs(found).items():
        first = next(iter(run.values()))
        fields = {"machine": first["machine"], "rounds": first["rounds"], "time": time_of(threads)}
        told += WRAPPER_RUN.format(table=wrapper_table(run), **fields)
    return WRAPPER.format(runs=told)


def wrapper_table(run: Found) -> str:
    each = ("adapter s", "adds", "both s", "longer")
    return table(
        ("model", "batch", "step: backbone s", *each, "forecast: backbone s", *each),
        (
            [name, entry["batch"], *_added(entry["training"]), *_added(entry["inference"])]
            for name, entry in run.items()
        ),
    )


def _added(times: Found) -> list[str]:
    backbone, both = times["backbone"], times["adapted"]
    share, longer = times["part"] / backbone, both / backbone - 1
    return [f"{backbone:.3f}", f"{times['part']:.3f}", f"{share:.1%}", f"{both:.3f}", f"{longer:+.1%}"]


ADAPTATION = """\
# Fitting an adapter to kept forecasts

`python benchmarks/adaptation.py`.

Simulated networks with 2 % gaps, default adapter, float32; medians of {rounds}, as the time of {windows:,} windows: an
epoch of training, and a seventh as many windows validated. *Profile* is what is measured once before training, *see*
making what the adapter sees of all these windows, which is kept where it finds room; elsewhere, and jointly, windows
are cut anew at every step ({joint_batch} of them for both jointly). *Joint* trains {backbone} with its adapter.
*Forecasts* are those of {backbone} of the validation windows, computed once and kept for every adapter, seed and study.
Lightning's own work between steps is not in it.
{runs}"""


def adaptation_page(found: Found) -> str:
    return ADAPTATION.format(**found, runs=_sections(found, adaptation_table))


def adaptation_table(run: Found) -> str:
    head = (
        "N",
        "batch",
        "forecasts s",
        "profile s",
        "see s",
        "train s",
        "validate s",
        f"all of {EPOCHS} epochs s",
        "joint train s",
    )
    head = (*head, "joint / kept")
    rows = []
    for entry in run["measured"]:
        train, validate = (run["windows"] * entry[name] for name in ("train_s", "validate_s"))
        see = run["windows"] * 8 / 7 * entry.get("see_s", 0.0)
        whole = entry["profile_s"] + see + EPOCHS * (train + validate / 7)
        joint = run["windows"] * entry["joint_s"] if "joint_s" in entry else None
        told = ("–", "–") if joint is None else (f"{joint:.0f}", f"{joint / train:.1f}")
        first = f"{run['windows'] * entry['forecast_s'] / 7:.0f}" if "forecast_s" in entry else "–"
        seen = f"{see:.1f}" if see else "–"
        cells = (f"{entry['profile_s']:.1f}", seen, f"{train:.1f}", f"{validate / 7:.2f}", f"{whole:.0f}")
        rows.append([f"{entry['nodes']:,}", entry["batch"], first, *cells, *told])
    return table(head, rows)


GROWTH = """\
# How the adapter grows

`python benchmarks/growth.py`.

The default adapter alone on random histories, float32; medians of {rounds} rounds. *Held* is what a step keeps from
forward to backward; *state* is parameters, gradients and what is measured of each node. Exponents are least squares of
the logarithms; along N from 1,000 nodes on, because at 100 a call costs more than its work.

Before training, the neighbours of every node are looked for among all others, which is N² work for a week of
five-minute steps ({steps:,}), 512 nodes at a time. Its times are in the second table.
{runs}"""


def growth_page(found: Found) -> str:
    both = _sections(found, lambda run: f"{growth_table(run)}\n\n{neighbours_table(run)}")
    return GROWTH.format(rounds=found["rounds"], steps=found["steps"], runs=both)


def growth_table(run: Found) -> str:
    rows = []
    for name in ("nodes", "history", "batch", "rank"):
        grown = run[name]
        others = ", ".join(f"{key} {value:,}" for key, value in grown["base"].items() if key != name)
        for row in grown["rows"]:
            cells = (f"{row['fit_s'] * 1e3:,.1f}", f"{row['forecast_s'] * 1e3:,.1f}")
            rows.append(
                [name, f"{row['size']:,}", *cells, f"{row['held_mib']:,.1f}", f"{row['state_mib']:,.2f}", others]
            )
        powers = [f"**{round(each, 2) + 0.0:.2f}**" for each in grown["exponents"].values()]
        rows.append([name, "exponent", *powers, ""])
    return table(("grows", "to", "fit step ms", "forecast ms", "held MiB", "state MiB", "at"), rows)


def neighbours_table(run: Found) -> str:
    measured = run["neighbours"]
    rows = [[f"{nodes:,}", f"{each:.2f}"] for nodes, each in zip(measured["nodes"], measured["seconds"], strict=True)]
    return table(("N", "seconds"), [*rows, ["exponent", f"**{measured['exponent']:.2f}**"]])


PIPELINE = """\
# From a file to the optimizer's step

`python benchmarks/pipeline.py`.

{backbone} at {nodes} sensors, batches of {batch}, float32; an epoch of {train_windows} training and {val_windows}
validation windows; medians of {rounds} processes each, which took turns. *In the network* is its forward and backward
pass and the optimizer's step; *before* is everything from the imports and the file to the first batch.
{runs}"""

PIPELINE_WAYS = {
    "stlora": "`stlora fit`",
    "tensor_dataset": "Lightning, `TensorDataset`",
    "index_loader": "plain loop, windows gathered as in LargeST",
}


def pipeline_page(found: Found) -> str:
    return PIPELINE.format(**found, runs=_sections(found, pipeline_table))


def pipeline_table(run: Found) -> str:
    head = ("way", "before s", "epoch s", "windows / s", "in the network", "outside s", "peak MiB")
    rows = []
    for entry in run["measured"]:
        epoch, inside = entry["epoch_s"], entry["inside_s"]
        rate = (run["train_windows"] + run["val_windows"]) / epoch
        cells = (f"{entry['before_s']:.1f}", f"{epoch:.2f}", f"{rate:.1f}", f"{100 * inside / epoch:.1f} %")
        rows.append([PIPELINE_WAYS[entry["way"]], *cells, f"{epoch - inside:.3f}", f"{entry['peak_mib']:,.0f}"])
    return table(head, rows)


PROFILES = """\
# Where a step's time goes

`python benchmarks/profiles.py` on {machine}.

Operators of a training step at {nodes} sensors, by their own share of its time (torch's profiler): the default adapter
with {adapt_batch} windows, backbones with {batch}.

{table}
"""


def profiles_page(found: Found) -> str:
    return PROFILES.format(**found, table=profiles_table(found))


def profiles_table(found: Found) -> str:
    columns = [
        [f"`{name}` {share:.0%}" for name, share in operators.items()] for operators in found["measured"].values()
    ]
    return table(list(found["measured"]), zip(*columns, strict=True))


WHOLE = """\
# The whole of adapt

`python benchmarks/whole_adaptation.py`.

Seconds of the clock, medians of the rounds, for the default adapter behind an STGCN of {nodes} simulated sensors:
reading, 20 epochs with their validation, the errors of the test windows. The first adapter makes the backbone's
forecasts, the second one finds them kept.

{table}
"""


def whole_adaptation_page(found: Found) -> str:
    return WHOLE.format(nodes=found["nodes"], table=whole_adaptation_table(found))


def whole_adaptation_table(found: Found) -> str:
    head = ("on", "rounds", "adapter", "training windows", "validation", "test", "seconds", "of which test errors")
    rows = []
    for run in found["runs"]:
        sizes = [f"{run['windows'][name]:,}" for name in ("train", "val", "test")]
        on = [run["machine"].split(";")[0], str(run["rounds"])]
        for which, taken in run["seconds"].items():
            rows.append([*on, which, *sizes, f"{taken['whole']:.0f}", f"{taken['test']:.0f}"])
    return table(head, rows)


AT_ONCE = """\
# Windows forecast at once

`python benchmarks/at_once.py`.

Milliseconds for a window and, in brackets, pages of memory that the system hands out for it, where {most} windows of a
simulated network are forecast in batches of so many; without gradients, float32, medians of {rounds} rounds in which
the sizes take turns. Bold is the size next to what `stlora` takes on a processor where batches of {most} are asked for:
as many as hold {nodes_at_once:,} nodes at most.
{runs}"""


def at_once_page(found: Found) -> str:
    return AT_ONCE.format(**found, runs=_sections(found, at_once_table))


def at_once_table(run: Found) -> str:
    sizes = list(run["measured"][0]["window_s"])
    rows = []
    for entry in run["measured"]:
        taken = min(sizes, key=lambda size: abs(int(size) - entry["at_once"]))
        cells = []
        for size in sizes:
            told = f"{entry['window_s'][size] * 1e3:.2f}"
            cells.append(f"{f'**{told}**' if size == taken else told} ({entry['pages'][size]:,.0f})")
        rows.append([f"{entry['nodes']:,}", entry["backbone"], *cells])
    return table(("N", "backbone", *sizes), rows)
