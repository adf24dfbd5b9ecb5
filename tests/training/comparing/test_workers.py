"""Chains in processes of their own: as many as memory allows, and one that was killed once more."""

import multiprocessing
from pathlib import Path
from types import SimpleNamespace

import pytest

from stlora.files import read_json
from stlora.training import CompareConfig, compare
from stlora.training.comparing import workers
from stlora.training.comparing.cells import Cell
from stlora.training.comparing.columns import ALONE
from stlora.training.resources import free_memory, resident_memory


class System:
    """Processes that end in the order in which they began, on a machine of so much memory."""

    def __init__(self, total, held=1000.0):
        self.total, self.held = total, held
        self.running, self.began, self.most = [], [], 0
        self.killed = {}  # how often each chain still is

    def start(self, config, series, chain, *_):
        worker = FakeWorker(self, chain)
        self.running.append(worker)
        self.began.append((chain[0].seed, len(self.running)))
        self.most = max(self.most, len(self.running))
        return worker

    def wait(self, answers, timeout):
        assert len(answers) == len(self.running)
        return [self.running.pop(0).receive]

    def free(self):
        return None if self.total is None else self.total - self.held * len(self.running)


class FakeWorker:
    def __init__(self, system, chain):
        self.system, self.chain, self.receive = system, chain, object()
        self.process = SimpleNamespace(pid=1, exitcode=-9)

    def answer(self):
        if self in self.system.running:
            self.system.running.remove(self)
        left = self.system.killed.get(self.chain[0].seed, 0)
        self.system.killed[self.chain[0].seed] = left - 1
        return None if left > 0 else {f"seed {self.chain[0].seed}": "answered"}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Four chains on a system, three at a time at most; what they yield."""

    def run(system, jobs=3, show=False):
        monkeypatch.setattr(workers.Worker, "start", system.start)
        monkeypatch.setattr(workers, "wait", system.wait)
        monkeypatch.setattr(workers, "free_memory", system.free)
        monkeypatch.setattr(workers, "resident_memory", lambda pid: system.held)
        config = CompareConfig(data="simulated", backbones="lstm", out=str(tmp_path), jobs=jobs)
        chains = [[Cell.of(tmp_path, "lstm", ALONE, seed)] for seed in range(4)]
        return list(workers.run_cells(config, None, chains, show))

    return run


@pytest.mark.parametrize(
    ("total", "most"),
    [(None, 3), (9000, 3), (3000, 3), (2999, 2), (2000, 2), (1999, 1), (500, 1)],
)
def test_as_many_run_as_the_memory_of_running_ones_allows(run, total, most):
    system = System(total)
    assert run(system) == [{f"seed {seed}": "answered"} for seed in range(4)]
    assert system.most == most


@pytest.mark.parametrize(("total", "most"), [(6000, 3), (5999, 2), (4000, 2), (3999, 1)])
def test_a_finished_cell_says_how_much_another_takes(run, tmp_path, pretend, total, most):
    """Running ones will take it too: what they lack of it is not free."""
    pretend(tmp_path / "runs" / "lstm-3" / "none", memory={"resident_mb": 2000.0})
    system = System(total)
    run(system)
    assert system.most == most


def test_runs_that_know_no_memory_are_no_limit(run, tmp_path, pretend):
    for seed, memory in ((2, {}), (3, {"memory": {"resident_mb": None}})):
        pretend(tmp_path / "runs" / f"lstm-{seed}" / "none", **memory)
    system = System(3000)
    run(system)
    assert system.most == 3


def test_the_terminal_says_once_that_memory_is_short(run, capsys):
    run(System(2000), show=True)
    assert capsys.readouterr().err.splitlines() == ["2 at a time, not 3, until memory is free for another"]


def test_a_killed_chain_is_tried_once_more_alone_at_the_end(run, capsys):
    system = System(None)
    system.killed = {1: 1}
    assert run(system, show=True) == [{f"seed {seed}": "answered"} for seed in (0, 2, 3, 1)]
    assert system.began[-1] == (1, 1)
    assert [seed for seed, _ in system.began] == [0, 1, 2, 3, 1]
    assert "ended with status -9, for want of memory perhaps; lstm none seed 1 and what" in capsys.readouterr().err


def test_a_chain_that_is_killed_twice_has_failed(run):
    system = System(None)
    system.killed = {1: 2}
    reason = "its process ended with status -9, for want of memory perhaps, twice, the second time alone"
    assert run(system)[-1] == {"lstm none seed 1": reason}
    assert [seed for seed, _ in system.began] == [0, 1, 2, 3, 1]


def test_free_memory_is_what_the_system_says(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:  9000000 kB\nMemFree:  1 kB\nMemAvailable:  2000000 kB\n")
    assert free_memory(tmp_path / "meminfo") == 2048.0
    assert free_memory(tmp_path / "nothing") is None
    if Path("/proc/self/status").exists():
        assert resident_memory(1 << 30) is None


CODE = """
import multiprocessing
import os
import signal
import multiprocessing
from pathlib import Path

from torch import nn

from stlora.backbones.layouts import from_btn


class Linear(nn.Linear):
    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def once(history, horizon):
    mark = Path("was_killed")
    if not mark.exists():
        mark.touch()
        kill()
    return from_btn(Linear(history, horizon), history, horizon)


def always():
    kill()


def kill():
    assert multiprocessing.parent_process() is not None
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no such signal, or no such files")
def test_processes_that_are_really_killed(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "killed_backbones.py").write_text(CODE)
    config = CompareConfig(
        data="simulated",
        history=4,
        horizon=3,
        epochs=1,
        device="cpu",
        seeds="0",
        out="table",
        backbones="killed_backbones:once,killed_backbones:always,naive",
        adapters="none",
        jobs=2,
    )
    comparison = compare(config, tiny.series)
    assert [row.backbone for row in comparison.rows] == ["killed_backbones:once", "naive"]
    assert comparison.failed == {
        "killed_backbones:always none seed 0": "its process ended with status -9, for want of memory perhaps, twice, "
        "the second time alone"
    }
    assert read_json(tmp_path / "table" / "results.json")["failed"] == comparison.failed


def test_reasons_longer_than_a_pipe_holds_come_back():
    worker = workers.Worker(*long_answer(), chain=[])
    assert workers.wait([worker.receive], 60) == [worker.receive]
    assert worker.answer() == {"cell": "x" * 1_000_000}
    assert worker.process.exitcode == 0


def long_answer():
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=send.send, args=({"cell": "x" * 1_000_000},))
    process.start()
    send.close()
    return process, receive
