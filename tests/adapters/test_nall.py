"""The node-adaptive low-rank layer against a loop over nodes."""

import pytest
import torch
from torch.nn import functional as F

from stlora import InputError, NodeAdaptiveLowRankLayer
from stlora.adapters.nall import LARGEST_UNROLLED

FACTORS = ("full", "core", "diagonal", "none")
NODES, IN, OUT, RANK, ALPHA = 4, 3, 5, 2, 6.0
BATCH = {"x": {0: torch.export.Dim("batch", min=1, max=64)}}


def make(factor, dtype=torch.float64, seed=0, **changes):
    """A layer whose every parameter is drawn, so that no part is zero or the identity."""
    sizes = {"num_nodes": NODES, "in_features": IN, "out_features": OUT, "rank": RANK, "alpha": ALPHA, **changes}
    layer = NodeAdaptiveLowRankLayer(**sizes, node_factor=factor).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return layer


def own_factor(layer, node):
    """``A_i`` of one node, from the definition."""
    if layer.node_factor == "full":
        return layer.lora_A[node]
    if layer.node_factor == "core":
        return layer.node_core[node] @ layer.lora_A
    if layer.node_factor == "diagonal":
        return torch.diag(layer.node_scale[node]) @ layer.lora_A
    return layer.lora_A


def loop(layer, x):
    """``y_i = (W + (α/r) B A_i) x_i + b``, a node and a sample at a time."""
    flat = x.reshape(-1, *x.shape[-2:])
    rows = [
        torch.stack(
            [
                (layer.weight + layer.alpha / layer.rank * layer.lora_B @ own_factor(layer, node)) @ sample[node]
                + layer.bias
                for node in range(layer.num_nodes)
            ]
        )
        for sample in flat
    ]
    return torch.stack(rows).reshape(*x.shape[:-1], layer.out_features)


@pytest.mark.parametrize("rank", [1, RANK, LARGEST_UNROLLED + 1])
@pytest.mark.parametrize("factor", FACTORS)
def test_layer_equals_a_loop_over_nodes_with_all_gradients(factor, rank):
    layer = make(factor, rank=rank)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, NODES, IN, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 3, NODES, OUT, generator=generator, dtype=torch.float64)
    leaves = [x, *layer.parameters()]
    got, expected = layer(x), loop(layer, x)
    torch.testing.assert_close(got, expected)
    ours = torch.autograd.grad((got.sin() * weights).sum(), leaves)
    theirs = torch.autograd.grad((expected.sin() * weights).sum(), leaves)
    for gradient, wanted in zip(ours, theirs, strict=True):
        assert wanted.abs().max() > 0
        torch.testing.assert_close(gradient, wanted)


