"""Adapting a trained backbone: what stays, what is written, what is refused."""

import dataclasses
import errno
import io
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from stlora import InputError
from stlora.adapters.files import fingerprint
from stlora.data.windows import Windows
from stlora.training import AdaptConfig, Run, adapt
from stlora.training.config import TrainingOptions
from stlora.training.forecasts import forecasts
from stlora.training.kept import keep_forecasts
from stlora.training.prepare import open_run
from stlora.training.shares import settle_shares
from stlora.training.task import AdaptTask


def test_backbone_of_the_new_run_is_that_of_the_old_to_the_bit(fitted, adapted):
    name = "backbone/model.safetensors"
    before, after = load_file(fitted.folder / name), load_file(adapted.folder / name)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert adapted.record() == fitted.record()


def test_run_folder_and_metrics_have_the_promised_form(fitted, adapted):
    found = {str(path.relative_to(adapted.folder)) for path in adapted.folder.rglob("*") if path.is_file()}
    assert {name for name in found if not name.startswith("kept/")} == {  # a test before may have adapted it again
        *("config.yaml", "errors.safetensors", "metrics.json", "log.csv"),
        *("backbone/config.json", "backbone/model.safetensors"),
        *("adapter/adapter_config.json", "adapter/adapter_model.safetensors", "adapter/README.md"),
    }
    metrics = adapted.metrics
    assert set(metrics) == set(fitted.metrics)
    expected = {"backbone": "lstm", "adapter": "stlora", "mode": "frozen", "split": "test", "epochs": 3}
    assert {name: metrics[name] for name in expected} == expected
    assert metrics["parameters"]["backbone"] == fitted.metrics["parameters"]["backbone"]
    assert metrics["parameters"]["adapter"] == adapted.load().parameter_report().adapter
    assert metrics["seconds"]["fit"] == fitted.metrics["seconds"]["fit"]
    assert metrics["seconds"]["adapt"] > 0
    assert 0 < metrics["seconds"]["per_window"] < metrics["seconds"]["evaluate"]
    resident = metrics["memory"]["resident_mb"]  # None if this process held more before
    assert resident is None or resident > 50
    assert metrics["memory"]["gpu_mb"] is None


def test_adapter_lowers_the_error_on_a_network_of_unlike_sensors(fitted, adapted):
    assert adapted.metrics["average"]["mae"] < 0.9 * fitted.metrics["average"]["mae"]


