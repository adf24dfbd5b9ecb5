"""A run as one file: written whole, told what it takes, and refused in one line where it cannot be."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from stlora import InputError
from stlora.cli import main
from stlora.data import SensorSeries
from stlora.data.filling import Filling
from stlora.data.reading import mask_zeros
from stlora.serving import ServedNetwork, export, exporting
from stlora.serving.formats import read, read_facts
from stlora.training import FitConfig, fit, predict

SIZES = {"history": 4, "horizon": 3, "epochs": 1, "train_fraction": 0.1, "device": "cpu"}
LSTM = {"input_size": 4, "hidden_size": 6, "output_size": 8, "num_layers": 1}


class Own(nn.Module):
    """A backbone that the registry does not know, which torch cannot follow if ``wild``."""

    def __init__(self, wild=False):
        super().__init__()
        self.map = nn.Linear(4, 3)
        self.wild = wild

    def forward(self, x):
        forecast = self.map(x[..., 0].transpose(1, 2)).transpose(1, 2).unsqueeze(-1)
        return forecast * 2 if self.wild and float(forecast.detach().sum()) > 0 else forecast


@pytest.fixture(scope="module")
def run(series, tmp_path_factory):
    """A finished LSTM."""
    out = tmp_path_factory.mktemp("run") / "lstm"
    return fit(FitConfig(data="simulated", backbone="lstm", backbone_options=LSTM, out=str(out), **SIZES), series)


@pytest.fixture(scope="module")
def own_run(series, tmp_path_factory):
    """A finished module of the user's own."""
    out = tmp_path_factory.mktemp("run") / "own"
    return fit(FitConfig(data="simulated", backbone="custom", out=str(out), **SIZES), series, Own())


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    return export(run, tmp_path_factory.mktemp("files") / "model.pt2")


def test_zeros_are_missing_in_the_file_where_they_are_in_the_run(series, tmp_path):
    values = series.values.copy()
    values[::7, 1] = 0.0
    values[-1, 1] = 0.0
    zeros = SensorSeries(values, series.time, series.node_ids)
    masked = mask_zeros(zeros)
    run = fit(FitConfig(data="x", backbone="lstm", backbone_options=LSTM, out=str(tmp_path / "run"), **SIZES), masked)
    written = export(run, tmp_path / "model.pt2")
    time = series.time[-4:].as_unit("ns").asi8[None] // 10**9
    answer = read(written.path)(torch.from_numpy(values[None, -4:]), torch.from_numpy(time))
    expected = predict(run, zeros).table["forecast"].to_numpy().reshape(3, -1)
    np.testing.assert_allclose(answer[0].numpy(), expected, rtol=1e-4)
    assert written.facts["zero_is_missing"] is True


def test_file_forecasts_what_the_run_does(run, series, exported):
    answer = read(exported.path)
    for end in (30, 60):
        values = np.nan_to_num(series.values[end - 4 : end], nan=100.0)
        values[[1, 2, 0, 3], [0, 0, 4, 4]] = np.nan
        recent = SensorSeries(values, series.time[end - 4 : end], series.node_ids)
        wanted = predict(run, recent, device="cpu").table["forecast"].to_numpy().reshape(3, 6)
        seconds = recent.time.to_numpy().astype("datetime64[s]").astype("int64")
        found = answer(torch.from_numpy(values)[None], torch.from_numpy(seconds)[None])
        np.testing.assert_allclose(found[0], wanted, rtol=1e-5)


def test_file_says_what_it_takes_and_gives(run, exported):
    facts = json.loads(read_facts(exported.path))
    assert facts == exported.facts
    record = run.record()
    assert facts["node_ids"] == record.node_ids
    assert facts["scaler"] == {"mean": record.scaler.mean, "std": record.scaler.std}
    assert (facts["backbone"], facts["adapter"], facts["interval_seconds"]) == ("lstm", "none", 1800.0)
    assert facts["inputs"]["values"].startswith("[batch, 4, 6] float32")
    assert facts["outputs"]["forecast"].startswith("[batch, 3, 6] float32")


