"""Fitting a backbone: what it writes, what it reports, what it refuses."""

import csv
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import nn

from stlora import InputError, STLoRA, backbones
from stlora.data import SensorSeries
from stlora.data.scaling import Scaler
from stlora.files import read_json, write_json
from stlora.training import FitConfig, Run, evaluate, fit

METRICS = {
    *("format_version", "dataset", "split", "backbone", "adapter", "seed", "mode", "parameters", "horizons"),
    *("average", "pooled", "nodes", "seconds", "epochs", "device"),
}


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_run_folder_holds_the_promised_files(fitted):
    backbone = {"backbone/config.json", "backbone/model.safetensors"}
    found = {name for name in files(fitted.folder) if not name.startswith("kept/")}  # a test before may have adapted it
    assert found == {"config.yaml", "errors.safetensors", "metrics.json", "log.csv", *backbone}


def test_metrics_have_the_promised_form(fitted, tiny):
    metrics = json.loads((fitted.folder / "metrics.json").read_text())
    assert set(metrics) >= METRICS
    expected = {"format_version": 1, "split": "test", "backbone": "lstm", "adapter": "none", "seed": 0, "mode": "fit"}
    assert {name: metrics[name] for name in expected} == expected
    assert set(metrics["horizons"]) == {"1", "2", "3"}
    for error in (*metrics["horizons"].values(), metrics["average"], metrics["pooled"]):
        assert set(error) == {"mae", "rmse", "mape"}
        assert 0 < error["mae"] <= error["rmse"]
    assert list(metrics["nodes"]) == list(tiny.series.node_ids)
    assert all(set(error) == {"mae", "rmse"} for error in metrics["nodes"].values())
    assert set(metrics["seconds"]) == {"fit", "adapt", "evaluate", "per_window"}
    assert metrics["seconds"]["fit"] > 0
    assert metrics["epochs"] == 3
    assert metrics["device"] == "cpu"
    module = fitted.load_backbone()
    assert metrics["parameters"] == {"backbone": sum(p.numel() for p in module.parameters()), "adapter": 0}
    mean = np.mean([metrics["horizons"][step]["mae"] for step in "123"])
    assert metrics["average"]["mae"] == pytest.approx(mean, rel=1e-12)


