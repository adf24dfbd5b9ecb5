"""What the measurements of the adapter's speed say, as pages; docs/speed.md holds the tables of these pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turns import table

Found = Mapping[str, Any]

LAYER = """\
# The node-adaptive layer: seconds and memory

`python benchmarks/layer.py` on {machine}; on {device}.

Forward and backward at rank {rank}, float32. All forms of a row take turns; medians of {rounds} rounds of processor
time (on a GPU: of the clock), divided by that of a plain `nn.Linear` of the same width, whose milliseconds are given.
*Own weights* is a dense `[N, out, in]` parameter through `torch.einsum`; – was not run, it is too large. Memory is that
of parameters and gradients. A batch of 64 windows at N = 307 has 19,648 rows.

{table}
"""


def layer_page(found: Found) -> str:
    return LAYER.format(
        machine=found["machine"],
        device=found["device"],
        rank=found["rank"],
        rounds=found["rounds"],
        table=layer_table(found),
    )


def layer_table(found: Found) -> str:
    head = ("width", "N", "batch", "linear ms", "core", "diagonal", "none", "full", "own weights")
    return table((*head, "core MiB", "own weights MiB"), map(_layer_row, found["measured"]))


def _layer_row(entry: Found) -> list[str]:
    times, memory = entry["seconds"], entry["memory_mib"]
    forms = ("core", "diagonal", "none", "full", "own")
    ratios = [f"{times[form] / times['linear']:.2f}" if form in times else "–" for form in forms]
    sizes = [f"{entry['width']}", f"{entry['nodes']:,}", f"{entry['batch']:,}", f"{times['linear'] * 1e3:.1f}"]
    return [*sizes, *ratios, f"{memory['core']:,.2f}", f"{memory['own']:,.1f}"]


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

`python benchmarks/wrapper.py` on {machine}.

N = 307, simulated, float32, default adapter, joint training: forward, masked MAE, backward and Adam, in seconds of
processor time. *Adapter* is the time of the adapter's own forecast, loss, backward and Adam, measured by itself (median
of 5), and *adds* is its share of the backbone's: with the default fusion the two forecasts are trained side by side and
do not meet, so their times add up. *Both* is the time of a whole adapted step, in turns with the backbone's; where the
adapter is a small share, it says less, because other programs ran.

{table}
"""


def wrapper_page(found: Found) -> str:
    return WRAPPER.format(machine=next(iter(found.values()))["machine"], table=wrapper_table(found))


def wrapper_table(found: Found) -> str:
    head = ("model", "batch", "step: backbone s", "adapter s", "adds", "both s")
    return table(
        (*head, "forecast: backbone s", "adapter s", "adds", "both s"),
        (
            [name, entry["batch"], *_added(entry["training"]), *_added(entry["inference"])]
            for name, entry in found.items()
        ),
    )


def _added(times: Found) -> list[str]:
    share = times["part"] / times["backbone"]
    return [f"{times['backbone']:.3f}", f"{times['part']:.3f}", f"{share:.1%}", f"{times['adapted']:.3f}"]


ADAPTATION = """\
# Fitting an adapter to kept forecasts

`python benchmarks/adaptation.py` on {machine}.

Simulated networks with 2 % gaps, default adapter, float32; steps on windows cut anew ({batch} of them; {joint_batch}
for both jointly), medians of {rounds}, as processor time of {windows:,} windows: an epoch of training, and a seventh as
many windows validated. *Profile* is what is measured once before training. *Joint* trains {backbone} with its adapter.
Keeping the forecasts costs one forward pass of the backbone; Lightning's own work between steps is not in it.

{table}
"""


def adaptation_page(found: Found) -> str:
    fields = {name: found[name] for name in ("machine", "batch", "joint_batch", "rounds", "windows", "backbone")}
    return ADAPTATION.format(**fields, table=adaptation_table(found))


def adaptation_table(found: Found) -> str:
    head = ("N", "profile s", "train s", "validate s", "epochs in 60 s", "joint train s", "joint / kept")
    rows = []
    for entry in found["measured"]:
        train, validate = (found["windows"] * entry[name] for name in ("train_s", "validate_s"))
        epochs = int((60 - entry["profile_s"]) / (train + validate / 7))
        joint = found["windows"] * entry["joint_s"] if "joint_s" in entry else None
        told = ("–", "–") if joint is None else (f"{joint:.0f}", f"{joint / train:.1f}")
        rows.append([entry["nodes"], f"{entry['profile_s']:.1f}", f"{train:.1f}", f"{validate / 7:.2f}", epochs, *told])
    return table(head, rows)


GROWTH = """\
# How the adapter grows

`python benchmarks/growth.py` on {machine}.

The default adapter alone on random histories, float32; medians of {rounds} rounds of processor time. *Held* is what a
step keeps from forward to backward; *state* is parameters, gradients and what is measured of each node. Exponents are
least squares of the logarithms; along N from 1,000 nodes on, because at 100 a call costs more than its work.

{table}

Before training, the neighbours of every node are looked for among all others, which is N² work for a week of
five-minute steps ({steps:,}), 512 nodes at a time:

{neighbours}
"""


def growth_page(found: Found) -> str:
    return GROWTH.format(
        machine=found["machine"],
        rounds=found["rounds"],
        steps=found["steps"],
        table=growth_table(found),
        neighbours=neighbours_table(found),
    )


def growth_table(found: Found) -> str:
    rows = []
    for name in ("nodes", "history", "batch", "rank"):
        grown = found[name]
        others = ", ".join(f"{key} {value:,}" for key, value in grown["base"].items() if key != name)
        for row in grown["rows"]:
            cells = (f"{row['fit_s'] * 1e3:,.1f}", f"{row['forecast_s'] * 1e3:,.1f}")
            rows.append(
                [name, f"{row['size']:,}", *cells, f"{row['held_mib']:,.1f}", f"{row['state_mib']:,.2f}", others]
            )
        powers = [f"**{round(each, 2) + 0.0:.2f}**" for each in grown["exponents"].values()]
        rows.append([name, "exponent", *powers, ""])
    return table(("grows", "to", "fit step ms", "forecast ms", "held MiB", "state MiB", "at"), rows)


def neighbours_table(found: Found) -> str:
    measured = found["neighbours"]
    rows = [[f"{nodes:,}", f"{each:.2f}"] for nodes, each in zip(measured["nodes"], measured["seconds"], strict=True)]
    return table(("N", "seconds"), [*rows, ["exponent", f"**{measured['exponent']:.2f}**"]])
