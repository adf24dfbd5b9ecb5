"""A run that was interrupted and taken up again is the run that was not."""

import math
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from stlora import InputError
from stlora.training import fitting
from stlora.training.callbacks import SafeCheckpoints, read_checkpoint

FIT = {"epochs": 8, "learning_rate": 0.05, "patience": 0}


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """Runs without interruption, each made once."""
    made = {}

    def fit(**options):
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = tiny.fit(tmp_path_factory.mktemp("whole") / "run", **options)
        return made[key]

    return fit


def check_same(tiny, run, expected):
    assert tiny.results(run) == tiny.results(expected)
    assert tiny.weights(run) == tiny.weights(expected)
    columns = [[row.split(",")[:4] for row in (r.folder / "log.csv").read_text().splitlines()] for r in (run, expected)]
    assert columns[0] == columns[1]
    assert not (run.folder / "checkpoints").exists()


@pytest.mark.parametrize(
    "recipe",
    [
        {"schedule": "none"},
        {"schedule": "cosine"},
        {"schedule": "plateau"},
        {"schedule": "step", "decay_epochs": (2,)},
        {"schedule": "milestones", "decay_epochs": (1, 5), "curriculum": 2, "warmup": 2},
        {"backbone": "dcrnn", "backbone_options": {"hidden_size": 4, "num_layers": 1}, "sampling": 10.0},
    ],
    ids=str,
)
def test_interrupted_fit_goes_on_as_if_nothing_had_been(tiny, tmp_path, interrupt, whole, recipe):
    options = {**FIT, **recipe}
    with pytest.raises(interrupt(epoch=3)):
        tiny.fit(tmp_path / "run", **options)
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
    assert not (tmp_path / "run" / "metrics.json").exists()
    check_same(tiny, tiny.fit(tmp_path / "run", **options), whole(**options))


def test_rate_is_halved_in_the_same_epoch_after_two_interruptions(tiny, tmp_path, interrupt, whole):
    options = {"epochs": 8, "learning_rate": 1e-7, "patience": 0, "schedule": "plateau"}
    for epoch in (2, 5):
        with pytest.raises(interrupt(epoch)):
            tiny.fit(tmp_path / "run", **options)
    check_same(tiny, tiny.fit(tmp_path / "run", **options), whole(**options))


@pytest.mark.parametrize("batch", [0, 1])
def test_interruption_before_the_first_checkpoint_starts_anew(tiny, tmp_path, interrupt, whole, batch):
    options = {**FIT, "schedule": "plateau"}
    with pytest.raises(interrupt(epoch=0, batch=batch)):
        tiny.fit(tmp_path / "run", **options)
    check_same(tiny, tiny.fit(tmp_path / "run", **options), whole(**options))


def test_interrupted_joint_training_goes_on(tiny, tmp_path, interrupt, whole):
    options = {"adapter": "stlora", "epochs": 4}
    with pytest.raises(interrupt(epoch=2)):
        tiny.fit(tmp_path / "run", **options)
    check_same(tiny, tiny.fit(tmp_path / "run", **options), whole(**options))


@pytest.mark.parametrize("freeze", [True, False])
def test_interrupted_adaptation_goes_on(tiny, fitted, tmp_path, interrupt, freeze):
    options = {"freeze_backbone": freeze, "epochs": 5, "patience": 3}
    expected = tiny.adapt(fitted, tmp_path / "whole", **options)
    with pytest.raises(interrupt(epoch=2)):
        tiny.adapt(fitted, tmp_path / "run", **options)
    check_same(tiny, tiny.adapt(fitted, tmp_path / "run", **options), expected)


def test_run_interrupted_after_early_stopping_does_not_train_on(tiny, tmp_path, whole, monkeypatch):
    options = {"learning_rate": 0.3, "schedule": "none", "epochs": 30, "patience": 2}
    expected = whole(**options)
    assert expected.metrics["epochs"] < 30
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "timed_measure", lambda *_: (_ for _ in ()).throw(RuntimeError("gone")))
        with pytest.raises(RuntimeError, match="gone"):
            tiny.fit(tmp_path / "run", **options)
    check_same(tiny, tiny.fit(tmp_path / "run", **options), expected)


