"""Run folders with something wrong in them: one line, and no forecast that is none."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from stlora import InputError
from stlora.data import SensorSeries
from stlora.files import read_json, write_json
from stlora.serving import export
from stlora.training import Run, evaluate, predict

WEIGHTS = {"backbone": "backbone/model.safetensors", "adapter": "adapter/adapter_model.safetensors"}


@pytest.fixture
def copy(adapted, tmp_path):
    return Run(shutil.copytree(adapted.folder, tmp_path / "copy"))


@pytest.fixture
def alone(fitted, tmp_path):
    return Run(shutil.copytree(fitted.folder, tmp_path / "alone"))


def window(tiny) -> SensorSeries:
    values = np.full((60, 6), 100.0, dtype=np.float32)
    return SensorSeries(values, tiny.series.time[:60], tiny.series.node_ids)


def change_tensor(run, part, change):
    """Change the first floating tensor of three numbers or more."""
    path = run.folder / WEIGHTS[part]
    tensors = load_file(path)
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point() and tensor.numel() > 2)
    tensors[name] = change(tensors[name])
    save_file(tensors, path)


def change_json(run, file, *place, value):
    path = run.folder / file
    content = part = read_json(path)
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    write_json(path, content)


@pytest.mark.parametrize("part", WEIGHTS)
@pytest.mark.parametrize(
    "change",
    [
        lambda t: t * math.nan,
        lambda t: t + math.inf,
        lambda t: t.to(torch.int8),
        lambda t: t > 0,
        lambda t: t.flatten()[1:],
        lambda t: t.unsqueeze(0),
    ],
)
def test_wrong_tensors_are_refused_by_every_verb(tiny, copy, tmp_path, part, change):
    change_tensor(copy, part, change)
    for verb in (
        lambda: predict(copy, window(tiny)),
        lambda: evaluate(copy, series=tiny.series, device="cpu"),
        lambda: export(copy, tmp_path / "out.pt2"),
    ):
        with pytest.raises(InputError, match=r"\.safetensors") as caught:
            verb()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.pt2").exists()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_an_adapter_of_another_width_forecasts_nearly_the_same(tiny, copy, adapted, dtype):
    path = copy.folder / WEIGHTS["adapter"]
    save_file({n: t.to(dtype) if t.is_floating_point() else t for n, t in load_file(path).items()}, path)
    found, expected = (predict(run, window(tiny)).table["forecast"] for run in (copy, adapted))
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=0.05)


def test_forecasts_beyond_all_numbers_are_refused(tiny, alone, tmp_path):
    """The weights are finite, what they come to is not."""
    path = alone.folder / WEIGHTS["backbone"]
    save_file({n: t * 1e30 if t.is_floating_point() else t for n, t in load_file(path).items()}, path)
    for verb in (
        lambda: predict(alone, window(tiny)),
        lambda: evaluate(alone, series=tiny.series, device="cpu"),
        lambda: export(alone, tmp_path / "out.pt2"),
    ):
        with pytest.raises(InputError, match="NaN or infinite"):
            verb()
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.parametrize(
    ("file", "place", "value"),
    [
        ("backbone/config.json", ("history",), 10**9),
        ("backbone/config.json", ("history",), 5),
        ("backbone/config.json", ("horizon",), "3"),
        ("backbone/config.json", ("node_ids",), ["a"] * 6),
        ("backbone/config.json", ("options", "hidden_size"), 10**6),
        ("backbone/config.json", ("scaler", "std"), 0),
        ("backbone/config.json", ("scaler", "std"), True),
        ("backbone/config.json", ("scaler", "mean"), None),
        ("backbone/config.json", ("interval_seconds",), 1e300),
        ("backbone/config.json", ("in_channels",), 10**30),
        ("backbone/config.json", ("fit", "data_fingerprint"), None),
        ("backbone/config.json", ("fit", "batch_size"), 0),
        ("backbone/config.json", ("fit", "fill"), "profile"),
        ("adapter/adapter_config.json", ("width",), 10**9),
        ("adapter/adapter_config.json", ("layers",), 10**9),
        ("adapter/adapter_config.json", ("passes",), 10**9),
        ("adapter/adapter_config.json", ("harmonics",), 10**9),
        ("adapter/adapter_config.json", ("neighbours",), 10**9),
        ("adapter/adapter_config.json", ("predictors",), 10**9),
        ("adapter/adapter_config.json", ("rank",), 10**9),
        ("adapter/adapter_config.json", ("rank",), True),
        ("adapter/adapter_config.json", ("alpha",), 10**25),
        ("adapter/adapter_config.json", ("num_nodes",), 7),
        ("adapter/adapter_config.json", ("num_nodes",), 10**9),
        ("adapter/adapter_config.json", ("fusion",), "mean"),
        ("adapter/adapter_config.json", ("gaps",), "yes"),
    ],
)
@pytest.mark.timeout(30)
def test_wrong_values_are_refused_with_their_file(tiny, copy, file, place, value):
    change_json(copy, file, *place, value=value)
    with pytest.raises(InputError) as caught:
        predict(copy, window(tiny))
    assert "\n" not in str(caught.value)
    assert str(copy.folder) in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("average", "mae"), "1"),
        (("average",), None),
        (("horizons",), {}),
        (("horizons", "x"), {"mae": 1.0, "rmse": 1.0, "mape": 1.0}),
        (("mode",), "frosted"),
        (("seed",), -1),
        (("seed",), True),
        (("epochs",), 1.5),
        (("parameters", "adapter"), None),
        (("nodes",), []),
        (("seconds", "fit"), "long"),
    ],
)
def test_wrong_metrics_are_refused(copy, place, value):
    change_json(copy, "metrics.json", *place, value=value)
    with pytest.raises(InputError, match=r"metrics\.json is incomplete or damaged"):
        _ = copy.metrics


def test_neighbours_that_are_no_sensors_are_refused(tiny, copy):
    path = copy.folder / WEIGHTS["adapter"]
    tensors = load_file(path)
    (name,) = (name for name in tensors if name.endswith("index"))
    for wrong in (6, -1, 2**40):
        tensors[name].view(-1)[0] = wrong
        save_file(tensors, path)
        with pytest.raises(InputError, match="index"):
            predict(copy, window(tiny))


@pytest.mark.parametrize(
    "edges", [torch.tensor([[0], [6]]), torch.tensor([[-1], [0]]), torch.zeros(2, 2), torch.ones(3)]
)
def test_edges_between_no_sensors_are_refused(tiny, alone, edges):
    path = alone.folder / WEIGHTS["backbone"]
    save_file({**load_file(path), "adjacency.edges": edges}, path)
    with pytest.raises(InputError, match=r"adjacency\.edges"):
        predict(alone, window(tiny))


def test_weights_of_more_sensors_than_the_record_names_are_refused(copy):
    change_json(copy, "backbone/config.json", "node_ids", value=["a", "b"])
    with pytest.raises(InputError, match=r"holds weights for 6 sensors and config\.json beside it names 2"):
        copy.load()
