from __future__ import annotations

import pytest
import torch

from stlora.backbones.product import FixedProduct


def _matrix(nodes, share):
    torch.manual_seed(0)
    return torch.rand(nodes, nodes, dtype=torch.float64) * (torch.rand(nodes, nodes) < share)


@pytest.mark.parametrize(
    ("nodes", "share", "sparse"), [(40, 0.02, True), (6, 0.5, False), (1, 1.0, False), (5, 0.0, False)]
)
def test_multiplies_whatever_the_share_of_non_zeros(nodes, share, sparse):
    matrix = _matrix(nodes, share)
    product = FixedProduct(matrix).double()
    x = torch.randn(nodes, 7, dtype=torch.float64, requires_grad=True)
    assert product.sparse == sparse
    wanted = matrix.float().double() @ x
    torch.testing.assert_close(product(x), wanted)
    weight = torch.randn_like(wanted)
    (found,), (expected,) = torch.autograd.grad(product(x), x, weight), torch.autograd.grad(wanted, x, weight)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("share", [0.02, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_multiplies_features_of_lower_precision(share, dtype):
    matrix = _matrix(40, share)
    x = torch.randn(40, 7)
    found = FixedProduct(matrix).to(dtype)(x.to(dtype))
    assert found.dtype == dtype
    torch.testing.assert_close(found.float(), matrix.float() @ x, atol=0.1, rtol=0.05)


def test_multiplies_under_autocast():
    x = torch.randn(40, 7)
    product = FixedProduct(_matrix(40, 0.02))
    with torch.autocast("cpu", torch.bfloat16):
        found = product(x @ torch.eye(7))
    torch.testing.assert_close(found.float(), product(x), atol=0.1, rtol=0.05)