@pytest.mark.parametrize("rank", [1, RANK, LARGEST_UNROLLED + 1])
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("added", [False, True])
def test_columns_are_mapped_as_rows_are_with_all_gradients(factor, rank, added):
    layer = make(factor, rank=rank)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(6, NODES, IN, generator=generator, dtype=torch.float64, requires_grad=True)
    start = torch.randn(OUT, 6 * NODES, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(OUT, 6 * NODES, generator=generator, dtype=torch.float64)
    columns = x.flatten(0, 1).t().contiguous()
    got = layer.map_columns(columns, onto=start * 1 if added else None)
    expected = loop(layer, x).flatten(0, 1).t() + (start if added else 0)
    torch.testing.assert_close(got, expected)
    leaves = [x, *layer.parameters(), *([start] if added else [])]
    ours = torch.autograd.grad((got.sin() * weights).sum(), leaves)
    theirs = torch.autograd.grad((expected.sin() * weights).sum(), leaves)
    for gradient, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(gradient, wanted)


def test_columns_are_added_in_place():
    layer = make("diagonal")
    onto = torch.ones(OUT, NODES, dtype=torch.float64)
    with torch.no_grad():
        assert layer.map_columns(torch.ones(IN, NODES, dtype=torch.float64), onto=onto) is onto


@pytest.mark.parametrize("factor", FACTORS)
def test_gradients_and_their_gradients_are_those_of_finite_differences(factor):
    layer = make(factor, num_nodes=2, in_features=2, out_features=2)
    x = torch.randn(2, 2, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def function(x, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    leaves = [parameter.detach().clone().requires_grad_() for parameter in layer.parameters()]
    assert torch.autograd.gradcheck(function, (x, *leaves))
    assert torch.autograd.gradgradcheck(function, (x, *leaves))


@pytest.mark.parametrize("factor", FACTORS)
def test_delta_weight_is_the_scaled_product_of_each_node(factor):
    layer = make(factor)
    expected = torch.stack([ALPHA / RANK * layer.lora_B @ own_factor(layer, node) for node in range(NODES)])
    assert layer.delta_weight().shape == (NODES, OUT, IN)
    torch.testing.assert_close(layer.delta_weight(), expected)
    x = torch.randn(NODES, IN, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    merged = torch.einsum("noi,ni->no", layer.weight + layer.delta_weight(), x) + layer.bias
    torch.testing.assert_close(layer(x), merged)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("leading", [(), (1,), (0,), (3,), (2, 0, 3), (2, 1, 3)])
def test_any_leading_shape_is_a_batch(factor, leading):
    layer = make(factor)
    x = torch.randn(*leading, NODES, IN, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    got = layer(x)
    assert got.shape == (*leading, NODES, OUT)
    if got.numel():
        torch.testing.assert_close(got, loop(layer, x))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
def test_lower_precision_stays_near_double(factor, dtype, tolerance):
    exact = make(factor)
    x = torch.randn(2, NODES, IN, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    got = make(factor, dtype)(x.to(dtype))
    assert got.dtype == dtype
    expected = exact(x)
    assert (got.double() - expected).abs().max() < tolerance * expected.abs().max()


@pytest.mark.parametrize("factor", FACTORS)
def test_new_layer_is_the_shared_linear_map(factor):
    layer = NodeAdaptiveLowRankLayer(NODES, IN, OUT, RANK, ALPHA, factor)
    x = torch.randn(2, NODES, IN)
    assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))
    assert not layer.delta_weight().any()


SHAPES = {
    "full": {"lora_A": (NODES, RANK, IN)},
    "core": {"lora_A": (RANK, IN), "node_core": (NODES, RANK, RANK)},
    "diagonal": {"lora_A": (RANK, IN), "node_scale": (NODES, RANK)},
    "none": {"lora_A": (RANK, IN)},
}


@pytest.mark.parametrize("factor", FACTORS)
def test_parameters_have_the_promised_names_and_shapes(factor):
    layer = NodeAdaptiveLowRankLayer(NODES, IN, OUT, RANK, ALPHA, factor)
    expected = {"weight": (OUT, IN), "bias": (OUT,), "lora_B": (OUT, RANK), **SHAPES[factor]}
    assert {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()} == expected
    assert set(layer.state_dict()) == set(expected)


@pytest.mark.parametrize(
    ("factor", "own"),
    [
        ("full", lambda r, i, o, n: r * o + n * r * i),
        ("core", lambda r, i, o, n: r * (i + o) + n * r**2),
        ("diagonal", lambda r, i, o, n: r * (i + o) + n * r),
        ("none", lambda r, i, o, n: r * (i + o)),
    ],
)
def test_parameter_counts_follow_the_table(factor, own):
    layer = NodeAdaptiveLowRankLayer(307, 64, 48, 16, 8.0, factor)
    assert sum(p.numel() for p in layer.parameters()) == 64 * 48 + 48 + own(16, 64, 48, 307)


@pytest.mark.parametrize("factor", FACTORS)
def test_renumbering_the_nodes_renumbers_the_answer(factor):
    layer, renumbered = make(factor), make(factor)
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        for name, parameter in renumbered.named_parameters():
            if name.startswith("node_") or (name == "lora_A" and factor == "full"):
                parameter.copy_(parameter[order].clone())
    x = torch.randn(3, NODES, IN, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    torch.testing.assert_close(renumbered(x[:, order]), layer(x)[:, order])


@pytest.mark.parametrize("factor", ["full", "core", "diagonal"])
def test_nodes_of_equal_input_answer_differently(factor):
    answers = make(factor)(torch.ones(NODES, IN, dtype=torch.float64))
    assert len({tuple(row.tolist()) for row in answers}) == NODES


@pytest.mark.parametrize("factor", FACTORS)
def test_every_parameter_is_trained(factor):
    torch.manual_seed(8)
    layer = NodeAdaptiveLowRankLayer(NODES, IN, OUT, RANK, ALPHA, factor)
    before = {name: parameter.detach().clone() for name, parameter in layer.named_parameters()}
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    x, target = torch.randn(16, NODES, IN), torch.randn(16, NODES, OUT)
    for _ in range(4):
        optimizer.zero_grad()
        F.mse_loss(layer(x), target).backward()
        optimizer.step()
    for name, parameter in layer.named_parameters():
        assert parameter.grad.abs().sum() > 0, name
        assert not torch.equal(parameter, before[name]), name
        if parameter.dim() and parameter.shape[0] == NODES:  # a node's own: each one moves
            assert (parameter - before[name]).flatten(1).abs().sum(1).min() > 0, name


@pytest.mark.parametrize("factor", FACTORS)
def test_layer_compiles_into_one_graph(factor):
    layer = make(factor)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    x = torch.randn(2, NODES, IN, dtype=torch.float64)
    torch.testing.assert_close(compiled(x), layer(x))


@pytest.mark.parametrize("factor", FACTORS)
def test_exported_layer_takes_batches_of_any_size(factor):
    layer = make(factor)
    program = torch.export.export(layer, (torch.randn(2, NODES, IN, dtype=torch.float64),), dynamic_shapes=BATCH)
    x = torch.randn(5, NODES, IN, dtype=torch.float64)
    torch.testing.assert_close(program.module()(x), loop(layer, x))


@pytest.mark.parametrize("rank", [RANK, LARGEST_UNROLLED + 1])
@pytest.mark.parametrize("factor", FACTORS)
def test_autocast_computes_in_bfloat16_and_trains_every_parameter(factor, rank):
    layer = make(factor, torch.float32, rank=rank)
    x = torch.randn(2, NODES, IN, generator=torch.Generator().manual_seed(9))
    with torch.autocast("cpu", torch.bfloat16):
        got = layer(x)
    assert got.dtype == torch.bfloat16
    assert (got.float() - loop(layer, x)).abs().max() < 0.05 * got.abs().max()
    got.float().square().sum().backward()
    assert all(parameter.grad.dtype == torch.float32 and parameter.grad.any() for parameter in layer.parameters())


@pytest.mark.parametrize("size", ["num_nodes", "in_features", "out_features", "rank"])
def test_size_below_one_is_refused(size):
    sizes = {"num_nodes": 2, "in_features": 2, "out_features": 2, "rank": 2, size: 0}
    with pytest.raises(InputError, match=f"{size}=0.*1 or more"):
        NodeAdaptiveLowRankLayer(**sizes)


def test_unknown_factor_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="'tucker'; choose one of full, core, diagonal, none"):
        NodeAdaptiveLowRankLayer(2, 2, 2, node_factor="tucker")


@pytest.mark.parametrize("shape", [(NODES, IN + 1), (1, IN), (2, NODES + 1, IN), (IN,), (IN, NODES)])
@pytest.mark.parametrize("factor", FACTORS)
def test_input_of_other_nodes_or_features_is_refused_not_broadcast(factor, shape):
    with pytest.raises(InputError, match=r"expected \[\.\.\., 4, 3\]"):
        make(factor)(torch.zeros(shape, dtype=torch.float64))
