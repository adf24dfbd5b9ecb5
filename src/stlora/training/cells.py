"""The cells of a comparison, each a run of its own, in this process or in several."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch

from stlora.backbones.own import is_factory
from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.training.adaptation import adapt
from stlora.training.columns import Column
from stlora.training.config import AdaptConfig, CompareConfig, FitConfig
from stlora.training.fitting import fit
from stlora.training.remaining import left_text, time_left
from stlora.training.run import Run
from stlora.training.trained_on import TrainOnConfig, begun_epochs, epochs_for, pace_of, train_on
from stlora.training.wrapping import runs_backbone


@dataclass(frozen=True)
class Cell:
    """One run of a comparison.

    Attributes:
        folder: of the run.
        backbone: its name.
        column: what is done with it; the first cell of a chain is the backbone alone, which the others start from.
        seed: of the run.
    """

    folder: Path
    backbone: str
    column: Column
    seed: int

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.backbone} {self.column.name} seed {self.seed}"


def run_cells(
    config: CompareConfig, series: SensorSeries, chains: Sequence[Sequence[Cell]], show: bool
) -> Iterator[dict[str, str]]:
    """Run chains of cells, ``config.jobs`` at a time; a finished cell is left as it is.

    Args:
        config: of the comparison.
        series: the measurements.
        chains: the backbone alone first, then what starts from it.
        show: progress on the terminal, with the time that is left.

    Yields:
        After each chain, its failed cells with their reasons.
    """
    if config.jobs == 1:
        for chain in chains:
            yield run_chain(config, series, chain, show, chains)
        return
    context = multiprocessing.get_context("spawn")
    waiting = list(chains)
    running: list[tuple[SpawnProcess, Connection, Sequence[Cell]]] = []
    while waiting or running:
        while waiting and len(running) < config.jobs:
            chain = waiting.pop(0)
            receive, send = context.Pipe(duplex=False)
            process = context.Process(target=_worker, args=(config, series, chain, show, chains, send), daemon=True)
            process.start()
            send.close()
            running.append((process, receive, chain))
        wait([process.sentinel for process, _, _ in running])
        for entry in [entry for entry in running if not entry[0].is_alive()]:
            running.remove(entry)
            process, receive, chain = entry
            yield _answer(receive, process.exitcode, chain)


def _worker(
    config: CompareConfig,
    series: SensorSeries,
    chain: Sequence[Cell],
    show: bool,
    chains: Sequence[Sequence[Cell]],
    send: Connection,
) -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // config.jobs))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    send.send(run_chain(config, series, chain, show, chains))


def _end_with_parent() -> None:
    """A comparison that is killed takes its workers with it; what they trained is taken up again."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answer(receive: Connection, exitcode: int | None, chain: Sequence[Cell]) -> dict[str, str]:
    try:
        failed: dict[str, str] = receive.recv()
    except EOFError:
        reason = f"its process ended with status {exitcode}, for want of memory perhaps; try fewer --jobs"
        return {cell.name: reason for cell in chain if not Run(cell.folder).finished}
    return failed


def run_chain(
    config: CompareConfig, series: SensorSeries, chain: Sequence[Cell], show: bool, chains: Sequence[Sequence[Cell]]
) -> dict[str, str]:
    """Run a backbone alone, then what starts from it; one that fails does not stop the others.

    Returns:
        The failed cells with their reasons.
    """
    failed = {}
    for cell in chain:
        if Run(cell.folder).finished:
            continue
        if show:
            _say(f"{cell.name} … ({_progress(chains, config.jobs)})")
        try:
            _run(config, series, cell, chain, show and config.jobs == 1)
        except InputError as error:
            failed[cell.name] = str(error)
        except Exception as error:  # a defect in one cell must not lose the others
            traceback.print_exc()
            failed[cell.name] = f"{type(error).__name__}: {error}"
        if show and cell.name in failed:
            _say(f"{cell.name} failed: {failed[cell.name]}")
    return failed


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _progress(chains: Sequence[Sequence[Cell]], jobs: int) -> str:
    """From the folders, so that it holds in every process and for a comparison that was taken up."""
    cells = [cell for chain in chains for cell in chain]
    done = sum(Run(cell.folder).finished for cell in cells)
    left = time_left([(cell.folder, (cell.backbone, cell.column.name)) for cell in cells], jobs)
    return f"{done} of {len(cells)} done, {left_text(*left)}"


def _run(config: CompareConfig, series: SensorSeries, cell: Cell, chain: Sequence[Cell], show: bool) -> None:
    if cell.column.kind in ("alone", "joint"):
        fit(fit_config(config, cell), series, show=show)
        return
    alone = Run(chain[0].folder)
    if not alone.finished:
        raise InputError(f"{chain[0].name} has no result to {'adapt' if cell.column.kind == 'frozen' else 'train on'}")
    module = cell.backbone if is_factory(cell.backbone) else None
    if cell.column.kind == "trained-on":
        frozen = [Run(other.folder) for other in chain if other.column.kind == "frozen"]
        finished = [run for run in frozen if run.finished and run.metrics["mode"] == "frozen"]
        plan = partial(TrainOnConfig.of, alone, str(cell.folder), module=module, device=config.device)
        epochs = begun_epochs(cell.folder) or epochs_for(finished, pace_of(plan(epochs=1), series))
        train_on(plan(epochs=epochs), series, show)
        return
    options = AdaptConfig(
        run=str(alone.folder),
        out=str(cell.folder),
        adapter=cell.column.adapter,  # type: ignore[arg-type]
        seed=cell.seed,
        epochs=_adapt_epochs(config, cell, chain[0]),
        train_fraction=config.train_fraction,
        device=config.device,
        precision=config.precision,
        compile=config.compile,
        module=module,
    )
    adapt(options, series, show=show)


def _adapt_epochs(config: CompareConfig, cell: Cell, alone: Cell) -> int:
    """Fewer where every step of the training takes a step of the backbone."""
    if not runs_backbone(cell.column.adapter):
        return config.adapt_epochs
    if config.tune_epochs is not None:
        return config.tune_epochs
    return max(1, fit_config(config, alone).settled().epochs // 3)


def fit_config(config: CompareConfig, cell: Cell) -> FitConfig:
    """The options of a cell that trains a backbone from the start, alone or jointly with an adapter."""
    names = {field.name for field in dataclasses.fields(FitConfig)}
    shared = {name: value for name, value in vars(config).items() if name in names}
    shared |= {"backbone": cell.backbone, "seed": cell.seed, "out": str(cell.folder), "adapter": cell.column.adapter}
    return FitConfig(**shared)
