"""Rivals through the verbs: adapting, fitting jointly, measuring again, forecasting."""

import json
from importlib.util import find_spec

import pytest
import torch

from stlora import InputError, rivals
from stlora.adapters.files import fingerprint
from stlora.training import CompareConfig, Run, compare, evaluate, predict

PEFT = pytest.param("peft", marks=pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed"))
EVERY = [PEFT if name == "peft" else name for name in rivals.names()]


@pytest.fixture(scope="module")
def adapted_by(tiny, fitted, tmp_path_factory):
    """Makes a run of each rival, once."""
    runs = {}

    def make(name):
        if name not in runs:
            runs[name] = tiny.adapt(fitted, tmp_path_factory.mktemp(name) / "run", adapter=name)
        return runs[name]

    return make


@pytest.mark.parametrize("name", EVERY)
def test_run_is_measured_again_to_the_same_errors(tiny, adapted_by, name):
    run = adapted_by(name)
    again = evaluate(run, series=tiny.series, device="cpu")
    assert again["average"] == pytest.approx(run.metrics["average"], rel=1e-6)
    assert again["parameters"] == run.metrics["parameters"]
    assert run.metrics["adapter"] == name


@pytest.mark.parametrize("name", EVERY)
def test_run_forecasts(tiny, fitted, adapted_by, name):
    table, bare = (predict(run, tiny.series, device="cpu").table for run in (adapted_by(name), fitted))
    assert table["forecast"].notna().all()
    assert len(table) == len(bare)
    assert not table["forecast"].equals(bare["forecast"])


@pytest.mark.parametrize("name", EVERY)
def test_backbone_of_the_run_is_that_of_the_old_unless_it_is_what_is_trained(fitted, adapted_by, name):
    run = adapted_by(name)
    same = fingerprint(run.load_backbone()) == fingerprint(fitted.load_backbone())
    assert same == (name != "finetune")
    assert run.metrics["mode"] == ("joint" if name == "finetune" else "frozen")


@pytest.mark.parametrize("name", EVERY)
def test_rival_lowers_the_validation_error(tiny, fitted, adapted_by, name):
    alone = evaluate(fitted, "val", series=tiny.series, device="cpu")["pooled"]["mae"]
    assert adapted_by(name).metrics["val_mae"] < alone


@pytest.mark.parametrize("name", ["bias_scale", "embedding"])
def test_rival_can_be_trained_jointly_from_the_start(tiny, tmp_path, name):
    run = tiny.fit(tmp_path / "run", adapter=name, epochs=1)
    assert run.metrics["mode"] == "joint"
    model = run.load()
    assert model.method == name
    assert not model.freeze_backbone
    assert evaluate(run, series=tiny.series, device="cpu")["average"] == pytest.approx(run.metrics["average"], rel=1e-6)


@pytest.mark.parametrize("name", ["peft", "finetune"])
def test_what_starts_from_a_trained_backbone_is_refused_by_fit(tiny, tmp_path, name):
    with pytest.raises(InputError, match=f"{name} starts from a trained backbone"):
        tiny.fit(tmp_path / "run", adapter=name)
    assert not (tmp_path / "run").exists()


def test_shown_truth_goes_through_the_rival_too(tiny, tmp_path):
    small = {"hidden_size": 4, "num_layers": 1}
    run = tiny.fit(
        tmp_path / "run", backbone="dcrnn", backbone_options=small, adapter="embedding", epochs=1, sampling=50.0
    )
    assert run.load().adapter["projection"].abs().max() > 0


def test_fine_tuning_is_at_a_tenth_of_the_learning_rate(tiny, fitted, adapted_by):
    rates = {name: (adapted_by(name).folder / "log.csv").read_text() for name in ("finetune", "embedding")}
    first = {name: float(text.splitlines()[1].split(",")[3]) for name, text in rates.items()}
    assert first["finetune"] == pytest.approx(first["embedding"] / 10, rel=0.01)


def test_options_of_the_rival_reach_it_and_wrong_ones_are_refused(tiny, fitted, tmp_path):
    run = tiny.adapt(fitted, tmp_path / "run", adapter="embedding", adapter_options={"size": 3}, epochs=1)
    assert json.loads((run.folder / "adapter" / "adapter_config.json").read_text())["options"] == {"size": 3}
    assert run.load().adapter["embedding"].shape == torch.Size([6, 3])
    with pytest.raises(InputError, match="no option 'rank'"):
        tiny.adapt(fitted, tmp_path / "other", adapter="embedding", adapter_options={"rank": 3})
    with pytest.raises(InputError, match=r"choose one of none, stlora, .*, finetune"):
        tiny.adapt(fitted, tmp_path / "other", adapter="nobody")
    assert not (tmp_path / "other").exists()


def comparison(tiny, out, **changes):
    options = tiny.options(backbones="lstm", seeds="0", adapters="node_head,embedding,finetune", adapt_epochs=2)
    del options["backbone"], options["backbone_options"]
    return compare(CompareConfig(out=str(out), **{**options, **changes}), tiny.series)


def test_comparison_gives_fewer_epochs_to_those_that_run_the_backbone(tiny, tmp_path):
    result = comparison(tiny, tmp_path / "out", epochs=3)
    assert not result.failed
    epochs = {row.adapter: row.epochs.mean for row in result.rows}
    assert epochs == {"none": 3, "node_head": 2, "embedding": 1, "finetune": 1}
    assert "(embedding, finetune: a third as many as the backbone)" in (tmp_path / "out" / "table.md").read_text()
    assert json.loads((tmp_path / "out" / "results.json").read_text())["protocol"]["adapters"]["embedding"] == {
        "method": "embedding",
        "size": 8,
    }


def test_comparison_takes_the_epochs_that_it_is_given(tiny, tmp_path):
    comparison(tiny, tmp_path / "out", adapters="embedding", epochs=1, tune_epochs=2)
    assert Run(tmp_path / "out" / "runs" / "lstm-0" / "embedding").metrics["epochs"] == 2
    assert "(embedding: 2)" in (tmp_path / "out" / "table.md").read_text()
    with pytest.raises(InputError, match="tune_epochs is 0; expected 1 or more"):
        CompareConfig(data="x", backbones="lstm", out="out", tune_epochs=0)


@pytest.mark.parametrize("name", ["peft", "finetune"])
def test_comparison_refuses_to_train_jointly_what_starts_from_a_trained_backbone(tiny, tmp_path, name):
    with pytest.raises(InputError, match=f"{name} starts from a trained backbone"):
        comparison(tiny, tmp_path / "out", adapters=f"{name}-joint")
    assert not (tmp_path / "out").exists()
