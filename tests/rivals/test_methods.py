"""Each method against its equation, written out for one node at a time."""

import sys

import pytest
import torch
from torch import nn

from stlora import InputError, backbones, rivals

NODES, HISTORY, HORIZON = 5, 4, 3


@pytest.fixture
def drawn(backbone):
    """Makes a rival whose every number is drawn."""

    def make(name, bare=None, **options):
        torch.manual_seed(1)
        model = rivals.create(name, bare or backbone, NODES, **options)
        with torch.no_grad():
            for parameter in model.adapter.parameters():
                parameter.copy_(torch.randn_like(parameter))
        return model.eval()

    return make


def given_to(model):
    """What a backbone is given, kept at each call."""
    seen = []
    model.backbone.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    return seen


def test_bias_and_scale(drawn, backbone, history):
    model, x = drawn("bias_scale"), history()
    bare, out = backbone(x[..., :3]), model(x)
    scale, bias = model.adapter["scale"], model.adapter["bias"]
    for step in range(HORIZON):
        for node in range(NODES):
            expected = (1 + scale[step, node, 0]) * bare[:, step, node, 0] + bias[step, node, 0]
            torch.testing.assert_close(out[:, step, node, 0], expected)


def test_node_head(drawn, backbone, history):
    model, x = drawn("node_head"), history()
    bare, out = backbone(x[..., :3]), model(x)
    for node in range(NODES):
        seen = torch.cat([x[:, :, node, 0], bare[:, :, node, 0]], dim=1)
        own = seen @ model.adapter["weight"][node].T + model.adapter["bias"][node]
        torch.testing.assert_close(out[:, :, node, 0], bare[:, :, node, 0] + own)


def test_embedding(drawn, history):
    model, x = drawn("embedding", size=2), history()
    seen = given_to(model)
    model(x)
    for node in range(NODES):
        window = torch.cat([x[:, :, node, :3].flatten(1), model.adapter["embedding"][node].expand(2, -1)], dim=1)
        expected = x[:, :, node, 0] + window @ model.adapter["projection"].T
        torch.testing.assert_close(seen[0][:, :, node, 0], expected)


def test_clora(drawn, history):
    model, x = drawn("clora", width=6, rank=2, size=3), history()
    seen = given_to(model)
    model(x)
    parts = model.adapter
    for node in range(NODES):
        token = parts["token"](x[:, :, node, 0])
        own_map = torch.relu(parts["own"].factor[node] @ parts["own"].shared)  # [D, d]
        change = torch.cat([token, token @ own_map], dim=1) @ parts["project"].weight.T
        torch.testing.assert_close(seen[0][:, :, node, 0], x[:, :, node, 0] + change)


@pytest.mark.parametrize("method", ["embedding", "clora"])
def test_clock_and_gaps_reach_the_backbone_untouched(drawn, history, method):
    model, x = drawn(method), history()
    seen = given_to(model)
    model(x)
    assert torch.equal(seen[0][..., 1:], x[..., 1:3])
    assert not torch.equal(seen[0][..., 0], x[..., 0])


@pytest.mark.parametrize("method", ["embedding", "clora"])
def test_recurrent_backbone_in_evaluation_mode_lets_gradients_through_without_cudnn(history, method):
    bare = backbones.create("lstm", NODES, history=HISTORY, horizon=HORIZON)
    model = rivals.create(method, bare, NODES).train()
    enabled = []
    bare.register_forward_pre_hook(lambda *_: enabled.append(torch.backends.cudnn.enabled))
    before = torch.backends.cudnn.enabled
    model(history())
    model.eval()(history())
    assert enabled == [False, before]
    assert torch.backends.cudnn.enabled == before


def test_lora_is_the_sum_in_place_of_every_linear_weight(drawn, history):
    pytest.importorskip("peft")
    bare = backbones.create("gwnet", NODES, torch.eye(NODES), history=12, horizon=HORIZON).double().eval()
    model, x = drawn("peft", bare, rank=2, alpha=6), history(steps=12, dtype=torch.float64)
    out = model(x)
    with torch.no_grad():
        for name, layer in bare.named_modules():
            if isinstance(layer, nn.Linear):
                parts = model.adapter[name.replace(".", "/")]
                layer.weight += 3 * parts["lora_B"].weight @ parts["lora_A"].weight
    torch.testing.assert_close(bare(x[..., :3]), out)


def test_lora_sees_through_the_fused_kernels_of_transformer_layers(drawn, history):
    pytest.importorskip("peft")

    class Attending(nn.Module):
        history, horizon = HISTORY, HORIZON

        def __init__(self):
            super().__init__()
            self.widen = nn.Linear(HISTORY * 3, 8)
            self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.head = nn.Linear(8, HORIZON)

        def forward(self, x):
            return self.head(self.layer(self.widen(x.transpose(1, 2).flatten(2)))).transpose(1, 2).unsqueeze(-1)

    model, x = drawn("peft", Attending()), history()
    with torch.inference_mode():  # where torch takes its fused kernels
        fused = model(x)
    torch.testing.assert_close(fused, model(x).detach(), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(fused, model.backbone(x[..., :3]), atol=1e-2)


def test_lora_needs_a_linear_layer(history):
    pytest.importorskip("peft")

    class Last(nn.Module):
        history, horizon = HISTORY, HORIZON

        def forward(self, x):
            return x[:, -1:, :, :1].expand(-1, HORIZON, -1, -1)

    with pytest.raises(InputError, match=r"Last has no nn\.Linear"):
        rivals.create("peft", Last(), NODES)


def test_lora_says_what_to_install(backbone, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)  # as if it were not there
    with pytest.raises(InputError, match=r'pip install "stlora\[peft\]"'):
        rivals.create("peft", backbone, NODES)
