"""The backbones equal a literal reading of their descriptions, in outputs and in gradients."""

from pathlib import Path

import pytest
import torch

from stlora import backbones

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NODES, BATCH = 7, 2

pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not part of this copy")


@pytest.fixture(scope="module")
def benchmarks():
    """The literal backbones and the published parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import plain
        from measuring import published

        yield plain, published


@pytest.fixture
def _double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def _graph():
    torch.manual_seed(1)
    return torch.rand(NODES, NODES) * (torch.rand(NODES, NODES) < 0.4) + torch.eye(NODES)


def _history():
    torch.manual_seed(2)
    step = (torch.tensor([[250], [17]]) + torch.arange(12)) % 288
    day = torch.tensor([[6], [2]]) + (step < 17)
    clock = torch.stack([step / 288, day % 7 / 7], dim=-1)[:, :, None].expand(BATCH, 12, NODES, 2)
    return torch.cat([torch.randn(BATCH, 12, NODES, 1), clock], dim=-1)


def _largest_difference(one, other):
    return ((one - other).abs().max() / other.abs().max().clamp(min=1e-30)).item()


def _pair(benchmarks, name):
    plain, published = benchmarks
    parameters = published.random_parameters(name, NODES, seed=0)
    options = {"dropout": 0.0} if backbones.takes(name, "dropout") else {}
    ours = backbones.create(name, NODES, _graph(), **options)
    ours.load_state_dict(published.as_ours(name, parameters), strict=False)
    return plain.create(name, parameters, _graph(), dropout=0.0), ours


@pytest.mark.usefixtures("_double")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", backbones.names())
def test_outputs_and_gradients_are_those_of_the_literal_form(benchmarks, name, training):
    literal, ours = (module.train(training) for module in _pair(benchmarks, name))
    x = _history()
    wanted, found = literal(x), ours(x)
    assert wanted.shape == (BATCH, 12, NODES, 1)
    assert wanted.std() > 1e-3
    assert _largest_difference(found, wanted) < 1e-5

    weight = torch.randn_like(wanted)
    (wanted * weight).sum().backward()
    (found * weight).sum().backward()
    # Our gradients, carried back to the published layout by the map that makes our parameters of the published ones.
    leaves = {key: parameter.detach().clone().requires_grad_() for key, parameter in literal.p.items()}
    mapped = benchmarks[1].as_ours(name, leaves)
    parameters = dict(ours.named_parameters())
    torch.autograd.backward([mapped[key] for key in parameters], [p.grad for p in parameters.values()])
    dead = sum(p.numel() for p in literal.p.values() if p.grad is None or not p.grad.any())
    rarely_read = sum(p.numel() for p in parameters.values() if not p.grad.any())
    assert dead == ours.unused_published_parameters + rarely_read
    largest = max(p.grad.abs().max() for p in literal.p.values() if p.grad is not None)
    for key, parameter in literal.p.items():
        if parameter.grad is not None and parameter.grad.abs().max() > 1e-9 * largest:
            assert _largest_difference(leaves[key].grad, parameter.grad) < 1e-4, key


@pytest.mark.parametrize("name", backbones.names())
def test_the_literal_form_gives_the_published_numbers(benchmarks, name):
    plain, published = benchmarks
    recipe = published.load("conftest").Parity()
    scale = 1 / 7 if name in ("staeformer", "d2stgnn", "stid") else 1.0
    parameters = recipe.published_parameters(name)
    literal = plain.create(name, parameters, recipe.ring(), dropout=0.0).eval()
    found = literal(recipe.inputs(scale)).detach()
    wanted = recipe.expected(name)["eval"]
    assert found[0, :, 0, 0].tolist() == pytest.approx(wanted["b0_n0"], rel=1e-4, abs=1e-6)
    assert found[1, :, 7, 0].tolist() == pytest.approx(wanted["b1_n7"], rel=1e-4, abs=1e-6)
