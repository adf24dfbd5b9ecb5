"""Data, runs and configurations as a person gives them in Python."""

import numpy as np
import pandas as pd
import pytest

import stlora
import stlora.serving
import stlora.studies
from stlora import InputError, backbones
from stlora.data import SensorSeries
from stlora.training import AdaptConfig, CompareConfig, FitConfig, Run, adapt, compare, evaluate, fit, predict

SMALL = {"epochs": 1, "train_fraction": 0.1, "history": 4, "horizon": 3}


@pytest.fixture(scope="module")
def frame():
    time = pd.date_range("2024-01-01", periods=400, freq="1h")
    level = 10 + 5 * np.sin(2 * np.pi * np.arange(400) / 24)
    return pd.DataFrame({"a": level, "b": 2 * level}, index=time)


@pytest.fixture(scope="module")
def path(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "net.csv"
    frame.rename_axis("time").to_csv(path)
    return path


@pytest.fixture(scope="module")
def run(frame, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("runs") / "run")
    return fit(FitConfig(data="counts", backbone="lstm", out=out, **SMALL), frame)


def test_a_frame_a_series_and_a_path_are_the_same_data(run, frame, path, tmp_path):
    series = SensorSeries.from_dataframe(frame)
    for name, given in (("series", series), ("text", str(path)), ("path", path)):
        other = fit(FitConfig(data="counts", backbone="lstm", out=str(tmp_path / name), **SMALL), given)
        assert other.metrics["pooled"] == run.metrics["pooled"]
    from_folder = fit(FitConfig(data=path, backbone="lstm", out=tmp_path / "file", **SMALL))
    assert from_folder.metrics["pooled"] == run.metrics["pooled"]


def test_a_run_is_given_by_its_folder_too(run, frame, path):
    for given in (run, run.folder, str(run.folder)):
        for data in (frame, path):
            assert evaluate(given, series=data)["pooled"] == pytest.approx(run.metrics["pooled"])
            assert len(predict(given, data).table) == 3 * 2
    assert Run(run).folder == run.folder


def test_an_adapter_is_fitted_to_a_frame(run, frame, tmp_path):
    adapted = adapt(AdaptConfig(run=str(run.folder), out=str(tmp_path / "adapted"), epochs=1), frame)
    assert adapted.metrics["adapter"] == "stlora"
    options = {"backbones": ["naive"], "adapters": "none", "seeds": 0, "history": 4, "horizon": 3}
    assert len(compare(CompareConfig(data="counts", out=str(tmp_path / "table"), **options), frame).rows) == 1


def test_a_run_whose_data_were_given_in_python_says_how_to_give_them_again(run):
    with pytest.raises(InputError, match=r"--data .*series="):
        evaluate(run)


def test_options_of_reading_hold_for_data_at_hand(frame, tmp_path):
    zeros = frame.copy()
    zeros.iloc[::5, 0] = 0.0
    options = {"data": "x", "backbone": "naive", "history": 4, "horizon": 3, "zero_is_missing": True}
    run = fit(FitConfig(out=str(tmp_path / "r"), timezone="Europe/Berlin", start="2024-01-03", **options), zeros)
    assert run.record().timezone == "Europe/Berlin"
    assert run.record().zero_is_missing
    assert evaluate(run, series=zeros)["pooled"] == pytest.approx(run.metrics["pooled"])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda run, frame: SensorSeries.from_dataframe("x.csv"), "load_series"),
        (lambda run, frame: predict(run, frame.to_numpy()), "from_numpy"),
        (lambda run, frame: predict(7, frame), "the path of its folder"),
        (lambda run, frame: fit(frame), "expected a FitConfig"),
        (lambda run, frame: fit("x.csv", frame), "expected a FitConfig"),
        (lambda run, frame: adapt(run), "expected a AdaptConfig"),
        (lambda run, frame: compare(frame), "expected a CompareConfig"),
        (lambda run, frame: evaluate(None), "the path of its folder"),
        (lambda run, frame: fit(FitConfig(data=frame, backbone="lstm", out="x")), "data is "),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(run, frame, call, said):
    with pytest.raises(InputError) as caught:
        call(run, frame)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("module", [stlora, stlora.training, stlora.backbones, stlora.serving, stlora.studies])
def test_completion_finds_every_public_name(module):
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_backbones_are_imported_by_their_classes():
    from stlora.backbones import STGCN, STID

    assert isinstance(backbones.create("stid", num_nodes=3), STID)
    assert STGCN.__module__ == "stlora.backbones.stgcn"
