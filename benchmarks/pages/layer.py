"""What the measurements of the node-adaptive layer say, as a page; docs/speed.md holds its tables of one thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from measuring.threads import runs, time_of

from pages.markdown import table

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
    told = [
        LAYER_RUN.format(
            machine=run["machine"],
            device=run["device"],
            time=time_of(threads) if run["device"] == "cpu" else "time of the clock",
            rate=run["product_rate"] / 1e9,
            trained=trained_table(run),
            answered=answered_table(run),
            floor=floor_table(run),
            parts=parts_table(run),
            **fields,
        )
        for threads, run in runs(found).items()
    ]
    return LAYER.format(rank=found["rank"], runs="".join(told))


FORMS = ("core", "diagonal", "none", "full", "own")
LAYER_HEAD = ("core", "diagonal", "none", "full", "own weights")


def trained_table(run: Found) -> str:
    head = ("width", "N", "batch", "linear ms", *LAYER_HEAD, "core MiB", "own weights MiB", "own / core")
    rows = []
    for entry in run["trained"]:
        memory = entry["memory_mib"]
        sizes = [f"{memory['core']:,.2f}", f"{memory['own']:,.1f}", f"{memory['own'] / memory['core']:,.0f}"]
        rows.append([*_sizes(entry), f"{entry['seconds']['linear'] * 1e3:.1f}", *_ratios(entry, FORMS), *sizes])
    return table(head, rows)


def answered_table(run: Found) -> str:
    rows = []
    for entry in run["answered"]:
        folded = ("factors", "weights")
        cells = dict(zip(folded, _ratios(entry, folded), strict=True))
        cells[entry["chosen"]] = f"**{cells[entry['chosen']]}**"
        rows.append(
            [*_sizes(entry), f"{entry['seconds']['linear'] * 1e6:,.1f}", *_ratios(entry, FORMS), *cells.values()]
        )
    return table(("width", "N", "batch", "linear µs", *LAYER_HEAD, "folded: factors", "folded: weights"), rows)


def floor_table(run: Found) -> str:
    forms = ("linear", "core")
    head = [f"{form}: {what}" for form in forms for what in ("arithmetic", "memory", "measured")]
    rows = []
    for entry in run["trained"]:
        times = [(*entry["floor_s"][form].values(), entry["seconds"][form]) for form in forms if entry["floor_s"]]
        rows.append([*_sizes(entry), *(f"{each * 1e3:.2f}" for three in times for each in three)])
    return table(("width", "N", "batch", *head), rows)


def parts_table(run: Found) -> str:
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