def test_moved_run_still_knows_its_best_epoch(tiny, tmp_path, interrupt, whole):
    options = {"learning_rate": 0.3, "schedule": "none", "epochs": 6, "patience": 0}
    expected = whole(**options)
    values = [float(row.split(",")[2]) for row in (expected.folder / "log.csv").read_text().splitlines()[1:]]
    best = values.index(min(values))
    assert best < 4, "the best epoch must lie before the interruption"
    with pytest.raises(interrupt(epoch=5)):
        tiny.fit(tmp_path / "old", **options)
    shutil.move(tmp_path / "old", tmp_path / "new")
    check_same(tiny, tiny.fit(tmp_path / "new", **options), expected)


def test_interruption_costs_one_epoch_at_most(tiny, tmp_path, interrupt):
    with pytest.raises(interrupt(epoch=5)):
        tiny.fit(tmp_path / "run", learning_rate=0.3, schedule="none", epochs=6, patience=0)
    checkpoints = tmp_path / "run" / "checkpoints"
    assert read_checkpoint(checkpoints / "last.ckpt")["epoch"] == 4
    assert read_checkpoint(checkpoints / "best.ckpt")["epoch"] < 4
    assert sorted(path.name for path in checkpoints.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_control_c_comes_through_and_the_run_can_go_on(tiny, tmp_path, interrupt, whole):
    options = {**FIT, "schedule": "plateau"}
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(interrupt(epoch=2, error=KeyboardInterrupt())):
        tiny.fit(tmp_path / "run", **options)
    assert signal.getsignal(signal.SIGINT) is handler
    check_same(tiny, tiny.fit(tmp_path / "run", **options), whole(**options))


SCRIPT = """
import sys, torch
from stlora.data import simulate
from stlora.training import FitConfig, fit
torch.set_num_threads(1)
series = simulate(num_nodes=6, days=5, interval="30min", seed=1, missing=0.1).series
fit(FitConfig(**{options}, out=sys.argv[1]), series)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_process_leaves_a_run_that_goes_on(tiny, tmp_path, whole):
    options = {"epochs": 60, "patience": 0, "learning_rate": 0.02}
    script = SCRIPT.replace("{options}", repr(tiny.options(**options)))
    out = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", script, str(out)], env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        deadline = time.monotonic() + 240  # importing takes long on a busy machine
        while not (out / "checkpoints" / "last.ckpt").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    assert not (out / "metrics.json").exists(), "the run was over before it was killed"
    check_same(tiny, tiny.fit(out, **options), whole(**options))


@pytest.fixture
def half(tiny, tmp_path, interrupt):
    """An unfinished run and its last checkpoint."""
    with pytest.raises(interrupt(epoch=2)):
        tiny.fit(tmp_path / "run")
    return tmp_path / "run", tmp_path / "run" / "checkpoints" / "last.ckpt"


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_truncated_checkpoint_is_refused_in_one_line(tiny, half, keep):
    folder, last = half
    content = last.read_bytes()
    last.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(InputError, match=r"last\.ckpt is damaged .*; delete .*checkpoints") as caught:
        tiny.fit(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [0.01, 0.3, 0.5, 0.7, 0.99, 1.0])
def test_a_changed_byte_of_a_checkpoint_is_found(tiny, half, place):
    folder, last = half
    content = bytearray(last.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    last.write_bytes(content)
    with pytest.raises(InputError, match=r"last\.ckpt is damaged"):
        tiny.fit(folder)


def test_the_checkpoint_of_a_larger_network_is_refused(tiny, half, tmp_path, interrupt):
    folder, last = half
    with pytest.raises(interrupt(epoch=2)):
        tiny.fit(tmp_path / "other", backbone_options={"input_size": 4, "hidden_size": 7, "output_size": 8})
    shutil.copy(tmp_path / "other" / "checkpoints" / "last.ckpt", last)
    with pytest.raises(InputError, match=r"last\.ckpt is not of this run .*; delete .*checkpoints") as caught:
        tiny.fit(folder)
    assert "\n" not in str(caught.value)


def _optimizer_state(content):
    return content["optimizer_states"][0]["state"][0]


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(state_dict={name: t.flatten()[1:] for name, t in c["state_dict"].items()}),
        lambda c: next(iter(c["state_dict"].values())).fill_(math.nan),
        lambda c: _optimizer_state(c).update(exp_avg=torch.zeros(2)),
        lambda c: _optimizer_state(c)["exp_avg"].fill_(math.inf),
        lambda c: _optimizer_state(c)["exp_avg_sq"].fill_(-1.0),
        lambda c: _optimizer_state(c).update(step=torch.zeros(2)),
        lambda c: _optimizer_state(c).update(step="two"),
        lambda c: c.update(optimizer_states=[]),
        lambda c: c["optimizer_states"][0]["param_groups"][0].update(lr="fast"),
        lambda c: c["optimizer_states"][0]["param_groups"][0].update(lr=math.nan),
        lambda c: c["lr_schedulers"][0].update(base_lrs=["fast"]),
        lambda c: c["lr_schedulers"][0].update(last_epoch=None),
        lambda c: c.update(loops={}),
        lambda c: c["loops"]["fit_loop"]["epoch_progress"]["current"].update(completed=10**9),
        lambda c: c["callbacks"]["TrainingLog"].update(rows=[]),
        lambda c: c["callbacks"]["TrainingLog"].update(rows=[[0.0]]),
        lambda c: c.update(callbacks={}),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_before_training(tiny, tmp_path, interrupt, change):
    """Its digest fits: it was not damaged but made so."""
    options = {"schedule": "cosine"}
    with pytest.raises(interrupt(epoch=2)):
        tiny.fit(tmp_path / "run", **options)
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    content = read_checkpoint(last)
    change(content)
    SafeCheckpoints().save_checkpoint(content, last)
    with pytest.raises(InputError, match=r"last\.ckpt is not of this run .*; delete .*checkpoints") as caught:
        tiny.fit(tmp_path / "run", **options)
    assert "\n" not in str(caught.value)


def test_the_checkpoint_of_a_longer_run_is_refused(tiny, half, tmp_path, interrupt):
    folder, last = half
    with pytest.raises(interrupt(epoch=7)):
        tiny.fit(tmp_path / "other", epochs=9, patience=0)
    shutil.copy(tmp_path / "other" / "checkpoints" / "last.ckpt", last)
    with pytest.raises(InputError, match=r"last\.ckpt is not of this run"):
        tiny.fit(folder)


@pytest.mark.parametrize("content", [{"a": 1}, [1, 2], torch.zeros(3)])
def test_other_content_in_a_checkpoint_is_refused(tiny, half, content):
    folder, last = half
    torch.save(content, last)
    with pytest.raises(InputError, match="damaged or no checkpoint"):
        tiny.fit(folder)


class Malicious:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_pickle_in_place_of_a_checkpoint_is_not_run(tiny, half, tmp_path, kind):
    folder, last = half
    content = {**read_checkpoint(last), "callbacks": Malicious(tmp_path / "mark")}
    if kind == "torch":
        torch.save(content, last)
    else:
        last.write_bytes(pickle.dumps(content["callbacks"]))
    with pytest.raises(InputError, match="damaged or no checkpoint"):
        tiny.fit(folder)
    assert not (tmp_path / "mark").exists()
    if kind == "torch":  # the mark would have been left otherwise
        torch.load(last, weights_only=False)
        assert (tmp_path / "mark").exists()


def test_after_the_advice_the_run_starts_anew(tiny, half, fitted):
    folder, last = half
    last.write_bytes(b"")
    shutil.rmtree(last.parent)
    check_same(tiny, tiny.fit(folder), fitted)


def test_finished_run_is_not_run_again(tiny, fitted):
    before = {path: path.stat().st_mtime_ns for path in fitted.folder.rglob("*")}
    with pytest.raises(InputError, match="holds a finished run"):
        tiny.fit(fitted.folder)
    assert {path: path.stat().st_mtime_ns for path in fitted.folder.rglob("*")} == before


@pytest.mark.parametrize("changes", [{"learning_rate": 0.5}, {"seed": 3}, {"epochs": 9}, {"backbone_options": {}}])
def test_unfinished_run_of_other_options_is_not_taken_up(tiny, half, changes):
    with pytest.raises(InputError, match="unfinished run with other options"):
        tiny.fit(half[0], **changes)


def test_unfinished_run_on_other_data_is_not_taken_up(tiny, half):
    with pytest.raises(InputError, match=r"unfinished run on other data: .*fingerprint"):
        tiny.fit(half[0], series=tiny.without_graph())


def test_foreign_folder_is_left_alone(tiny, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is not empty and holds no run"):
        tiny.fit(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_file_in_place_of_the_folder_is_refused(tiny, tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(InputError, match="is a file"):
        tiny.fit(tmp_path / "run")


def test_empty_folder_is_taken(tiny, tmp_path, fitted):
    (tmp_path / "run").mkdir()
    check_same(tiny, tiny.fit(tmp_path / "run"), fitted)
