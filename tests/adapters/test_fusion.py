"""The fusions against their formulas."""

import pytest
import torch
from torch.nn import functional as F

from stlora import NodeAdaptiveLowRankLayer, STLoRA, STLoRAConfig
from stlora.adapters.features import window_features
from stlora.adapters.fusion import GatedFusion, OwnForecast, ResidualFusion, ShareFusion
from stlora.backbones import create

NODES, STEPS, HORIZON = 5, 4, 3


def draw(module):
    """Nothing is zero, so nothing in the formula is idle."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return module.eval()


def know(fusion):
    """What is measured of the nodes is not zero either."""
    hours = torch.arange(24 * 14)
    clock = torch.stack([hours % 24 / 24, hours // 24 % 7 / 7], dim=1)
    fusion.profile.fit(torch.randn(len(hours), NODES, generator=torch.Generator().manual_seed(1)), clock)
    return fusion


def refined(fusion, x, forecast, own=False):
    """Each predictor adds to the forecast so far ``[B, H, N]``; the first of an own forecast does not see it."""
    context = fusion.profile(x)
    for k, predictor in enumerate(fusion.predictors):
        correction = predictor(window_features(x, None if own and k == 0 else forecast, fusion.config, context))
        forecast = forecast + correction.permute(0, 2, 1)
    return forecast[..., None]


@pytest.mark.parametrize("predictors", [1, 3])
def test_residual_adds_each_predictor_to_the_forecast_so_far(history, predictors):
    config = STLoRAConfig(fusion="residual", predictors=predictors, width=6)
    fusion = know(draw(ResidualFusion(config, NODES, STEPS, HORIZON)))
    x, forecast = history(), torch.randn(2, HORIZON, NODES, 1)
    assert len(fusion.predictors) == predictors
    torch.testing.assert_close(fusion(x, forecast), refined(fusion, x, forecast[..., 0]))


def test_own_forecast_is_what_the_share_is_of_and_looks_at_no_backbone(history):
    config = STLoRAConfig(width=6)
    own, share = OwnForecast(config, NODES, STEPS, HORIZON), know(draw(ShareFusion(config, NODES, STEPS, HORIZON)))
    own.load_state_dict({name: tensor for name, tensor in share.state_dict().items() if name not in ("share", "trust")})
    x, forecast = history(), torch.randn(2, HORIZON, NODES, 1)
    assert torch.equal(own(x, forecast), share.own_forecast(x))
    assert torch.equal(own(x, forecast), own(x, forecast * torch.nan))


@pytest.mark.parametrize("predictors", [1, 3])
def test_a_share_comes_from_a_forecast_that_has_not_seen_the_backbones(history, predictors):
    fusion = know(draw(ShareFusion(STLoRAConfig(predictors=predictors, width=6), NODES, STEPS, HORIZON)))
    x, forecast = history(), torch.randn(2, HORIZON, NODES, 1)
    own = refined(fusion, x, fusion.profile(x).expected, own=True)
    fusion.trust.uniform_()
    share = fusion.share.detach().reshape(1, HORIZON, 1, 1) * fusion.trust.reshape(1, 1, NODES, 1)
    torch.testing.assert_close(fusion.own_forecast(x), own)
    torch.testing.assert_close(fusion(x, forecast), (1 - share) * forecast + share * own)


def test_without_a_profile_the_own_forecast_starts_at_the_newest_value(history):
    fusion = ShareFusion(STLoRAConfig(profile=0, neighbours=0), NODES, STEPS, HORIZON)
    x = history()
    assert torch.equal(fusion.own_forecast(x), x[:, -1:, :, :1].expand(-1, HORIZON, -1, -1))


@pytest.mark.parametrize("predictors", [1, 3])
@pytest.mark.parametrize("fusion", [ResidualFusion, ShareFusion])
def test_a_fresh_one_is_the_identity_to_the_bit(history, fusion, predictors):
    fresh = know(fusion(STLoRAConfig(predictors=predictors), NODES, STEPS, HORIZON))
    forecast = torch.randn(2, HORIZON, NODES, 1)
    assert torch.equal(fresh.train()(history(), forecast), forecast)


@pytest.mark.parametrize("fusion", [ResidualFusion, ShareFusion])
def test_the_forecast_of_a_dead_node_is_the_backbones(history, fusion):
    module = know(draw(fusion(STLoRAConfig(width=6), NODES, STEPS, HORIZON)))
    x, forecast = history(), torch.randn(2, HORIZON, NODES, 1)
    x[..., 3] = 1
    x[0, :, 2, 0] = 4.0  # normal values were never the same at two steps
    mixed = module(x, forecast)
    assert torch.equal(mixed[0, :, 2], forecast[0, :, 2])
    others = torch.ones(2, NODES, dtype=torch.bool)
    others[0, 2] = False
    assert (mixed != forecast).all(dim=1).squeeze(-1)[others].all()
    x[0, 1, 2, 3] = 0  # a filled value says nothing of the node
    assert (module(x, forecast)[0, :, 2] != forecast[0, :, 2]).all()


@pytest.mark.parametrize("predictors", [1, 3])
def test_gate_is_the_published_formula(history, predictors):
    config = STLoRAConfig.paper(predictors=predictors, width=6, rank=2, layers=1)
    fusion = draw(GatedFusion(config, NODES, STEPS, HORIZON, in_channels=3))
    x, forecast = history(), torch.randn(2, HORIZON, NODES, 1)
    past = torch.stack([x[:, :, node, :3].reshape(2, STEPS * 3) for node in range(NODES)], dim=1)  # [B, N, T C]
    y = forecast[..., 0].permute(0, 2, 1)  # [B, N, H]
    z = fusion.predictors[0](F.relu(y))
    chain = [z]
    for predictor in fusion.predictors[1:]:
        z = predictor(F.relu(torch.cat([past, z], dim=-1)))
        chain.append(z)
    mean = sum(chain) / predictors
    ratio = torch.sigmoid(torch.cat([past, mean], dim=-1) @ fusion.gate.weight.T + fusion.gate.bias)
    expected = (ratio * y + (1 - ratio) * mean).permute(0, 2, 1)[..., None]
    assert len(fusion.predictors) == predictors
    torch.testing.assert_close(fusion(x, forecast), expected)


@pytest.mark.parametrize("predictors", [1, 3])
@pytest.mark.parametrize("fusion", [ShareFusion, ResidualFusion, GatedFusion])
def test_every_parameter_is_trained(history, fusion, predictors):
    torch.manual_seed(0)
    config = STLoRAConfig(predictors=predictors, width=8, dropout=0.0)
    module = fusion(config, NODES, STEPS, HORIZON, *([3] if fusion is GatedFusion else []))
    if fusion is not GatedFusion:
        know(module)
    x, forecast, target = history(16), torch.randn(16, HORIZON, NODES, 1), torch.randn(16, HORIZON, NODES, 1)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        F.mse_loss(module(x, forecast), target).backward()
        optimizer.step()
    silent = [name for name, parameter in module.named_parameters() if not parameter.grad.any()]
    assert silent == []


@pytest.mark.parametrize(
    ("config", "passes"), [(STLoRAConfig(), 3), (STLoRAConfig(passes=2), 2), (STLoRAConfig.paper(), 1)]
)
def test_predictors_go_through_their_layers_as_often_as_the_configuration_says(monkeypatch, config, passes):
    model = STLoRA(create("lstm", num_nodes=3), num_nodes=3, config=config)
    (predictor,) = model.adapter.predictors
    calls, layers = [], [*predictor.layers]
    once = NodeAdaptiveLowRankLayer.map_columns

    def counted(self, *given, **named):
        calls.extend(layer for layer in layers if layer is self)
        return once(self, *given, **named)

    monkeypatch.setattr(NodeAdaptiveLowRankLayer, "map_columns", counted)
    model.eval()(torch.rand(2, 12, 3, 3))
    assert len(calls) == passes * config.layers
