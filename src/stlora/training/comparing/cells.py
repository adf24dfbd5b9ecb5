"""The cells of a comparison, each a run of its own, a chain of them after another."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stlora.backbones.own import is_factory, told
from stlora.data import SensorSeries
from stlora.errors import InputError
from stlora.progress import say
from stlora.training.adaptation import adapt
from stlora.training.comparing.columns import Column
from stlora.training.comparing.remaining import left_text, time_left
from stlora.training.comparing.trained_on import TrainOnConfig, begun_epochs, epochs_for, pace_of, train_on
from stlora.training.config import AdaptConfig, CompareConfig, FitConfig
from stlora.training.fitting import fit
from stlora.training.run import Run
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

    @classmethod
    def of(cls, out: Path, backbone: str, column: Column, seed: int) -> Cell:
        """The cell of a comparison in the folder ``out``."""
        return cls(out / "runs" / f"{backbone.replace(':', '.')}-{seed}" / column.name, backbone, column, seed)

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.backbone} {self.column.name} seed {self.seed}"


def run_chain(
    config: CompareConfig, series: SensorSeries, chain: Sequence[Cell], show: bool, chains: Sequence[Sequence[Cell]]
) -> Iterator[dict[str, str]]:
    """Run a backbone alone, then what starts from it; one that fails does not stop the others.

    Args:
        config: of the comparison.
        series: the measurements.
        chain: the cells; a finished one is left as it is.
        show: progress on the terminal, with the time that is left.
        chains: all of the comparison.

    Yields:
        After each cell that was run, its reason by its name if it failed.
    """
    for cell in chain:
        if Run(cell.folder).finished:
            Run(cell.folder).drop_checkpoints()  # of one that was killed when all but this was done
            continue
        if show:
            say(f"{cell.name} … ({_progress(chains, config.jobs)})")
        failed = {}
        try:
            _run(config, series, cell, chain, show and config.jobs == 1)
        except (InputError, OSError) as error:  # such as a full disk
            failed[cell.name] = str(error)
        except Exception as error:  # a defect in one cell, or in the user's module, must not lose the others
            traceback.print_exc()
            failed[cell.name] = told(error)
        if show and cell.name in failed:
            say(f"{cell.name} failed: {failed[cell.name]}")
        yield failed


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
    adapt(adapt_config(config, cell, chain[0]), series, show=show)


def adapt_config(config: CompareConfig, cell: Cell, alone: Cell) -> AdaptConfig:
    """The options of a cell that fits an adapter to the trained backbone of the cell ``alone``."""
    return AdaptConfig(
        run=str(alone.folder),
        out=str(cell.folder),
        adapter=cell.column.adapter,  # type: ignore[arg-type]
        seed=cell.seed,
        epochs=_adapt_epochs(config, cell, alone),
        train_fraction=config.train_fraction,
        device=config.device,
        precision=config.precision,
        compile=config.compile,
        module=cell.backbone if is_factory(cell.backbone) else None,
    )


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
    shared["backbone_options"] = config.backbone_options.get(cell.backbone, {})
    return FitConfig(**shared)