def test_log_has_a_row_for_each_epoch_and_the_best_is_kept(fitted):
    rows = list(csv.DictReader((fitted.folder / "log.csv").open()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert min(float(row["val_mae"]) for row in rows) == pytest.approx(fitted.metrics["val_mae"], abs=1e-5)
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)


def test_weights_are_those_of_the_best_epoch_not_the_last(tiny, tmp_path):
    run = tiny.fit(tmp_path / "run", learning_rate=0.3, schedule="none", epochs=8, patience=0)
    values = [float(row["val_mae"]) for row in csv.DictReader((run.folder / "log.csv").open())]
    assert min(values) < values[-1] - 0.5, "this run does not get worse; the test shows nothing"
    assert evaluate(run, "val", series=tiny.series)["pooled"]["mae"] == pytest.approx(min(values), rel=1e-5)


def test_configuration_repeats_the_run(tiny, fitted, tmp_path):
    stored = yaml.safe_load((fitted.folder / "config.yaml").read_text())
    assert stored["data_fingerprint"] == tiny.series.fingerprint()
    again = tiny.fit(tmp_path / "run", **{k: v for k, v in stored.items() if k not in ("out", *tiny.options())})
    assert tiny.results(again) == tiny.results(fitted)
    assert tiny.weights(again) == tiny.weights(fitted)


def test_other_seed_gives_another_run(tiny, fitted, tmp_path):
    other = tiny.fit(tmp_path / "run", seed=1)
    assert other.metrics["average"] != fitted.metrics["average"]
    assert other.metrics["seed"] == 1


def test_state_of_the_callers_random_numbers_does_not_matter(tiny, fitted, tmp_path):
    torch.manual_seed(99)
    torch.rand(7)
    assert tiny.results(tiny.fit(tmp_path / "run")) == tiny.results(fitted)


def test_scaler_knows_the_training_period_alone(tiny, fitted):
    windows = tiny.series.num_steps - 4 - 3 + 1
    train = tiny.series.values[: round(0.7 * windows) + 4 - 1]
    assert fitted.record().scaler == Scaler.fit(train)
    assert fitted.record().scaler != Scaler.fit(tiny.series.values)


def test_patience_stops_early(tiny, tmp_path):
    run = tiny.fit(tmp_path / "run", learning_rate=0.3, schedule="none", epochs=40, patience=2)
    values = [float(row["val_mae"]) for row in csv.DictReader((run.folder / "log.csv").open())]
    assert 2 < len(values) < 40
    assert run.metrics["epochs"] == len(values)
    assert int(np.argmin(values)) == len(values) - 3


@pytest.mark.parametrize("adapter", ["stlora", "paper", "shared"])
def test_joint_training_saves_both_parts(tiny, tmp_path, adapter):
    run = tiny.fit(tmp_path / "run", adapter=adapter, adapter_options={"width": 6}, epochs=1)
    assert {f"adapter/{name}" for name in ("adapter_config.json", "adapter_model.safetensors", "README.md")} < files(
        run.folder
    )
    metrics = run.metrics
    assert (metrics["mode"], metrics["adapter"]) == ("joint", adapter)
    model = run.load()
    assert isinstance(model, STLoRA)
    report = model.parameter_report()
    assert metrics["parameters"] == {"backbone": report.backbone, "adapter": report.adapter}
    assert report.adapter > 0
    torch.manual_seed(0)
    untrained = backbones.create("lstm", 6, None, 4, 3, **tiny.options()["backbone_options"]).state_dict()
    assert not any(torch.equal(tensor, untrained[name]) for name, tensor in model.backbone.state_dict().items())
    assert model.adapter.predictors[0].head.lora_B.abs().sum() > 0


def test_adapter_file_keeps_the_order_of_the_sensors(tiny, adapted):
    extra = json.loads((adapted.folder / "adapter" / "adapter_config.json").read_text())["extra"]
    assert extra["node_ids"] == list(tiny.series.node_ids)
    assert extra["unit"] == tiny.series.unit
    assert (extra["scaler_mean"], extra["scaler_std"]) == tuple(vars(adapted.record().scaler).values())


def test_module_of_ones_own_is_trained_and_saved(tiny, tmp_path):
    before = {name: tensor.clone() for name, tensor in tiny.own().state_dict().items()}
    run = tiny.fit(tmp_path / "run", module=tiny.own())
    assert run.metrics["backbone"] == "custom"
    with pytest.raises(InputError, match=r"code outside this library.*module="):
        run.load()
    loaded = run.load(module=tiny.own(seed=7))
    assert not any(torch.equal(tensor, before[name]) for name, tensor in loaded.state_dict().items())
    assert not loaded.training


def test_backbone_option_may_be_a_size_of_the_window(tiny, tmp_path):
    run = tiny.fit(tmp_path / "run", backbone_options={"hidden_size": 4, "output_size": 4, "in_channels": 1}, epochs=1)
    assert run.load().in_channels == 1


def test_calendar_tables_follow_the_interval_of_the_data(tiny, tmp_path):
    run = tiny.fit(tmp_path / "run", backbone="stid", backbone_options={}, epochs=1, train_fraction=0.1)
    assert run.record().options == {"steps_per_day": 48}
    assert isinstance(run.load(), nn.Module)


def test_data_is_read_from_its_file(tiny, tmp_path):
    path = tmp_path / "counts.csv"
    table = pd.DataFrame(tiny.series.values, index=tiny.series.time, columns=list(tiny.series.node_ids))
    table.to_csv(path, index_label="time")
    options = tiny.options(data=str(path), end="2024-01-04", epochs=1, out=str(tmp_path / "run"))
    run = fit(FitConfig(**options))
    assert run.metrics["dataset"] == "counts"
    assert evaluate(run)["average"] == run.metrics["average"]
    path.rename(tmp_path / "moved.csv")
    assert evaluate(run, data=str(tmp_path / "moved.csv"))["average"] == run.metrics["average"]
    text = (tmp_path / "moved.csv").read_text()
    (tmp_path / "moved.csv").write_text(re.sub(r"\d\.\d*$", "9.5", text, count=1, flags=re.MULTILINE))
    with pytest.raises(InputError, match="has changed: its fingerprint"):
        evaluate(run, data=str(tmp_path / "moved.csv"))


class Answers(nn.Module):
    history, horizon = 4, 3

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return self.scale.expand(self.shape)


@pytest.mark.parametrize("shape", [(1, 6, 3, 1), (1, 3, 6), (1, 3, 6, 2)])
def test_module_of_another_output_shape_is_refused_before_training(tiny, tmp_path, shape):
    with pytest.raises(InputError, match=r"expected \[1, 3, 6, 1\]"):
        tiny.fit(tmp_path / "run", module=Answers(shape))
    assert not (tmp_path / "run").exists()


def test_module_that_fails_is_refused_with_its_reason(tiny, tmp_path):
    with pytest.raises(InputError, match=r"fails on a history of shape \[1, 4, 6, 3\].*mat1 and mat2"):
        tiny.fit(tmp_path / "run", module=nn.Linear(7, 3))
    assert not (tmp_path / "run").exists()


def test_module_with_nothing_to_train_is_refused(tiny, tmp_path):
    module = tiny.own().requires_grad_(False)
    with pytest.raises(InputError, match="nothing to train"):
        tiny.fit(tmp_path / "run", module=module)


def test_backbone_that_needs_a_graph_says_so(tiny, tmp_path):
    with pytest.raises(InputError, match=r"dcrnn needs a graph.*--graph"):
        tiny.fit(tmp_path / "run", series=tiny.without_graph(), backbone="dcrnn", backbone_options={})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("part", "rows"), [("train", (0, 172)), ("val", (167, 197)), ("test", (191, 240))])
