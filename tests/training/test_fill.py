"""What fills histories travels with the run: trained, adapted, evaluated and used for forecasts alike."""

import dataclasses

import numpy as np
import pytest
import torch
import yaml

from stlora import InputError
from stlora.data.time.clock import clock, daily_profile
from stlora.files import read_json, read_tensors, write_json
from stlora.training import evaluate, predict
from stlora.training.prepare import prepare


@pytest.fixture(scope="module")
def profiled(tiny, tmp_path_factory):
    return tiny.fit(tmp_path_factory.mktemp("profiled") / "run", fill="profile", epochs=1)


def test_profile_is_that_of_the_training_histories_alone(tiny, profiled):
    data = prepare(tiny.series, profiled.record().fit)
    training = slice(0, data.split.train.stop + data.windows.history - 1)
    expected = daily_profile(tiny.series.values[training], clock(tiny.series.time[training])[:, 0], 48)
    np.testing.assert_array_equal(profiled.filling().profile, expected)
    np.testing.assert_array_equal(data.windows.filling.profile, expected)


@pytest.mark.parametrize("fill", ["last", "linear", "profile"])
def test_every_verb_fills_alike(tiny, tmp_path, fill):
    run = tiny.fit(tmp_path / "run", fill=fill, epochs=1)
    assert run.record().fit["fill"] == run.filling().fill == fill
    assert evaluate(run, series=tiny.series, device="cpu")["average"] == run.metrics["average"]
    adapted = tiny.adapt(run, tmp_path / "adapted", epochs=1)
    assert adapted.filling().fill == fill
    assert evaluate(adapted, series=tiny.series, device="cpu")["average"] == adapted.metrics["average"]


def test_ways_differ_where_something_is_missing(tiny):
    fit = {"history": 4, "horizon": 3, "split": (0.7, 0.1, 0.2)}
    made = {fill: prepare(tiny.series, fit | {"fill": fill}).windows for fill in ("last", "linear", "profile")}
    x = {fill: windows.inputs(torch.arange(100)) for fill, windows in made.items()}
    for other in ("linear", "profile"):
        assert not torch.equal(x["last"], x[other])
        assert torch.equal(x["last"][x["last"][..., 3] == 1], x[other][x[other][..., 3] == 1])


def test_forecast_of_new_data_fills_with_the_profile_of_the_run(tiny, profiled):
    values = np.array(tiny.series.values)
    seen = np.flatnonzero(~np.isnan(values).all(axis=1))[-1]
    values[seen - 1, :5] = np.nan
    told = dataclasses.replace(tiny.series, values=values)
    slot = (tiny.series.time[seen - 1].hour * 60 + tiny.series.time[seen - 1].minute) // 30
    by_hand = np.array(values)
    by_hand[seen - 1, :5] = profiled.filling().profile[slot, :5]
    given = dataclasses.replace(tiny.series, values=by_hand)
    forecast = predict(profiled, told, device="cpu")
    expected = predict(profiled, given, device="cpu")
    np.testing.assert_allclose(forecast.table["forecast"], expected.table["forecast"], rtol=1e-5)
    assert any("mean at that time of day" in note for note in forecast.notes)


def test_profile_is_no_weight_of_the_backbone(tiny, profiled, tmp_path):
    assert "fill.profile" in read_tensors(profiled.folder / "backbone" / "model.safetensors")
    assert not any("fill" in name for name in profiled.load_backbone().state_dict())
    weights = str(profiled.folder / "backbone" / "model.safetensors")
    taken = tiny.fit(tmp_path / "run", backbone_weights=weights, epochs=0)
    assert taken.filling().profile is None


def test_lost_profile_is_an_error(tiny, profiled, tmp_path):
    run = tiny.fit(tmp_path / "run", epochs=1)
    path = run.folder / "backbone" / "config.json"
    content = read_json(path)
    content["fit"]["fill"] = "profile"
    write_json(path, content)
    with pytest.raises(InputError, match=r"lacks fill\.profile.*fit the backbone again"):
        run.filling()


def test_unknown_way_is_refused_before_training(tiny, tmp_path):
    with pytest.raises(InputError, match="fill is 'mean'; choose one of last, linear, profile"):
        tiny.fit(tmp_path / "run", fill="mean")
    assert not (tmp_path / "run").exists()


def test_a_finished_run_that_does_not_say_how_it_fills_is_refused(tiny, tmp_path, interrupt):
    """An unfinished one without the option is taken up: it was begun before there was a choice."""
    gone = interrupt(epoch=1)
    with pytest.raises(gone):
        tiny.fit(tmp_path / "run")
    stored = tmp_path / "run" / "config.yaml"
    options = yaml.safe_load(stored.read_text())
    older = {name: value for name, value in options.items() if name not in ("fill", "timezone", "precision", "compile")}
    stored.write_text(yaml.safe_dump(older))
    with pytest.raises(InputError, match="other options"):
        tiny.fit(tmp_path / "run", fill="linear")
    with pytest.raises(InputError, match="other options"):
        tiny.fit(tmp_path / "run", precision="bf16")
    run = tiny.fit(tmp_path / "run")
    path = run.folder / "backbone" / "config.json"
    content = read_json(path)
    del content["fit"]["fill"]
    write_json(path, content)
    with pytest.raises(InputError, match=r"it lacks fit\.fill"):
        run.filling()


def test_backbone_of_four_channels_is_trained_on_the_mask(tiny, tmp_path):
    sizes = {"input_size": 4, "hidden_size": 6, "output_size": 8}
    run = tiny.fit(tmp_path / "run", backbone_options={**sizes, "in_channels": 4}, epochs=1)
    assert run.record().in_channels == 4
    x = prepare(tiny.series, run.record().fit).windows.inputs(torch.tensor([0]))
    told, untold = x.clone(), x.clone()
    told[..., 3], untold[..., 3] = 1.0, 0.0
    backbone = run.load_backbone()
    assert not torch.equal(backbone(told), backbone(untold))
    assert evaluate(run, series=tiny.series, device="cpu")["average"] == run.metrics["average"]
