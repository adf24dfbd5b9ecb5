"""What is saved of a backbone that was compiled or made parallel fits the plain one, and the other way round."""

import pytest
import torch
from torch import nn

from stlora import STLoRA, backbones, rivals
from stlora.adapters.files import fingerprint
from stlora.data import simulate
from stlora.tensors import put, unwrapped, weights_of
from stlora.training import FitConfig, fit, predict

WRAPPERS = {
    "plain": lambda module: module,
    "compiled": lambda module: torch.compile(module, backend="eager"),
    "parallel": nn.DataParallel,
    "both": lambda module: nn.DataParallel(torch.compile(module, backend="eager")),
}


@pytest.mark.parametrize("saved", WRAPPERS)
@pytest.mark.parametrize("loaded", WRAPPERS)
@pytest.mark.parametrize("rival", [False, True])
def test_adapters_go_from_one_to_the_other(tmp_path, saved, loaded, rival):
    backbone = backbones.create("lstm", num_nodes=3, horizon=5)
    make = (lambda module: rivals.create("node_head", module, 3)) if rival else (lambda module: STLoRA(module, 3))
    model = make(WRAPPERS[saved](backbone)).eval()
    assert model.horizon == 5
    with torch.no_grad():
        for parameter in model.adapter.parameters():
            parameter.add_(torch.randn_like(parameter))
    model.save_pretrained(tmp_path / "adapter")
    load = rivals.load if rival else STLoRA.from_pretrained
    again = load(WRAPPERS[loaded](backbone), tmp_path / "adapter").eval()
    x = torch.rand(2, 12, 3, 4)
    torch.testing.assert_close(again(x), model(x), rtol=0, atol=0)


def test_names_are_those_of_the_plain_module():
    plain = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    part = nn.Sequential(torch.compile(plain[0], backend="eager"), plain[1])
    for module in (part, *(wrap(plain) for wrap in WRAPPERS.values())):
        assert list(weights_of(module)) == list(plain.state_dict())
        assert fingerprint(module) == fingerprint(plain)
    assert unwrapped(WRAPPERS["both"](plain)) is plain


@pytest.mark.parametrize("saved", WRAPPERS)
def test_weights_of_any_state_dict_are_taken(saved):
    module, other = nn.Linear(2, 1), nn.Linear(2, 1)
    for target in (other, WRAPPERS["compiled"](other), WRAPPERS["parallel"](other)):
        with torch.no_grad():
            other.weight.zero_()
        put(target, WRAPPERS[saved](module).state_dict(), "the weights", "fit again")
        assert torch.equal(other.weight, module.weight)


class Net(nn.Module):
    """A linear forecast of each sensor by itself."""

    history, horizon = 4, 3

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        return self.linear(x[..., 0].transpose(1, 2)).transpose(1, 2)[..., None]


def test_run_of_a_compiled_module_is_used_with_the_plain_one(tmp_path):
    series = simulate(num_nodes=6, days=4).series
    out = str(tmp_path / "run")
    config = FitConfig(data="x", backbone="custom", history=4, horizon=3, epochs=1, out=out)
    run = fit(config, series, module=WRAPPERS["compiled"](Net()))
    table = predict(run, series, module=Net()).table
    assert table["forecast"].notna().all()
    assert table.equals(predict(run, series, module=WRAPPERS["compiled"](Net())).table)
