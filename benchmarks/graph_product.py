"""Dense and sparse products of a graph with node features, for the rule of ``stlora.backbones.product``.

    python benchmarks/graph_product.py

Forward and backward of ``A x`` for random ``A`` ``[N, N]`` of several shares of non-zeros, float32, one thread. Both
forms take turns; the median of five rounds of processor time counts. Writes
results/speed/graph_product.json and graph_product.md.
"""

from __future__ import annotations

import statistics
import time
from itertools import product
from pathlib import Path
from unittest import mock

import torch
from measuring.machine import describe
from pages.graph_product import Case, graph_product_page
from torch import Tensor

from stlora.backbones import product as products
from stlora.backbones.product import SPARSE_BELOW, FixedProduct
from stlora.files import write_json, write_text

RESULT = Path(__file__).parents[1] / "results" / "speed" / "graph_product"
ROUNDS = 5
SIZES = {100: (3072, 24_576), 307: (384, 24_576), 1000: (384, 6144), 3000: (384,)}  # N: columns of x
SHARES = (0.003, 0.01, 0.03, 0.1, 0.2, 0.3)


def main() -> None:
    torch.set_num_threads(1)
    cases: list[Case] = []
    for nodes, widths in SIZES.items():
        for columns, share in product(widths, SHARES):
            dense, sparse = measure(nodes, columns, share)
            cases.append({"nodes": nodes, "columns": columns, "share": share, "dense_s": dense, "sparse_s": sparse})
            print(cases[-1], flush=True)
    found = {"machine": describe(threads=1), "rounds": ROUNDS, "rule": SPARSE_BELOW, "cases": cases}
    write_json(RESULT.with_suffix(".json"), found)
    write_text(RESULT.with_suffix(".md"), graph_product_page(found))


def measure(nodes: int, columns: int, share: float) -> tuple[float, float]:
    """Seconds of processor time, dense and sparse."""
    generator = torch.Generator().manual_seed(0)
    matrix = torch.rand(nodes, nodes, generator=generator)
    matrix *= torch.rand(nodes, nodes, generator=generator) < share
    x = torch.randn(nodes, columns, generator=generator, requires_grad=True)
    forms = []
    for threshold in (0.0, 1.0):
        with mock.patch.object(products, "SPARSE_BELOW", threshold):
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


if __name__ == "__main__":
    main()
