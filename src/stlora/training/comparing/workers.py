"""The chains of a comparison, one after another in this process or several at a time in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import torch

import stlora.progress
from stlora.data import SensorSeries
from stlora.progress import say
from stlora.training.comparing.cells import Cell, run_chain
from stlora.training.config import CompareConfig
from stlora.training.resources import free_memory, resident_memory, room_for_another
from stlora.training.run import Run

_LOOK_AGAIN = 1.0  # seconds, while a chain waits for memory


@dataclass(frozen=True)
class Worker:
    """A process that runs one chain.

    Attributes:
        process: the process.
        receive: where it answers, with its failed cells and their reasons.
        chain: that it runs.
    """

    process: SpawnProcess
    receive: Connection
    chain: Sequence[Cell]

    @classmethod
    def start(cls, config: CompareConfig, series: SensorSeries, chain: Sequence[Cell], *rest: object) -> Worker:
        """Start one."""
        context = multiprocessing.get_context("spawn")
        receive, send = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(config, series, chain, *rest, send), daemon=True)
        process.start()
        send.close()
        return cls(process, receive, chain)

    def answer(self) -> dict[str, str] | None:
        """Once it is there, and the process has ended; None if it was killed or failed before it could answer."""
        failed: dict[str, str] | None = None
        with suppress(EOFError, OSError):  # killed before it answered, or in the middle
            failed = self.receive.recv()
        self.process.join()
        return failed


def run_cells(
    config: CompareConfig, series: SensorSeries, chains: Sequence[Sequence[Cell]], show: bool
) -> Iterator[dict[str, str]]:
    """Run chains of cells, at most ``config.jobs`` at a time and as many as memory allows.

    A finished cell is left as it is. A chain whose process was killed is tried once more, alone, after the others.

    Args:
        config: of the comparison.
        series: the measurements.
        chains: the backbone alone first, then what starts from it.
        show: progress on the terminal, with the time that is left.

    Yields:
        After each cell, or after each chain where there are several processes: failed cells with their reasons.
    """
    if config.jobs == 1:
        for chain in chains:
            yield from run_chain(config, series, chain, show, chains)
        return
    lost: list[Sequence[Cell]] = []
    waiting, running = list(chains), list[Worker]()
    told = False
    while waiting or running:
        while waiting and len(running) < config.jobs and (not running or _has_room(chains, running)):
            running.append(Worker.start(config, series, waiting.pop(0), show, chains))
        held_back = bool(waiting) and len(running) < config.jobs
        if show and held_back and not told:
            say(f"{len(running)} at a time, not {config.jobs}, until memory is free for another")
        told = held_back
        ready = wait([worker.receive for worker in running], _LOOK_AGAIN if held_back else None)
        for worker in [worker for worker in running if worker.receive in ready]:
            running.remove(worker)
            failed = worker.answer()
            if failed is None:
                lost.append(worker.chain)
                if show:
                    say(f"{_ended(worker)}; {worker.chain[0].name} and what follows is tried again, alone, at the end")
            else:
                yield failed
    for chain in lost:
        worker = Worker.start(config, series, chain, show, chains)
        failed = worker.answer()
        yield _all_failed(worker) if failed is None else failed


def _has_room(chains: Sequence[Sequence[Cell]], running: Sequence[Worker]) -> bool:
    """Whether memory is free for what a finished cell took at its peak."""
    finished = [Run(cell.folder).metrics for chain in chains for cell in chain if Run(cell.folder).finished]
    known = [peak for metrics in finished if (peak := metrics.get("memory", {}).get("resident_mb")) is not None]
    mine = resident_memory(os.getpid()) or 0.0  # a worker that has just begun will hold the same series at least
    held = [resident_memory(worker.process.pid or 0) or 0.0 for worker in running]
    return room_for_another(free_memory(), max(known, default=max(mine, *held)), held)


def _ended(worker: Worker) -> str:
    return f"its process ended with status {worker.process.exitcode}, for want of memory perhaps"


def _all_failed(worker: Worker) -> dict[str, str]:
    reason = f"{_ended(worker)}, twice, the second time alone"
    return {cell.name: reason for cell in worker.chain if not Run(cell.folder).finished}


def _work(
    config: CompareConfig,
    series: SensorSeries,
    chain: Sequence[Cell],
    show: bool,
    chains: Sequence[Sequence[Cell]],
    send: Connection,
) -> None:
    stlora.progress.is_command = True  # a process for this alone
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // config.jobs))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    failed: dict[str, str] = {}
    with suppress(KeyboardInterrupt):  # the parent says what is to be said
        for more in run_chain(config, series, chain, show, chains):
            failed |= more
        send.send(failed)


def _end_with_parent() -> None:
    """A comparison that is killed takes its workers with it; what they trained is taken up again."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
