"""Every rival: what a fresh one is, what trains, what stays, what is refused."""

import copy

import pytest
import torch
from torch import nn

from stlora import InputError, backbones, rivals

NODES, HISTORY, HORIZON = 5, 4, 3


def snapshot(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(module, before):
    return {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}


def wrap(name, backbone, **options):
    torch.manual_seed(1)
    return rivals.create(name, backbone, NODES, **options)


@pytest.mark.parametrize("kind", ["lstm", "stgcn", "stid", "gwnet", "d2stgnn"])
def test_fresh_one_forecasts_what_the_backbone_does_to_the_bit(history, name, kind):
    torch.manual_seed(0)
    sizes = {"history": 12, "horizon": HORIZON} | ({"steps_per_day": 24} if kind == "stid" else {})
    bare = backbones.create(kind, NODES, torch.rand(NODES, NODES), **sizes).eval()
    x = history(steps=12)
    model = wrap(name, bare).eval()
    with torch.inference_mode():
        assert torch.equal(model(x), bare(x[..., :3]))


def test_every_number_is_trained_and_a_frozen_backbone_stays_to_the_bit(backbone, train, name):
    before = snapshot(backbone)
    model = wrap(name, backbone)
    adapter = snapshot(model.adapter)
    train(model)
    assert changed(model.adapter, adapter) == set(adapter)
    if name == "finetune":
        assert changed(backbone, before) == set(before)
    else:
        assert changed(backbone, before) == set()  # the running statistics neither
        assert all(parameter.grad is None for parameter in backbone.parameters())
        assert not any(module.training for module in backbone.modules())


def test_training_changes_the_forecast(backbone, history, train, name):
    bare = copy.deepcopy(backbone)
    model = train(wrap(name, backbone)).eval()
    assert not torch.allclose(model(history()), bare(history(channels=3)), atol=1e-3)


@pytest.mark.parametrize("method", ["bias_scale", "node_head", "embedding", "clora"])
def test_joint_training_changes_both(backbone, train, method):
    before = snapshot(backbone)
    model = wrap(method, backbone, freeze_backbone=False)
    adapter = snapshot(model.adapter)
    train(model)
    assert changed(backbone, before) == set(before)
    assert changed(model.adapter, adapter) == set(adapter)


def test_report_counts_what_is_there(backbone, name):
    report = wrap(name, backbone).parameter_report()
    assert report.backbone == 2 * 12 + 12 * 3 + 3
    assert report.trainable == (report.backbone if name == "finetune" else report.adapter)
    assert report.measured == 0


@pytest.mark.parametrize("nodes", [60, 307])
def test_parameters_follow_the_formulas_of_the_page(name, nodes):
    bare = backbones.create("lstm", nodes)
    T, H, C, D = 12, 12, 3, 8
    linear = [layer.in_features + layer.out_features for layer in bare.modules() if isinstance(layer, nn.Linear)]
    expected = {
        "bias_scale": 2 * nodes * H,
        "node_head": nodes * H * (T + H + 1),
        "embedding": nodes * D + T * (T * C + D),
        "clora": nodes * 16 * 4 + 4 * 8 + 16 * (T + 1) + T * (16 + 8),
        "peft": 8 * sum(linear),
        "finetune": 0,
    }
    assert rivals.create(name, bare, nodes).parameter_report().adapter == expected[name]


def test_nodes_in_another_order_answer_in_that_order(backbone, history, train, name):
    model = train(wrap(name, backbone)).eval()
    order, x = torch.tensor([3, 0, 4, 1, 2]), history()
    other = wrap(name, copy.deepcopy(backbone))
    tensors = model.adapter.state_dict()
    axis = {"scale": 1, "bias": 1 if name == "bias_scale" else 0, "weight": 0, "embedding": 0, "own.factor": 0}
    if name != "peft":
        tensors = {k: v.index_select(axis[k], order) if k in axis else v for k, v in tensors.items()}
    other.adapter.load_state_dict(tensors)
    torch.testing.assert_close(other.eval()(x[:, :, order]), model(x)[:, :, order])
    if name not in ("peft", "finetune"):
        assert not torch.allclose(model(x[:, :, order]), model(x)[:, :, order], atol=1e-4), "nodes differ"


def test_histories_in_double_give_forecasts_in_double(backbone, history, train, name):
    model = train(wrap(name, backbone.double()).double()).eval()
    assert model(history(dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize("sizes", [{"nodes": NODES + 1}, {"nodes": 1}, {"steps": HISTORY + 1}])
def test_history_of_another_shape_is_refused(backbone, history, name, sizes):
    with pytest.raises(InputError, match=r"expected \[B, 4, 5, C\]"):
        wrap(name, backbone)(history(**sizes))


def test_backbone_of_another_output_shape_is_refused(history, name):
    class Wrong(nn.Module):
        history, horizon = HISTORY, HORIZON

        def __init__(self):
            super().__init__()
            self.map = nn.Linear(3, 1)

        def forward(self, x):
            return self.map(x)

    with pytest.raises(InputError, match=r"expected \[2, 3, 5, 1\]"):
        wrap(name, Wrong())(history())


def test_backbone_with_one_channel_will_do(history, train, name):
    bare = backbones.create("lstm", NODES, history=HISTORY, horizon=HORIZON, in_channels=1)
    assert train(wrap(name, bare)).eval()(history()).shape == (2, HORIZON, NODES, 1)


def test_copy_is_equal_and_independent(backbone, history, train, name):
    model = train(wrap(name, backbone))
    twin, x = copy.deepcopy(model), history()
    assert torch.equal(twin.eval()(x), model.eval()(x))
    before = snapshot(model)
    train(twin)
    assert changed(model, before) == set()


def test_kept_forecasts_serve_those_that_only_correct(backbone, history, train, name):
    model = train(wrap(name, backbone)).eval()
    x = history()
    if model.corrects_only:
        assert torch.equal(model.correct(x, backbone(x[..., :3])), model(x))
    else:
        assert torch.equal(model.correct(x, backbone(x[..., :3])), backbone(x[..., :3])), "it adds nothing behind"


def test_unknown_names_and_options_are_refused(backbone):
    with pytest.raises(InputError, match="no rival is called 'nobody'; choose one of bias_scale"):
        rivals.create("nobody", backbone, NODES)
    with pytest.raises(InputError, match="embedding has no option 'rank'; it has size"):
        wrap("embedding", backbone, rank=3)
    with pytest.raises(InputError, match="node_head has no option 'rank'; it has none"):
        wrap("node_head", backbone, rank=3)


@pytest.mark.parametrize("size", [0, 2.0, True, "many"])
def test_sizes_are_whole_numbers(backbone, size):
    with pytest.raises(InputError, match=rf"size of embedding is {size!r}; expected (a whole number|1 or more)"):
        wrap("embedding", backbone, size=size)


@pytest.mark.parametrize(("method", "freeze"), [("peft", False), ("finetune", True)])
def test_methods_are_used_as_they_are_meant(backbone, method, freeze):
    with pytest.raises(InputError, match=rf"cannot be made with freeze_backbone={freeze}"):
        wrap(method, backbone, freeze_backbone=freeze)