def test_made_up_windows_have_gaps_and_steps_of_the_interval(run):
    values, time = exporting.windows(run.record(), 50)
    assert 0.05 < values.isnan().float().mean() < 0.15
    assert (time.diff(dim=1) == 1800).all()
    assert abs(float(values.nanmean()) - run.record().scaler.mean) < run.record().scaler.std / 5


def test_wall_clock_is_read_as_pandas_does(scaler):
    seen = {}

    class Spy(nn.Module):
        in_channels = 4

        def forward(self, x):
            seen["x"] = x
            return x[..., :1]

    time = pd.DatetimeIndex(["1969-12-31 23:45", "1970-01-01", "2024-02-29 13:05:30", "2026-11-22 23:59"])
    seconds = torch.from_numpy(time.to_numpy().astype("datetime64[s]").astype("int64"))
    ServedNetwork(Spy(), scaler, Filling())(torch.ones(1, 4, 6), seconds[None])
    expected = [(t.hour * 3600 + t.minute * 60 + t.second) / 86400 for t in time]
    np.testing.assert_allclose(seen["x"][0, :, 2, 1], expected, rtol=1e-6)
    np.testing.assert_allclose(seen["x"][0, :, 2, 2] * 7, time.day_of_week, rtol=1e-6)


def test_module_of_ones_own_is_exported_when_it_is_given(own_run, tmp_path):
    with pytest.raises(InputError, match="code outside this library"):
        export(own_run, tmp_path / "model.pt2")
    exported = export(own_run, tmp_path / "model.pt2", Own())
    assert exported.difference <= 1e-4 * own_run.record().scaler.std


@pytest.mark.parametrize("suffix", ["pt2", "onnx"])
def test_module_that_cannot_be_followed_is_refused(own_run, tmp_path, suffix):
    if suffix == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match=rf"custom cannot be exported as \.{suffix} \(\w+: .+\); try"):
        export(own_run, tmp_path / f"model.{suffix}", Own(wild=True))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [1.0, float("nan")])
def test_file_that_answers_otherwise_is_not_put_in_place(run, tmp_path, monkeypatch, wrong):
    monkeypatch.setattr(exporting, "write", lambda served, example, facts, path: None)
    network = ServedNetwork(run.load(), run.record().scaler, run.filling())

    def answer(values, time):
        return network(values, time) + (wrong if len(values) == 3 else 0)

    monkeypatch.setattr(exporting, "read", lambda path: torch.no_grad()(answer))
    (tmp_path / "model.pt2").write_text("before")
    with pytest.raises(InputError, match="would answer otherwise than lstm itself, by up to"):
        export(run, tmp_path / "model.pt2")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("model.pt2", "before")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("model.bin", "ends in .bin; name a .pt2 or .onnx file"),
        ("model", "ends in nothing"),
        ("nowhere/model.pt2", "does not exist"),
    ],
)
def test_unusable_output_is_one_line(run, tmp_path, capsys, name, reason):
    assert main(["export", str(run.folder), "--output", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("stlora: error: ")
    assert error.count("\n") == 1
    assert reason in error


def test_missing_extra_is_one_line(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("stlora.paths.find_spec", lambda name: None)
    assert main(["export", str(run.folder), "--output", str(tmp_path / "model.onnx")]) == 2
    error = capsys.readouterr().err
    assert 'writing .onnx needs onnx, onnxscript, onnxruntime; pip install "stlora[onnx]"' in error
    assert error.count("\n") == 1


def test_folder_without_a_run_is_one_line(tmp_path, capsys):
    assert main(["export", str(tmp_path), "--output", str(tmp_path / "model.pt2")]) == 2
    assert "is it a finished run folder?" in capsys.readouterr().err


def test_command_says_shapes_and_difference(run, tmp_path, capsys):
    assert main(["export", str(run.folder), "--output", str(tmp_path / "model.pt2")]) == 0
    said = capsys.readouterr().out
    assert "values: [batch, 4, 6] float32" in said
    assert "its forecasts differ from the run's own by up to" in said
    assert [each.name for each in tmp_path.iterdir()] == ["model.pt2"]
