"""The node-specific predictor against its equation."""

import pytest
import torch
from torch.nn import functional as F

from stlora import InputError, NodeSpecificPredictor


def make(**changes):
    torch.manual_seed(0)
    predictor = NodeSpecificPredictor(num_nodes=3, in_features=5, horizon=2, width=4, rank=2, dropout=0.5, **changes)
    with torch.no_grad():
        for parameter in predictor.parameters():  # nothing is zero
            parameter.copy_(torch.randn_like(parameter))
    return predictor.double()


@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("factor", ["full", "core", "diagonal", "none"])
def test_predictor_follows_its_equation(layers, passes, factor):
    predictor = make(layers=layers, passes=passes, node_factor=factor).eval()
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    hidden = F.linear(x, predictor.embed.weight, predictor.embed.bias)
    for layer in [*predictor.layers] * passes:
        hidden = hidden + layer(hidden.clamp(min=0))
    assert len(predictor.layers) == layers
    torch.testing.assert_close(predictor(x), predictor.head(hidden.clamp(min=0)))


def test_features_may_lie_in_memory_either_way():
    predictor = make(layers=1).eval()
    x = torch.randn(4, 5, 3, dtype=torch.float64).transpose(1, 2)
    torch.testing.assert_close(predictor(x), predictor(x.contiguous()))
    gradients = []
    for each in (x, x.contiguous()):
        gradients.append(torch.autograd.grad(predictor(each).square().sum(), list(predictor.parameters())))
    for transposed, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(transposed, plain)


@pytest.mark.parametrize("shape", [(4, 6, 5), (4, 2, 5), (4, 3, 4)])  # six nodes are not two samples of three
def test_features_of_other_nodes_are_one_line(shape):
    with pytest.raises(InputError, match=r"expected \[\.\.\., 3, 5\]"):
        make()(torch.zeros(shape, dtype=torch.float64))


def test_dropout_acts_in_training_alone_and_leaves_the_skip():
    predictor = make(layers=1)
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    assert torch.equal(predictor.eval()(x), predictor(x))
    assert not torch.equal(predictor.train()(x), predictor(x))
    with torch.no_grad():  # a residual layer that answers zero leaves nothing to drop
        for parameter in predictor.layers[0].parameters():
            parameter.zero_()
    assert torch.equal(predictor.train()(x), predictor.eval()(x))


def test_passes_share_their_weights():
    once, thrice = make(layers=2, passes=1), make(layers=2, passes=3)
    assert once.state_dict().keys() == thrice.state_dict().keys()


def test_a_node_sees_itself_alone():
    predictor = make(layers=2).eval()
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    changed = x.clone()
    changed[:, 1] += 1
    same = (predictor(x) == predictor(changed)).all(dim=-1).all(dim=0)
    assert same.tolist() == [True, False, True]


def test_every_parameter_is_trained():
    torch.manual_seed(1)
    predictor = NodeSpecificPredictor(num_nodes=3, in_features=5, horizon=2, width=8, rank=2)
    optimizer = torch.optim.SGD(predictor.parameters(), lr=0.1)
    x, target = torch.randn(32, 3, 5), torch.randn(32, 3, 2)
    for _ in range(4):
        optimizer.zero_grad()
        F.mse_loss(predictor(x), target).backward()
        optimizer.step()
    silent = [name for name, parameter in predictor.named_parameters() if not parameter.grad.any()]
    assert silent == []
