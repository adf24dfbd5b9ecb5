"""The wrapped backbone: what trains, what stays, what is refused."""

import copy

import pytest
import torch
from torch import nn

from stlora import InputError, STLoRA, STLoRAConfig, backbones

NODES, HISTORY, HORIZON = 5, 4, 3


def wrap(backbone, **choices):
    torch.manual_seed(1)
    return STLoRA(backbone, NODES, STLoRAConfig(width=6, **choices))


def train_a_little(model, history):
    model.train()
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    target = torch.randn(8, HORIZON, NODES, 1, generator=torch.Generator().manual_seed(5))
    for seed in range(4):
        optimizer.zero_grad()
        (model(history(8, seed=seed)) - target).abs().mean().backward()
        optimizer.step()
    return model


def snapshot(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(module, before):
    return {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}


@pytest.mark.parametrize("predictors", [1, 3])
@pytest.mark.parametrize("name", ["lstm", "stid"])
def test_fresh_adapter_leaves_the_forecast_as_it_is_to_the_bit(history, name, predictors):
    bare = backbones.create(name, NODES, history=HISTORY, horizon=HORIZON).eval()
    x = history()
    assert torch.equal(wrap(bare, predictors=predictors).eval()(x), bare(x[..., :3]))


@pytest.mark.parametrize("config", [STLoRAConfig(), STLoRAConfig.paper(), STLoRAConfig(profile=0, neighbours=0)])
def test_dead_nodes_are_known_where_the_nodes_are_measured(backbone, history, config):
    x = history()
    x[..., 3] = 1
    x[0, :, 2, 0] = 4.0  # without a training period to know any still window from
    dead = STLoRA(backbone, x.shape[2], config).dead(x)
    assert dead.nonzero().tolist() == ([[0, 2]] if config.profile else [])


def test_published_form_starts_elsewhere(backbone, history):
    x = history()
    model = STLoRA(backbone, NODES, STLoRAConfig.paper()).eval()
    assert model(x).shape == (2, HORIZON, NODES, 1)
    assert not torch.equal(model(x), backbone(x[..., :3]))


def test_frozen_backbone_stays_as_it_is(backbone, history):
    before = snapshot(backbone)
    model = wrap(backbone, freeze_backbone=True)
    adapter = snapshot(model.adapter)
    train_a_little(model, history)
    assert changed(backbone, before) == set()  # the running statistics neither
    assert changed(model.adapter, adapter) == set(dict(model.adapter.named_parameters()))  # what is measured stays
    assert all(parameter.grad is None for parameter in backbone.parameters())
    assert model.training
    assert model.adapter.training
    assert not any(module.training for module in backbone.modules())


def test_joint_training_changes_both(backbone, history):
    before = snapshot(backbone)
    model = wrap(backbone)
    adapter = snapshot(model.adapter)
    train_a_little(model, history)
    assert changed(backbone, before) == set(before)
    assert changed(model.adapter, adapter) == set(dict(model.adapter.named_parameters()))  # what is measured stays
    assert backbone.norm.training
    assert not model.eval().backbone.norm.training


@pytest.mark.parametrize(("channels", "fusion"), [(3, "residual"), (4, "residual"), (3, "gate"), (4, "gate")])
def test_history_may_have_three_or_four_channels(backbone, history, channels, fusion):
    model = train_a_little(wrap(backbone, fusion=fusion), history).eval()
    x = history(channels=4)
    complete = torch.cat([x[..., :3], torch.ones_like(x[..., :1])], dim=-1)
    out = model(x[..., :channels])
    assert out.shape == (2, HORIZON, NODES, 1)
    if channels == 3:
        assert torch.equal(out, model(complete))
    elif fusion == "residual":
        assert not torch.equal(out, model(complete))  # gaps are seen


def test_any_module_is_a_backbone(history):
    class Last(nn.Module):
        def forward(self, x):
            assert x.shape[-1] == 3
            return x[:, -1:, :, :1].expand(-1, 12, -1, -1)

    model = wrap(Last())
    x = history(steps=12)
    assert (model.history, model.horizon, model.in_channels) == (12, 12, 3)
    assert torch.equal(model.eval()(x), x[:, -1:, :, :1].expand(-1, 12, -1, -1))
    assert model.parameter_report().percent_added == float("inf")


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 5, 3, 1), (2, 3, 5, 2), (1, 3, 5, 1), (2, 2, 5, 1)])
def test_backbone_of_another_output_shape_is_refused(history, shape):
    class Wrong(nn.Module):
        history, horizon = HISTORY, HORIZON

        def forward(self, x):
            return torch.zeros(shape)

    with pytest.raises(InputError, match=r"expected \[2, 3, 5, 1\]"):
        wrap(Wrong())(history())


@pytest.mark.parametrize("sizes", [{"nodes": NODES + 1}, {"nodes": 1}, {"steps": HISTORY + 1}])
def test_history_of_another_shape_is_refused(backbone, history, sizes):
    with pytest.raises(InputError, match=r"expected \[B, 4, 5, C\]"):
        wrap(backbone)(history(**sizes))


def test_history_without_batch_axis_is_refused(backbone, history):
    with pytest.raises(InputError, match=r"shape \[4, 5, 4\]"):
        wrap(backbone)(history()[0])


def test_report_counts_what_is_there(backbone):
    def count(module):
        return sum(parameter.numel() for parameter in module.parameters())

    frozen, joint = wrap(backbone, freeze_backbone=True), wrap(copy.deepcopy(backbone).requires_grad_(True))
    for model in (frozen, joint):
        report = model.parameter_report()
        assert report.backbone == count(backbone) == 2 * 12 + 12 * 3 + 3
        assert report.adapter == count(model.adapter)
        assert report.percent_added == pytest.approx(100 * report.adapter / report.backbone)
        assert f"adapter: {report.adapter:,}" in str(report)
    assert frozen.parameter_report().trainable == count(frozen.adapter)
    assert joint.parameter_report().trainable == count(joint)


def test_lean_default_is_small_on_a_published_backbone():
    report = STLoRA(backbones.create("lstm", NODES), NODES).parameter_report()
    assert report.backbone == 97932
    assert 0 < report.percent_added < 10


@pytest.mark.parametrize("fusion", ["residual", "gate"])
def test_wrapped_model_compiles_into_one_graph(backbone, history, fusion):
    model = train_a_little(wrap(backbone, fusion=fusion), history).eval()
    x = history()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), model(x))


def test_copy_is_equal_and_independent(backbone, history):
    model = train_a_little(wrap(backbone, freeze_backbone=True), history)
    twin = copy.deepcopy(model)
    x = history()
    assert torch.equal(twin.eval()(x), model.eval()(x))
    before = snapshot(model)
    train_a_little(twin, history)
    assert changed(model, before) == set()
    assert not torch.equal(twin.eval()(x), model.eval()(x))


def test_backbone_behind_the_model_is_the_given_one(backbone):
    assert wrap(backbone).backbone is backbone
