"""Training in bfloat16: the network's products alone; losses, masks, metrics, shares and weights are float32."""

import pytest
import torch
import yaml
from torch import nn

from stlora.adapters import NodeAdaptiveLowRankLayer, STLoRA
from stlora.adapters.typical_day import TypicalDay
from stlora.files import read_json, read_tensors
from stlora.training import Run, evaluate, task
from stlora.training.comparing.trained_on import TrainOnConfig, pace_of
from stlora.training.prepare import open_run

STGCN = {"backbone": "stgcn", "backbone_options": {}, "history": 12}


@pytest.fixture
def seen(monkeypatch):
    """The types of what goes through the loss, through the exact sums, and out of linear layers, in training or not."""
    found = {"loss": set(), "sums": set(), "training": set(), "measuring": set()}
    loss, update = task.masked_mae, task.AbsoluteErrors.update

    def masked_mae(forecast, target):
        value = loss(forecast, target)
        found["loss"] |= {forecast.dtype, target.dtype, value.dtype}
        assert not torch.is_autocast_enabled("cpu")
        return value

    def updated(self, forecast, target):
        found["sums"] |= {forecast.dtype, target.dtype, self.absolute.dtype}
        update(self, forecast, target)

    def watched(forward):
        def watch(self, x, **onto):
            out = forward(self, x, **onto)
            found["training" if torch.is_grad_enabled() else "measuring"].add(out.dtype)
            return out

        return watch

    monkeypatch.setattr(task, "masked_mae", masked_mae)
    monkeypatch.setattr(task.AbsoluteErrors, "update", updated)
    monkeypatch.setattr(nn.Linear, "forward", watched(nn.Linear.forward))
    monkeypatch.setattr(NodeAdaptiveLowRankLayer, "map_columns", watched(NodeAdaptiveLowRankLayer.map_columns))
    return found


def check_types(found):
    """Products while training are bfloat16; nothing else is."""
    assert found["training"] == {torch.bfloat16}
    assert found["measuring"] == {torch.float32}
    assert found["loss"] == {torch.float32}
    assert found["sums"] == {torch.float32, torch.float64}


def check_float32(run):
    for path in run.folder.glob("*/*.safetensors"):
        assert not any(t.dtype in (torch.bfloat16, torch.float16) for t in read_tensors(path).values())


@pytest.mark.parametrize("backbone", [{}, STGCN], ids=["lstm", "stgcn"])
def test_backbone_trains_in_bfloat16_close_to_float32(tiny, tmp_path, seen, backbone):
    exact = tiny.fit(tmp_path / "exact", **backbone)
    for types in seen.values():
        types.clear()
    low = tiny.fit(tmp_path / "low", precision="bf16", **backbone)
    if "backbone" not in backbone:  # STGCN has convolutions
        check_types(seen)
    assert seen["loss"] == {torch.float32}
    check_float32(low)
    assert tiny.weights(low) != tiny.weights(exact)
    assert low.metrics["average"]["mae"] == pytest.approx(exact.metrics["average"]["mae"], rel=0.02)
    assert evaluate(low, series=tiny.series, device="cpu")["average"] == low.metrics["average"]


def test_adapter_trains_in_bfloat16_close_to_float32(tiny, fitted, adapted, tmp_path, seen):
    low = tiny.adapt(fitted, tmp_path / "low", precision="bf16")
    check_types(seen)
    check_float32(low)
    assert tiny.weights(low) != tiny.weights(adapted)
    assert low.metrics["average"]["mae"] == pytest.approx(adapted.metrics["average"]["mae"], rel=0.02)


def test_shares_are_settled_and_validation_is_measured_in_float32(tiny, fitted, tmp_path):
    low = tiny.adapt(fitted, tmp_path / "low", precision="bf16")
    again = evaluate(low, "val", series=tiny.series, device="cpu")["pooled"]["mae"]
    assert low.metrics["val_mae"] == pytest.approx(again, rel=1e-6)
    alone = tiny.fit(tmp_path / "alone", precision="bf16")
    again = evaluate(alone, "val", series=tiny.series, device="cpu")["pooled"]["mae"]
    assert alone.metrics["val_mae"] == pytest.approx(again, rel=1e-6)


@pytest.mark.parametrize("adapter", ["residual", "paper", "node_head", "clora"])
def test_other_adapters_train_in_bfloat16(tiny, fitted, tmp_path, adapter):
    low = tiny.adapt(fitted, tmp_path / "low", adapter=adapter, precision="bf16", epochs=1)
    exact = tiny.adapt(fitted, tmp_path / "exact", adapter=adapter, epochs=1)
    assert tiny.weights(low) != tiny.weights(exact)
    assert low.metrics["average"]["mae"] == pytest.approx(exact.metrics["average"]["mae"], rel=0.02)


def test_what_is_measured_of_a_node_is_not_rounded():
    day = TypicalDay(num_nodes=2, harmonics=2)
    nn.init.normal_(day.coefficients, generator=torch.Generator().manual_seed(0))
    clock = torch.stack([torch.arange(48) / 48, torch.arange(48) // 24 * 5 / 7], dim=1)
    wanted = day(clock)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(day(clock), wanted)
        assert torch.is_autocast_enabled("cpu")


def test_profile_of_an_adapter_is_the_same_under_autocast(tiny, fitted, adapted):
    model, windows = adapted.load(), open_run(fitted.record(), tiny.series).windows
    assert isinstance(model, STLoRA)
    x = windows.inputs(torch.arange(50))
    wanted = model.adapter.context(x)
    with torch.autocast("cpu", torch.bfloat16):
        found = model.adapter.context(x)
    for name in ("departure", "usual", "spread", "expected"):
        assert torch.equal(getattr(found, name), getattr(wanted, name)), name


def test_what_trains_on_is_as_the_run_was_and_its_pace_too(tiny, tmp_path, seen):
    run = tiny.fit(tmp_path / "run", precision="bf16", epochs=1)
    for types in seen.values():
        types.clear()
    options = TrainOnConfig.of(run, str(tmp_path / "on"), 1, None, "cpu")
    assert (options.precision, options.compile) == ("bf16", False)
    assert pace_of(options, tiny.series) > 0
    check_types(seen)


def test_options_are_kept_with_the_run(tiny, tmp_path):
    run = tiny.fit(tmp_path / "run", precision="bf16", epochs=1)
    stored = yaml.safe_load((run.folder / "config.yaml").read_text())
    assert (stored["precision"], stored["compile"]) == ("bf16", False)
    fit = read_json(run.folder / "backbone" / "config.json")["fit"]
    assert (fit["precision"], fit["compile"]) == ("bf16", False)
    assert Run(run.folder).record().fit == fit
