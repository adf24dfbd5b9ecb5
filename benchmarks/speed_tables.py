"""What the measurements of the adapter's speed say, as pages; docs/speed.md holds the tables of these pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turns import table

Found = Mapping[str, Any]

LAYER = """\
# The node-adaptive layer: seconds and memory

`python benchmarks/layer.py`, rank {rank}, float32.
{runs}"""

LAYER_RUN = """
## With {machine}

On {device}. Forms of a row take turns; medians in {time}, divided by that of a plain `nn.Linear` of the same width,
whose time is given. *Own weights* is a dense `[N, out, in]` parameter through `torch.einsum`; – was not run, it is too
large.

Forward and backward, {rounds} rounds. Memory is that of parameters and gradients. A batch of 64 windows at N = 307 has
19,648 rows.

{trained}

Inference, {answer_rounds} rounds of {in_a_row} answers in a row. The last two columns are `core` folded in either way;
the one that `stlora.adapters.fold` chooses is bold.

{answered}

The least that arithmetic and memory allow, in milliseconds of forward and backward: three products of each map at the
rate of a large square product ({rate:.0f} GFLOP/s), and every array read or written once at the rate of copying one as
large as the input.

{floor}

The parts of a step with factor `core` at N = {nodes} and batch {batch}, each by itself, in milliseconds.

{parts}
"""


def layer_page(found: Found) -> str:
    fields = {name: found[name] for name in ("rounds", "answer_rounds", "in_a_row")} | found["parts_at"]
    runs = [
        LAYER_RUN.format(
            machine=run["machine"],
            device=run["device"],
            time="processor time" if threads == "1" and run["device"] == "cpu" else "time of the clock",
            rate=run["product_rate"] / 1e9,
            trained=_trained_table(run),
            answered=_answered_table(run),
            floor=_floor_table(run),
            parts=_parts_table(run),
            **fields,
        )
        for threads, run in found["threads"].items()
    ]
    return LAYER.format(rank=found["rank"], runs="".join(runs))


def layer_table(found: Found) -> str:
    return _trained_table(found["threads"]["1"])


def layer_answers(found: Found) -> str:
    return _answered_table(found["threads"]["1"])


def layer_floors(found: Found) -> str:
    return _floor_table(found["threads"]["1"])


def layer_parts(found: Found) -> str:
    return _parts_table(found["threads"]["1"])


FORMS = ("core", "diagonal", "none", "full", "own")
LAYER_HEAD = ("core", "diagonal", "none", "full", "own weights")


def _trained_table(run: Found) -> str:
    head = ("width", "N", "batch", "linear ms", *LAYER_HEAD, "core MiB", "own weights MiB", "own / core")
    rows = []
    for entry in run["trained"]:
        memory = entry["memory_mib"]
        sizes = [f"{memory['core']:,.2f}", f"{memory['own']:,.1f}", f"{memory['own'] / memory['core']:,.0f}"]
        rows.append([*_sizes(entry), f"{entry['seconds']['linear'] * 1e3:.1f}", *_ratios(entry, FORMS), *sizes])
    return table(head, rows)


def _answered_table(run: Found) -> str:
    rows = []
    for entry in run["answered"]:
        folded = ("factors", "weights")
        cells = dict(zip(folded, _ratios(entry, folded), strict=True))
        cells[entry["chosen"]] = f"**{cells[entry['chosen']]}**"
        rows.append(
            [*_sizes(entry), f"{entry['seconds']['linear'] * 1e6:,.1f}", *_ratios(entry, FORMS), *cells.values()]
        )
    return table(("width", "N", "batch", "linear µs", *LAYER_HEAD, "folded: factors", "folded: weights"), rows)


def _floor_table(run: Found) -> str:
    forms = ("linear", "core")
    head = [f"{form}: {what}" for form in forms for what in ("arithmetic", "memory", "measured")]
    rows = []
    for entry in run["trained"]:
        times = [(*entry["floor_s"][form].values(), entry["seconds"][form]) for form in forms if entry["floor_s"]]
        rows.append([*_sizes(entry), *(f"{each * 1e3:.2f}" for three in times for each in three)])
    return table(("width", "N", "batch", *head), rows)


def _parts_table(run: Found) -> str:
    widths = list(run["parts"])
    first = run["parts"][widths[0]]
    rows = []
    for kind, title in (("plain", "plain layer"), ("own", "nodes' own")):
        for part in first[kind]:
            rows.append([part, *(f"{run['parts'][width][kind][part] * 1e3:.3f}" for width in widths)])
        sums = [sum(run["parts"][width][kind].values()) * 1e3 for width in widths]
        rows.append([f"**{title}, together**", *(f"**{each:.2f}**" for each in sums)])
    rows.append(["copying x once", *(f"{run['parts'][width]['copy']['x'] * 1e3:.3f}" for width in widths)])
    return table(("part", *(f"width {width}" for width in widths)), rows)


def _sizes(entry: Found) -> list[str]:
    return [f"{entry['width']}", f"{entry['nodes']:,}", f"{entry['batch']:,}"]


def _ratios(entry: Found, forms: Sequence[str]) -> list[str]:
    times = entry["seconds"]
    return [f"{times[form] / times['linear']:.2f}" if form in times else "–" for form in forms]


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
