"""Folded inference: the same answers, nowhere to be seen, and never of earlier weights."""

import copy
import pickle

import pytest
import torch

from stlora import InputError, NodeAdaptiveLowRankLayer, NodeSpecificPredictor, STLoRA, STLoRAConfig
from stlora.adapters import fold, unfold
from stlora.adapters.nall import LARGEST_UNROLLED, MOST_NODES_WITH_WEIGHTS

FACTORS = ("full", "core", "diagonal", "none")
FEW, MANY = 5, MOST_NODES_WITH_WEIGHTS + 3


def drawn(module, seed=0):
    """The module in inference, every parameter drawn."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return module.double().eval()


def layer_and_input(nodes, factor, rank=2):
    layer = drawn(NodeAdaptiveLowRankLayer(nodes, 3, 4, rank, node_factor=factor))
    return layer, torch.randn(2, 3, nodes, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def few():
    """A layer of few nodes and an input."""
    return layer_and_input(FEW, "core")


@pytest.mark.parametrize("rank", [2, LARGEST_UNROLLED + 1])
@pytest.mark.parametrize("nodes", [1, FEW, MANY])
@pytest.mark.parametrize("factor", FACTORS)
def test_folded_layer_answers_the_same(factor, nodes, rank):
    layer, x = layer_and_input(nodes, factor, rank)
    expected = layer(x)
    fold(layer)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            got = layer(x)
        torch.testing.assert_close(got, expected.detach())
        assert got.is_contiguous()
    with torch.no_grad():
        assert layer(x[:0]).shape == (0, 3, nodes, 4)
        torch.testing.assert_close(layer(x[0, 0]), expected[0, 0].detach())


@pytest.mark.parametrize("nodes", [FEW, MANY])
@pytest.mark.parametrize("factor", FACTORS)
def test_folded_products_are_what_answers(factor, nodes, monkeypatch):
    layer, x = layer_and_input(nodes, factor)
    fold(layer)
    monkeypatch.setattr(layer, "_products", lambda: pytest.fail("products were made anew"))
    with torch.no_grad():
        layer(x)


def test_whole_weights_are_held_where_nodes_are_few():
    held = {
        nodes: layer_and_input(nodes, "core")[0] for nodes in (MOST_NODES_WITH_WEIGHTS, MOST_NODES_WITH_WEIGHTS + 1)
    }
    sizes = []
    for layer in held.values():
        fold(layer)
        with torch.no_grad():
            sizes.append(layer._folded_products().weight.shape)
    assert sizes == [(MOST_NODES_WITH_WEIGHTS, 3, 4), (4, 3)]


@pytest.mark.parametrize("nodes", [FEW, MANY])
def test_renumbering_the_nodes_renumbers_the_folded_answer(nodes):
    layer, x = layer_and_input(nodes, "core")
    order = torch.randperm(nodes, generator=torch.Generator().manual_seed(2))
    renumbered = copy.deepcopy(layer)
    with torch.no_grad():
        renumbered.node_core.copy_(layer.node_core[order])
        fold(layer), fold(renumbered)
        torch.testing.assert_close(renumbered(x[:, :, order]), layer(x)[:, :, order])


def test_folded_predictor_answers_the_same_and_unfolds():
    predictor = drawn(NodeSpecificPredictor(FEW, in_features=6, horizon=3, width=4, layers=2, rank=2))
    x = torch.randn(2, FEW, 6, dtype=torch.float64)
    with torch.no_grad():
        plain = predictor(x)
        assert fold(predictor) is predictor
        torch.testing.assert_close(predictor(x), plain)
        assert unfold(predictor) is predictor
        assert torch.equal(predictor(x), plain)


@pytest.mark.parametrize("name", ["stlora", "residual", "paper", "shared", "own"])
def test_folded_adapter_forecasts_the_same(name):
    model = STLoRA(torch.nn.Identity(), FEW, STLoRAConfig.named(name, profile=0, neighbours=0))
    drawn(model.adapter)
    model.double().eval()
    generator = torch.Generator().manual_seed(3)
    x, forecast = (torch.rand(2, 12, FEW, channels, dtype=torch.float64, generator=generator) for channels in (3, 1))
    with torch.no_grad():
        plain = model.correct(x, forecast)
        assert not torch.equal(plain, forecast)
        torch.testing.assert_close(fold(model).correct(x, forecast), plain)


def test_folding_is_not_in_the_state_nor_in_copies(few):
    layer, x = few
    names = set(layer.state_dict())
    size = len(pickle.dumps(layer))
    fold(layer)
    assert set(layer.state_dict()) == names
    assert len(pickle.dumps(layer)) <= size + 32  # the name of an empty attribute
    other = NodeAdaptiveLowRankLayer(FEW, 3, 4, 2).double()
    other.load_state_dict(layer.state_dict())
    expected = layer(x)
    for same in (other, copy.deepcopy(layer)):
        assert same._folded is None
        assert torch.equal(same(x), expected)


def test_gradients_of_a_folded_layer_are_those_of_the_layer(few):
    layer, x = few
    expected = torch.autograd.grad(layer(x).square().sum(), list(layer.parameters()))
    fold(layer)
    got = torch.autograd.grad(layer(x).square().sum(), list(layer.parameters()))
    assert all(map(torch.equal, got, expected))


def train_mode(layer):
    layer.train().eval()


def optimise(layer):
    layer(torch.ones(layer.num_nodes, 3, dtype=torch.float64)).sum().backward()
    torch.optim.Adam(layer.parameters(), lr=0.1, fused=True).step()


def load(layer):
    layer.load_state_dict({name: 2 * value for name, value in layer.state_dict().items()})


def assign(layer):
    layer.load_state_dict({name: 2 * value for name, value in layer.state_dict().items()}, assign=True)


def write(layer):
    with torch.no_grad():
        layer.node_core[1] += 1


def replace(layer):
    layer.lora_B = torch.nn.Parameter(2 * layer.lora_B.detach())


def from_vector(layer):
    numbers = torch.nn.utils.parameters_to_vector(layer.parameters()).detach()
    torch.nn.utils.vector_to_parameters(2 * numbers, layer.parameters())


def set_alpha(layer):
    layer.alpha = 3.0


CHANGES = [train_mode, optimise, load, assign, write, replace, from_vector, set_alpha]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("nodes", [FEW, MANY])
def test_changed_weights_answer_at_once(change, nodes):
    layer, x = layer_and_input(nodes, "core")
    fold(layer)
    change(layer)
    with torch.no_grad():
        got = layer(x)
        assert torch.equal(got, unfold(layer)(x))
    torch.testing.assert_close(
        got, torch.einsum("noi,...ni->...no", layer.weight + layer.delta_weight(), x) + layer.bias
    )


def test_layer_whose_changes_are_not_counted_is_not_folded():
    with torch.inference_mode():
        layer, x = layer_and_input(FEW, "core")
        fold(layer)
        layer.node_core[1] += 1
        torch.testing.assert_close(
            layer(x), torch.einsum("noi,...ni->...no", layer.weight + layer.delta_weight(), x) + layer.bias
        )


def test_folded_layer_can_become_of_another_type(few):
    layer, x = few
    fold(layer).float()
    with torch.no_grad():
        assert layer(x.float()).dtype == torch.float32
        assert layer._folded is None


def test_compiled_layer_uses_its_parameters(few):
    layer, x = few
    fold(layer)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), layer(x))
        layer.weight.zero_()
        torch.testing.assert_close(compiled(x), unfold(layer)(x))


def test_layer_in_training_is_not_folded(few):
    layer, _ = few
    with pytest.raises(InputError, match=r"training mode.*call eval\(\) first"):
        fold(torch.nn.Sequential(layer.train()))


def test_module_without_such_layers_stays_as_it_is():
    plain = torch.nn.Linear(2, 2)
    assert fold(plain) is plain
    assert unfold(plain) is plain