def test_part_without_observation_is_refused(tiny, tmp_path, part, rows):
    values = tiny.series.values.copy()
    values[slice(*rows)] = np.nan
    series = SensorSeries(values, tiny.series.time, tiny.series.node_ids)
    with pytest.raises(InputError, match=f"the {part} part .* holds no observed value"):
        tiny.fit(tmp_path / "run", series=series)


def test_series_that_is_too_short_is_refused(tiny, tmp_path):
    series = tiny.series.select(end=tiny.series.time[7])
    with pytest.raises(InputError, match="too few to split"):
        tiny.fit(tmp_path / "run", series=series)


def test_learning_rate_that_explodes_is_explained(tiny, tmp_path):
    with pytest.raises(InputError, match=r"finite validation MAE at learning rate 1e\+30; lower --learning_rate"):
        tiny.fit(tmp_path / "run", learning_rate=1e30)
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_data_of_another_fingerprint_is_refused(tiny, tmp_path):
    with pytest.raises(InputError, match="has changed"):
        tiny.fit(tmp_path / "run", data_fingerprint="0" * 64)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"backbone": "lstn"}, "no backbone is called 'lstn'"),
        (
            {"backbone_options": {"hidden": 3}},
            "lstm has no option 'hidden'; it has in_channels, input_size",
        ),
        ({"adapter": "lora"}, "no adapter is called 'lora'"),
        ({"adapter": "stlora", "adapter_options": {"ranks": 3}}, "no option 'ranks'"),
        ({"split": (0.5, 0.5, 0.5)}, "three shares"),
        ({"history": 0}, "at least 1 of each"),
    ],
)
def test_unusable_option_is_refused_before_anything_is_written(tiny, tmp_path, changes, reason):
    with pytest.raises(InputError, match=reason):
        tiny.fit(tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["history", "horizon", "num_nodes", "adjacency"])
def test_what_follows_from_the_data_is_no_option_of_a_backbone(tiny, tmp_path, option):
    with pytest.raises(InputError, match=f"backbone_options has '{option}', which follows from the data"):
        tiny.fit(tmp_path / "run", backbone_options={option: 2})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", ["", "3", "- a", "a: ["])
def test_damaged_options_of_an_unfinished_run_are_one_line(tiny, tmp_path, content):
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(InputError, match=r"config.yaml (holds|cannot be read as YAML).*restore the file or delete"):
        tiny.fit(tmp_path)
    assert (tmp_path / "config.yaml").read_text() == content


def test_a_finished_run_is_refused_before_anything_is_measured(tiny, fitted, adapted, monkeypatch):
    monkeypatch.setattr("stlora.training.fitting.prepare", None)
    monkeypatch.setattr("stlora.training.adaptation.open_run", None)
    with pytest.raises(InputError, match="holds a finished run"):
        tiny.fit(fitted.folder)
    with pytest.raises(InputError, match="holds a finished run"):
        tiny.adapt(fitted, adapted.folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": None}, r"damaged \(name is None"),
        ({"fit": None}, r"damaged \(fit is None"),
        ({"node_ids": "abc"}, r"damaged \(node_ids is 'abc'"),
    ],
)
def test_a_record_edited_by_hand_is_one_line(fitted, tmp_path, change, told):
    folder = shutil.copytree(fitted.folder, tmp_path / "run")
    record = folder / "backbone" / "config.json"
    write_json(record, read_json(record) | change)
    with pytest.raises(InputError, match=told):
        evaluate(Run(folder), device="cpu")
