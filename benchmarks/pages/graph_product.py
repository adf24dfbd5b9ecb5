"""What was measured of products with a graph, as a page; and in how many cases the rule was right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from pages.markdown import table

TOLERATED = 0.2
PAGE = """\
# Products with a fixed graph: dense or sparse

`python benchmarks/graph_product.py` on {machine}.

Milliseconds of processor time for A x forward and backward, A of N × N with the given share of non-zeros at random,
x of N × columns; float32, median of {rounds} rounds in which both forms take turns. The rule of
`stlora.backbones.product`: sparse where at most {rule:.0%} of A is not zero, whatever N and the columns. A step of
Graph WaveNet at N = 307 and 64 samples multiplies with up to 24,576 columns, one sample with 384. Bold is the form that
the rule takes.

{table}

The rule takes the faster form, or one at most {tolerated:.0%} slower, in {right} of {all} cases.{exceptions}
"""


class Case(TypedDict):
    """Seconds of both forms at one size."""

    nodes: int
    columns: int
    share: float
    dense_s: float
    sparse_s: float


def graph_product_page(found: Mapping[str, Any]) -> str:
    cases, rule = found["cases"], found["rule"]
    beyond = {name: loss for name, loss in ((_name(case), _loss(case, rule)) for case in cases) if loss > TOLERATED}
    told = "; ".join(f"{name}: {loss:.0%} slower" for name, loss in beyond.items())
    return PAGE.format(
        machine=found["machine"],
        rounds=found["rounds"],
        rule=rule,
        table=table(HEAD, (_row(case, rule) for case in cases)),
        tolerated=TOLERATED,
        right=len(cases) - len(beyond),
        all=len(cases),
        exceptions=f" The others: {told}." if beyond else "",
    )


HEAD = ("N", "columns", "share of non-zeros", "dense ms", "sparse ms", "dense / sparse")


def _row(case: Case, rule: float) -> list[str]:
    cells = [f"{case['dense_s'] * 1e3:.2f}", f"{case['sparse_s'] * 1e3:.2f}"]
    taken = int(case["share"] <= rule)
    cells[taken] = f"**{cells[taken]}**"
    ratio = f"{case['dense_s'] / case['sparse_s']:.1f}"
    return [str(case["nodes"]), f"{case['columns']:,}", str(case["share"]), *cells, ratio]


def _loss(case: Case, rule: float) -> float:
    """How much longer the form takes that the rule chooses."""
    times = (case["dense_s"], case["sparse_s"])
    taken = int(case["share"] <= rule)
    return times[taken] / times[1 - taken] - 1


def _name(case: Case) -> str:
    return f"N = {case['nodes']}, {case['columns']:,} columns, share {case['share']}"
