"""Dense and sparse products of a graph with node features, for the rule of ``stlora.backbones.product``.

    python benchmarks/graph_product.py

Forward and backward of ``A x`` for random ``A`` ``[N, N]`` of several shares of non-zeros, float32, one thread. Both
forms take turns; the median of five rounds of processor time counts. Writes results/speed/graph_product.md.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from unittest import mock

import torch
from machine import describe
from torch import Tensor

from stlora.backbones import product
from stlora.backbones.product import SPARSE_BELOW, FixedProduct
from stlora.files import write_text

RESULT = Path(__file__).parents[1] / "results" / "speed" / "graph_product.md"
ROUNDS = 5
SIZES = {100: (3072, 24_576), 307: (384, 24_576), 1000: (384, 6144), 3000: (384,)}  # N: columns of x
SHARES = (0.003, 0.01, 0.03, 0.1, 0.2, 0.3)
TEXT = """\
# Products with a fixed graph: dense or sparse

`python benchmarks/graph_product.py` on {machine}.

Milliseconds of processor time for A x forward and backward, A of N × N with the given share of non-zeros at random,
x of N × columns; float32, median of {rounds} rounds in which both forms take turns. The rule of
`stlora.backbones.product`: sparse where at most {rule:.0%} of A is not zero, whatever N and the columns. A step of
Graph WaveNet at N = 307 and 64 samples multiplies with up to 24,576 columns, one sample with 384. Bold is the form that
the rule takes.

{table}

The rule takes the faster form, or one at most {worst:.0%} slower, in {right} of {all} cases.{exceptions}
"""


def main() -> None:
    torch.set_num_threads(1)
    lines = [
        "| N | columns | share of non-zeros | dense ms | sparse ms | dense / sparse |",
        "|---|---|---|---|---|---|",
    ]
    losses = []
    for nodes, widths in SIZES.items():
        for columns in widths:
            for share in SHARES:
                dense, sparse = measure(nodes, columns, share)
                taken, other = (sparse, dense) if share <= SPARSE_BELOW else (dense, sparse)
                losses.append((taken / other - 1, f"N = {nodes}, {columns:,} columns, share {share}"))
                cells = [f"{dense * 1e3:.2f}", f"{sparse * 1e3:.2f}"]
                cells[taken is sparse] = f"**{cells[taken is sparse]}**"
                lines.append(f"| {nodes} | {columns:,} | {share} | {cells[0]} | {cells[1]} | {dense / sparse:.1f} |")
                print(lines[-1], flush=True)
    write_text(RESULT, report(lines, losses))


def measure(nodes: int, columns: int, share: float) -> tuple[float, float]:
    """Seconds of processor time, dense and sparse."""
    generator = torch.Generator().manual_seed(0)
    matrix = torch.rand(nodes, nodes, generator=generator)
    matrix *= torch.rand(nodes, nodes, generator=generator) < share
    x = torch.randn(nodes, columns, generator=generator, requires_grad=True)
    forms = []
    for threshold in (0.0, 1.0):
        with mock.patch.object(product, "SPARSE_BELOW", threshold):
            forms.append(FixedProduct(matrix))
    times: list[list[float]] = [[], []]
    for _ in range(ROUNDS + 1):
        for form, found in zip(forms, times, strict=True):
            found.append(_seconds(form, x))
    dense, sparse = (statistics.median(found[1:]) for found in times)
    return dense, sparse


def _seconds(form: FixedProduct, x: Tensor) -> float:
    """Of one product; small ones are repeated until they can be timed."""
    repeats = max(1, 2_000_000 // x.numel())
    gradient = torch.ones_like(x)
    started = time.process_time()
    for _ in range(repeats):
        torch.autograd.grad(form(x), x, gradient)
    return (time.process_time() - started) / repeats


def report(lines: list[str], losses: list[tuple[float, str]]) -> str:
    tolerated = 0.2
    beyond = [(loss, case) for loss, case in losses if loss > tolerated]
    told = "; ".join(f"{case}: {loss:.0%} slower" for loss, case in beyond)
    return TEXT.format(
        machine=describe(threads=1),
        rounds=ROUNDS,
        rule=SPARSE_BELOW,
        table="\n".join(lines),
        worst=tolerated,
        right=len(losses) - len(beyond),
        all=len(losses),
        exceptions=f" The others: {told}." if beyond else "",
    )


if __name__ == "__main__":
    main()
