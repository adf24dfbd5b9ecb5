"""The metrics of a run, recomputed from its files."""

import json
import shutil

import numpy as np
import pytest
import torch

from stlora import InputError
from stlora.training import Run, evaluate
from stlora.training.forecasts import measure
from stlora.training.prepare import open_run

SAME = ("horizons", "average", "pooled", "nodes", "parameters", "backbone", "adapter", "seed", "mode", "dataset")


def check_same(found, stored):
    assert {name: found[name] for name in SAME} == {name: stored[name] for name in SAME}


def test_numbers_of_a_backbone_come_back_exactly(tiny, fitted):
    check_same(evaluate(fitted, series=tiny.series, device="cpu"), fitted.metrics)


def test_numbers_of_an_adapter_come_back_exactly(tiny, fitted, adapted, tmp_path):
    check_same(evaluate(adapted, series=tiny.series, device="cpu"), adapted.metrics)
    other_batches = tiny.adapt(fitted, tmp_path / "run", batch_size=50, epochs=1)
    check_same(evaluate(other_batches, series=tiny.series, device="cpu"), other_batches.metrics)


def test_numbers_of_a_joint_run_and_of_a_module_of_ones_own_come_back(tiny, tmp_path):
    joint = tiny.fit(tmp_path / "joint", adapter="paper", adapter_options={"width": 6}, epochs=1)
    check_same(evaluate(joint, series=tiny.series), joint.metrics)
    own = tiny.fit(tmp_path / "own", module=tiny.own(), epochs=1)
    check_same(evaluate(own, series=tiny.series, module=tiny.own(seed=8)), own.metrics)


def test_numbers_are_those_of_a_plain_computation(tiny, adapted):
    record, model, values = adapted.record(), adapted.load(), tiny.series.values
    starts = range(round(0.8 * 234), 234)  # 240 steps give 234 windows of 4 + 3
    windows = tiny.series.num_steps - 4 - 3 + 1
    assert windows == 234
    errors = []
    for start in starts:
        rows = slice(start, start + 4)
        held = np.zeros(6)
        x = np.zeros((1, 4, 6, 4), dtype=np.float32)
        for step, (row, stamp) in enumerate(zip(values[rows], tiny.series.time[rows], strict=True)):
            seen = ~np.isnan(row)
            held = np.where(seen, (row - record.scaler.mean) / record.scaler.std, held)
            x[0, step, :, 0], x[0, step, :, 3] = held, seen
            x[0, step, :, 1], x[0, step, :, 2] = (stamp.hour + stamp.minute / 60) / 24, stamp.weekday() / 7
        with torch.no_grad():
            forecast = model(torch.from_numpy(x))[0, :, :, 0].numpy() * record.scaler.std + record.scaler.mean
        errors.append(np.abs(forecast - values[start + 4 : start + 7]))
    by_step = np.nanmean(np.stack(errors), axis=(0, 2))
    found = evaluate(adapted, series=tiny.series)
    assert [found["horizons"][step]["mae"] for step in "123"] == pytest.approx(by_step.tolist(), rel=1e-4)
    assert found["average"]["mae"] == pytest.approx(by_step.mean(), rel=1e-4)


def test_every_split_has_numbers_of_its_own(tiny, fitted):
    found = {split: evaluate(fitted, split, series=tiny.series) for split in ("train", "val", "test")}
    assert {split: metrics["split"] for split, metrics in found.items()} == {split: split for split in found}
    assert len({metrics["average"]["mae"] for metrics in found.values()}) == 3
    assert found["val"]["pooled"]["mae"] == pytest.approx(fitted.metrics["val_mae"], rel=1e-5)


def test_nothing_is_written(tiny, adapted):
    before = {path: path.stat().st_mtime_ns for path in adapted.folder.rglob("*")}
    evaluate(adapted, series=tiny.series)
    assert {path: path.stat().st_mtime_ns for path in adapted.folder.rglob("*")} == before


def test_unknown_split_and_missing_run_are_refused(tiny, fitted, tmp_path):
    with pytest.raises(InputError, match="choose train, val or test"):
        evaluate(fitted, "holdout", series=tiny.series)
    with pytest.raises(InputError, match="is it a finished run folder"):
        evaluate(Run(tmp_path), series=tiny.series)


def test_other_data_is_refused(tiny, fitted):
    with pytest.raises(InputError, match="has changed"):
        evaluate(fitted, series=tiny.without_graph())


@pytest.fixture
def copy(tiny, tmp_path):
    """A run that may be damaged."""
    return tiny.fit(tmp_path / "run", epochs=1, train_fraction=0.1)


def test_later_format_is_refused(tiny, copy):
    path = copy.folder / "backbone" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 2}))
    with pytest.raises(InputError, match="format_version 2; this library reads 1; upgrade"):
        evaluate(copy, series=tiny.series)


def test_incomplete_record_is_refused(tiny, copy):
    path = copy.folder / "backbone" / "config.json"
    content = json.loads(path.read_text())
    del content["scaler"]["std"]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="incomplete or damaged"):
        evaluate(copy, series=tiny.series)


def test_weights_that_do_not_fit_are_refused(tiny, copy):
    path = copy.folder / "backbone" / "config.json"
    content = json.loads(path.read_text())
    for options in (content["options"], content["fit"]["backbone_options"]):
        options["hidden_size"] = 7
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"weights of lstm .* do not fit") as caught:
        evaluate(copy, series=tiny.series)
    assert "\n" not in str(caught.value)


def test_truncated_weights_are_refused(tiny, copy):
    path = copy.folder / "backbone" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="not a safetensors file"):
        evaluate(copy, series=tiny.series)


def test_errors_of_every_test_window_are_kept_and_come_to_the_metrics(tiny, fitted, adapted, tmp_path):
    baseline = tiny.fit(tmp_path / "naive", backbone="naive", backbone_options={})
    for run in (fitted, adapted, baseline):
        errors, metrics = run.errors(), run.metrics
        windows, horizon, nodes = len(tiny.series.time) - 4 - 3 + 1, 3, tiny.series.num_nodes
        test = windows - round(0.7 * windows) - round(0.1 * windows)
        assert errors.absolute.shape == (test, horizon)
        assert errors.node_absolute.shape == (nodes, horizon)
        assert errors.first_target == tiny.series.time[-3 - test + 1]
        assert errors.interval == tiny.series.interval
        steps = errors.absolute.double().sum(0) / errors.observed.sum(0)
        assert steps.tolist() == pytest.approx([metrics["horizons"][str(s + 1)]["mae"] for s in range(3)], rel=1e-6)
        sensors = errors.node_absolute.double().sum(1) / errors.node_observed.sum(1)
        assert sensors.tolist() == pytest.approx([node["mae"] for node in metrics["nodes"].values()], rel=1e-6)
    assert not torch.equal(fitted.errors().absolute, adapted.errors().absolute)


def test_run_of_an_earlier_version_has_no_errors_of_windows(fitted, tmp_path):
    shutil.copytree(fitted.folder, tmp_path / "old")
    (tmp_path / "old" / "errors.safetensors").unlink()
    assert Run(tmp_path / "old").errors() is None


def test_a_network_that_forecasts_nan_is_not_blamed_on_the_data(tiny, fitted):
    data = open_run(fitted.record(), tiny.series)
    network = fitted.load().eval()
    with torch.no_grad():
        next(network.parameters()).fill_(torch.nan)
    with pytest.raises(InputError, match="forecasts are NaN or infinite"):
        measure(network, data.windows, data.split.test)
