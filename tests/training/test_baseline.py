"""Baselines go the way of every backbone: run folder, evaluate, predict, adapt, compare."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from stlora import baselines
from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.files import read_json
from stlora.training import CompareConfig, compare, evaluate, predict
from stlora.training.forecasts import measure
from stlora.training.prepare import open_run

OPTIONS = {"var": {"order": 2, "regularisation": 1.0}, "svr": {"max_rows": 200}}
NAMES = baselines.names()


def _fit(tiny, out, name, **changes):
    if name in OPTIONS:
        pytest.importorskip("sklearn")
    return tiny.fit(out, backbone=name, **{"backbone_options": OPTIONS.get(name, {}), **changes})


@pytest.mark.parametrize("name", NAMES)
def test_writes_a_run_that_evaluates_to_the_same_numbers(tiny, tmp_path, name):
    run = _fit(tiny, tmp_path / "run", name)
    metrics = run.metrics
    assert {key: metrics[key] for key in ("backbone", "adapter", "mode", "epochs", "seed")} == {
        "backbone": name,
        "adapter": "none",
        "mode": "fit",
        "epochs": 0,
        "seed": 0,
    }
    assert np.isfinite(metrics["average"]["mae"])
    assert metrics["parameters"]["backbone"] == sum(p.numel() for p in run.load().parameters())
    again = evaluate(run, series=tiny.series, device="cpu")
    for key in ("horizons", "average", "pooled", "nodes", "parameters"):
        assert again[key] == metrics[key]
    validation = evaluate(run, split="val", series=tiny.series, device="cpu")
    assert metrics["val_mae"] == validation["pooled"]["mae"]
    files = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
    backbone = {"backbone/config.json", "backbone/model.safetensors"}
    assert files == {"config.yaml", "errors.safetensors", "metrics.json", *backbone}


@pytest.mark.parametrize("name", NAMES)
def test_predicts(tiny, tmp_path, name):
    run = _fit(tiny, tmp_path / "run", name)
    table = predict(run, tiny.series, device="cpu").table
    assert len(table) == 3 * tiny.series.num_nodes
    assert np.isfinite(table["forecast"]).all()


def test_predicts_what_is_usual_at_the_time_of_the_forecast(tmp_path, tiny):
    time = pd.date_range("2024-01-01", periods=3 * 7 * 24, freq="1h")
    values = np.stack([time.hour + 24.0 * time.day_of_week, 100.0 - time.hour], axis=1)
    series = SensorSeries(values, time, ("a", "b"))
    run = tiny.fit(tmp_path / "run", series, backbone="ha", backbone_options={})
    table = predict(run, series.select(end="2024-01-10 22:00"), device="cpu").table  # a Wednesday
    assert table["time"].iloc[0] == pd.Timestamp("2024-01-10 23:00")
    expected = [23 + 48, 100 - 23, 0 + 72, 100 - 0, 1 + 72, 100 - 1]
    np.testing.assert_allclose(table["forecast"], expected, rtol=1e-4)


@pytest.mark.parametrize(("name", "adapter"), [("ha", "stlora"), ("naive", "paper")])
def test_an_adapter_learns_on_it(tiny, tmp_path, name, adapter):
    run = _fit(tiny, tmp_path / "run", name)
    adapted = tiny.adapt(run, tmp_path / "adapted", adapter=adapter, epochs=2)
    assert adapted.metrics["mode"] == "frozen"
    assert adapted.metrics["average"] != run.metrics["average"]
    assert adapted.metrics["parameters"]["backbone"] == run.metrics["parameters"]["backbone"]
    assert evaluate(adapted, series=tiny.series, device="cpu")["average"] == adapted.metrics["average"]


def test_sizes_follow_the_data_and_the_draw_follows_the_seed(tiny, tmp_path):
    assert _fit(tiny, tmp_path / "ha", "ha").record().options == {"steps_per_day": 48}
    run = _fit(tiny, tmp_path / "svr", "svr", seed=7)
    assert run.record().options == {"seed": 7, "max_rows": 200}


def test_goes_into_the_table_beside_a_backbone(tiny, tmp_path):
    shared = {key: value for key, value in tiny.options(epochs=1).items() if not key.startswith("backbone")}
    config = CompareConfig(
        out=str(tmp_path), backbones="ha,naive,lstm", adapters="none,stlora", seeds="0,1", adapt_epochs=1, **shared
    )
    comparison = compare(config, tiny.series)
    assert comparison.failed == {}
    runs = read_json(tmp_path / "results.json")["runs"]
    assert [(run["backbone"], run["adapter"]) for run in runs if run["seed"] == 0] == [
        *(("lstm", "none"), ("lstm", "stlora"), ("ha", "none"), ("naive", "none"))
    ]
    alone = [run["average"] for run in runs if run["backbone"] == "ha"]
    assert alone[0] == alone[1]


def test_measures_what_the_stored_module_forecasts(tiny, tmp_path):
    run = _fit(tiny, tmp_path / "run", "naive")
    data = open_run(run.record(), tiny.series)
    expected = measure(run.load(), data.windows, data.split.test)
    assert run.metrics["average"] == expected["average"]
    last = data.windows.scaler.inverse(data.windows.inputs(torch.tensor([data.split.test.start]))[0, -1, :, 0])
    got = data.windows.scaler.inverse(run.load()(data.windows.inputs(torch.tensor([data.split.test.start]))))
    torch.testing.assert_close(got[0, :, :, 0], last.expand(3, -1))


def test_a_refused_fit_leaves_no_folder(tiny, tmp_path):
    with pytest.raises(InputError, match="naive has no option 'history'; it has none"):
        tiny.fit(tmp_path / "a", backbone="naive", backbone_options={"history": 3})
    with pytest.raises(InputError, match="ha is calculated, so no adapter is trained jointly with it"):
        tiny.fit(tmp_path / "b", backbone="ha", backbone_options={}, adapter="stlora")
    with pytest.raises(InputError, match="ha is calculated and takes no weights"):
        tiny.fit(tmp_path / "d", backbone="ha", backbone_options={}, backbone_weights="a.pt")
    few = tiny.series.select(end=tiny.series.time[89])
    with pytest.raises(InputError, match="6 sensors has 144 coefficients, 25 in an equation"):
        tiny.fit(tmp_path / "c", few, backbone="var", backbone_options={"order": 4})
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_gets_both_lists(tiny, tmp_path):
    with pytest.raises(InputError, match=r"no backbone is called 'arima'; choose one of lstm, .*, or a baseline: ha, "):
        tiny.fit(tmp_path / "run", backbone="arima", backbone_options={})


def test_other_numbers_than_the_sizes_are_refused(tiny, tmp_path):
    run = _fit(tiny, tmp_path / "run", "ha")
    config = run.folder / "backbone" / "config.json"
    config.write_text(config.read_text().replace('"steps_per_day": 48', '"steps_per_day": 24'))
    with pytest.raises(InputError, match=r"weights of ha .* do not fit"):
        run.load()