def test_source_run_is_left_alone_but_for_the_kept_forecasts(tiny, fitted, tmp_path):
    before = {path: path.read_bytes() for path in fitted.folder.rglob("*") if path.is_file()}
    tiny.adapt(fitted, tmp_path / "run", epochs=1)
    after = {path: path.read_bytes() for path in fitted.folder.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before
    assert all(path.parent == fitted.folder / "kept" for path in set(after) - set(before))


def test_forecasts_are_kept_once_for_every_adapter_and_seed(tiny, fitted, tmp_path, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(fitted.folder, source, ignore=shutil.ignore_patterns("kept"))
    first = tiny.adapt(Run(source), tmp_path / "first", epochs=1)
    kept = sorted((source / "kept").iterdir())
    assert [path.suffix for path in kept] == [".json", ".npy"]
    monkeypatch.setattr("stlora.training.kept._compute", lambda *_: pytest.fail("the backbone is run again"))
    second = tiny.adapt(Run(source), tmp_path / "second", epochs=1, seed=1, adapter="large")
    assert sorted((source / "kept").iterdir()) == kept
    again = tiny.adapt(Run(source), tmp_path / "again", epochs=1)
    assert tiny.results(again) == tiny.results(first) != tiny.results(second)


@pytest.mark.parametrize(("adapter", "files"), [("stlora", 1), ("residual", 2), ("node_head", 2)])
def test_forecasts_of_training_windows_are_made_for_those_that_need_them(tiny, fitted, tmp_path, adapter, files):
    source = tmp_path / "source"
    shutil.copytree(fitted.folder, source, ignore=shutil.ignore_patterns("kept"))
    tiny.adapt(Run(source), tmp_path / "run", epochs=1, adapter=adapter)
    assert len(list((source / "kept").glob("*.npy"))) == files
    split = open_run(fitted.record(), tiny.series).split
    sizes = [np.load(path, mmap_mode="r").shape[0] for path in (source / "kept").glob("*.npy")]
    assert sorted(sizes) == sorted([len(split.val), len(split.train)][:files])


def test_the_backbone_runs_in_batches_of_the_size_it_was_trained_with(tiny, fitted, tmp_path, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(fitted.folder, source, ignore=shutil.ignore_patterns("kept"))
    sizes = []

    def watched(model, windows, starts, batch_size):
        sizes.append(batch_size)
        return forecasts(model, windows, starts, batch_size)

    monkeypatch.setattr("stlora.training.kept.forecasts", watched)
    tiny.adapt(Run(source), tmp_path / "run", epochs=1, batch_size=128)
    assert sizes == [fitted.record().fit["batch_size"]] == [32]


def test_forecasts_that_find_no_room_end_in_one_line_and_leave_nothing(tiny, fitted, tmp_path, monkeypatch):
    data = open_run(fitted.record(), tiny.series)
    written = []

    class FullDisk(io.FileIO):
        def write(self, part):
            if written:
                raise OSError(errno.ENOSPC, "No space left on device")
            written.append(super().write(part))
            return written[0]

    plain = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r", **more: (FullDisk if mode == "wb" else plain)(path, mode, **more)
    )
    megabytes = 4 * len(data.split.val) * 3 * 6 / 1e6
    with pytest.raises(InputError, match=rf"cannot be kept in .* \(No space left on device\).* {megabytes:.1f} MB"):
        keep_forecasts(fitted.load_backbone(), data, data.split.val, tmp_path / "kept")
    assert written
    assert not any((tmp_path / "kept").iterdir())


def test_forecasts_of_another_backbone_are_not_used(tiny, fitted, tmp_path):
    data = open_run(fitted.record(), tiny.series)
    backbone = fitted.load_backbone()
    first = keep_forecasts(backbone, data, data.split.val, tmp_path)
    with torch.no_grad():
        next(backbone.parameters()).add_(1)
    second = keep_forecasts(backbone, data, data.split.val, tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 2
    assert not torch.equal(first.forecasts, second.forecasts)


def test_forecasts_of_changed_code_are_not_used(tiny, fitted, tmp_path):
    data = open_run(fitted.record(), tiny.series)
    backbone = fitted.load_backbone()
    first = keep_forecasts(backbone, data, data.split.val, tmp_path)
    before = first.forecasts.clone()
    forward = backbone.forward
    backbone.forward = lambda x: forward(x) + 1  # the weights are the same
    second = keep_forecasts(backbone, data, data.split.val, tmp_path)
    torch.testing.assert_close(second.forecasts, before + 1)
    assert len(list(tmp_path.glob("*.npy"))) == 1


def test_a_kept_forecast_that_was_changed_is_made_again(tiny, fitted, tmp_path):
    data = open_run(fitted.record(), tiny.series)
    before = keep_forecasts(fitted.load_backbone(), data, data.split.val, tmp_path).forecasts.clone()
    (path,) = tmp_path.glob("*.npy")
    for value in (math.nan, 7.0):
        array = np.load(path)
        array[-1, -1, -1] = value
        np.save(path, array)
        assert torch.equal(keep_forecasts(fitted.load_backbone(), data, data.split.val, tmp_path).forecasts, before)


@pytest.mark.parametrize("damage", [b"", b"no array", None])
def test_a_damaged_file_of_forecasts_is_made_again(tiny, fitted, tmp_path, damage):
    data = open_run(fitted.record(), tiny.series)
    before = keep_forecasts(fitted.load_backbone(), data, data.split.val, tmp_path).forecasts.clone()
    (path,) = tmp_path.glob("*.npy")
    if damage is None:
        path.write_bytes(path.read_bytes()[:-100])  # cut off
    else:
        path.write_bytes(damage)
    assert torch.equal(keep_forecasts(fitted.load_backbone(), data, data.split.val, tmp_path).forecasts, before)
    path.with_suffix(".json").write_text("{")
    assert torch.equal(keep_forecasts(fitted.load_backbone(), data, data.split.val, tmp_path).forecasts, before)


def test_shares_are_those_with_the_least_validation_error(tiny, fitted, adapted):
    data = open_run(fitted.record(), tiny.series)
    model = adapted.load().eval()
    start = torch.tensor(list(data.split.val))
    with torch.no_grad():
        x, target = data.windows.inputs(start), data.windows.targets(start)
        backbone, own = (data.scaler.inverse(y) for y in (model.backbone_forecast(x), model.adapter.own_forecast(x)))
    assert model.adapter.share.any()
    for step, share in enumerate(model.adapter.share.tolist()):
        error = [float((backbone + g / 20 * (own - backbone) - target)[:, step].abs().nanmean()) for g in range(21)]
        assert error[round(20 * share)] == pytest.approx(min(error), rel=1e-5)
    assert adapted.metrics["val_mae"] <= fitted.metrics["val_mae"]


def test_control_without_backbone_is_the_same_forecast_behind_any(tiny, fitted, adapted, tmp_path):
    """It is what the default mixes in, and it gets no share, no trust and no backbone's forecast of dead nodes."""
    own = tiny.adapt(fitted, tmp_path / "own", adapter="own")
    alone, mixed = own.load().eval(), adapted.load().eval()
    data = open_run(fitted.record(), tiny.series)
    x = data.windows.inputs(torch.tensor(list(data.split.test)[:9]))
    with torch.no_grad():
        torch.testing.assert_close(alone(x), mixed.adapter.own_forecast(x))
        flat = x.clone()
        flat[..., 0] = x[:, :1, :, 0]
        assert mixed.dead(flat).any()
        assert not alone.dead(flat).any()
    assert own.metrics["parameters"]["adapter"] == adapted.metrics["parameters"]["adapter"] - data.windows.horizon


def test_a_node_whose_days_have_changed_is_not_trusted(tiny, fitted, adapted):
    data = open_run(fitted.record(), tiny.series)
    model = adapted.load().eval()
    changed = 3
    with torch.no_grad():
        model.adapter.share.zero_()
        model.adapter.profile.day.coefficients[:, 0, changed] += 5  # five standard deviations above its days
    windows, val = data.windows, data.split.val
    kept = keep_forecasts(model.backbone, data, data.split.val, fitted.folder / "kept").forecasts
    mae = settle_shares(AdaptTask(model, windows, data.split, TrainingOptions(), kept, None))
    trust = model.adapter.trust
    assert trust[changed] == 0
    assert trust.sum() > 0.5 * len(trust)
    start = torch.tensor(list(val))
    x, target = windows.inputs(start), windows.targets(start).double()
    with torch.no_grad():
        error = (data.scaler.inverse(model(x)) - target).abs()
        backbone, own = (data.scaler.inverse(each).double() for each in (kept, model.adapter.own_forecast(x)))
    assert mae == pytest.approx(float(error.nanmean()), rel=1e-5)
    grid, share = torch.linspace(1, 0, 11, dtype=torch.float64), model.adapter.share.detach().view(-1, 1, 1)
    by_trust = torch.stack(
        [(backbone + g * share * (own - backbone) - target).abs().nansum(dim=(0, 1, 3)) for g in grid]
    )
    cost = by_trust + 0.1 * (1 - grid).unsqueeze(1) * by_trust[-1]  # less trust has to save a tenth of the error alone
    torch.testing.assert_close(trust.double(), grid[cost.argmin(dim=0)], rtol=0, atol=1e-6)


def test_shares_are_settled_with_the_backbones_forecast_of_a_dead_node(tiny, fitted, adapted):
    data = open_run(fitted.record(), tiny.series)
    model = adapted.load().eval()
    kept = keep_forecasts(model.backbone, data, data.split.val, fitted.folder / "kept").forecasts
    dead, values = 3, tiny.series.values.copy()
    values[data.split.val[len(data.split.val) // 2] :, dead] = 0
    series = dataclasses.replace(tiny.series, values=values)
    windows = Windows(series, data.scaler, data.windows.history, data.windows.horizon)
    mae = settle_shares(AdaptTask(model, windows, data.split, TrainingOptions(), kept, None))
    start = torch.tensor(list(data.split.val))
    with torch.no_grad():
        x = windows.inputs(start)
        forecast = model.correct(x, kept)
    still = model.adapter.profile.strange(x, model.adapter.profile(x))
    assert still[:, dead].double().mean() > 0.3
    assert not still[:, :dead].any()
    assert torch.equal(forecast[:, :, dead][still[:, dead]], kept[:, :, dead][still[:, dead]])
    error = (data.scaler.inverse(forecast) - windows.targets(start)).abs()
    assert mae == pytest.approx(float(error.nanmean()), rel=1e-5)


def test_same_seed_repeats_and_another_differs(tiny, fitted, adapted, tmp_path):
    again, other = tiny.adapt(fitted, tmp_path / "again"), tiny.adapt(fitted, tmp_path / "other", seed=1)
    assert tiny.results(again) == tiny.results(adapted)
    assert tiny.weights(again) == tiny.weights(adapted)
    assert other.metrics["average"] != adapted.metrics["average"]


def test_joint_mode_trains_the_backbone_on(tiny, fitted, tmp_path):
    run = tiny.adapt(fitted, tmp_path / "run", freeze_backbone=False, epochs=1)
    assert run.metrics["mode"] == "joint"
    before, after = fitted.load_backbone(), run.load().backbone
    assert fingerprint(after) != fingerprint(before)
    assert not any(torch.equal(a, b) for a, b in zip(after.parameters(), before.parameters(), strict=True))
    assert all(parameter.requires_grad for parameter in run.load().parameters())


def test_module_of_ones_own_keeps_its_statistics(tiny, tmp_path):
    source = tiny.fit(tmp_path / "source", module=tiny.own(), epochs=1)
    run = tiny.adapt(source, tmp_path / "run", module=tiny.own(seed=5), epochs=1)
    assert fingerprint(run.load_backbone(tiny.own())) == fingerprint(source.load_backbone(tiny.own(seed=9)))
    with pytest.raises(InputError, match="module="):
        tiny.adapt(source, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_adapted_run_can_be_adapted_again_from_its_backbone(tiny, adapted, tmp_path):
    again = tiny.adapt(adapted, tmp_path / "run")
    assert tiny.results(again) == tiny.results(adapted)


def test_options_of_the_adapter_reach_it(tiny, fitted, tmp_path):
    choices = {"node_factor": "diagonal", "rank": 2, "width": 6, "freeze_backbone": False}
    run = tiny.adapt(fitted, tmp_path / "run", adapter_options=choices, epochs=1)
    config = run.load().config
    assert (config.node_factor, config.rank, config.width) == ("diagonal", 2, 6)
    assert config.freeze_backbone, "the verb's own option decides"


def test_other_data_is_refused(tiny, fitted, tmp_path):
    values = tiny.series.values.copy()
    values[np.isnan(values)] = 0
    series = dataclasses.replace(tiny.series, values=values)
    with pytest.raises(InputError, match="has changed: its fingerprint"):
        adapt(AdaptConfig(run=str(fitted.folder), out=str(tmp_path / "run")), series)
    assert not (tmp_path / "run").exists()


def test_run_itself_is_no_place_for_its_adapter(tiny, fitted):
    with pytest.raises(InputError, match="choose another folder"):
        tiny.adapt(fitted, fitted.folder / ".." / "run")


def test_missing_or_unfinished_run_is_refused(tiny, fitted, tmp_path, interrupt):
    with pytest.raises(InputError, match="there is no config"):
        tiny.adapt(Run(tmp_path / "nowhere"), tmp_path / "run")
    with pytest.raises(interrupt(epoch=1)):
        tiny.fit(tmp_path / "half")
    with pytest.raises(InputError, match="is it a finished run folder"):
        tiny.adapt(Run(tmp_path / "half"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
