"""The cells of a study, each a run of its own: a form of the adapter on a trained backbone."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stlora.errors import InputError
from stlora.progress import say
from stlora.studies.config import DesignOptions
from stlora.studies.designs import Design
from stlora.studies.sources import Measurements, Source, module_for
from stlora.training.adaptation import adapt
from stlora.training.comparing.remaining import left_text, time_left
from stlora.training.config import AdaptConfig
from stlora.training.run import Run


@dataclass(frozen=True)
class Cell:
    """One run of a study.

    Attributes:
        source: the trained backbone.
        design: the form of the adapter.
        folder: of the run.
    """

    source: Source
    design: Design
    folder: Path

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.source.dataset} {self.source.backbone} {self.design.name} seed {self.source.seed}"


def make_cells(options: DesignOptions, sources: Sequence[Source], designs: Sequence[Design]) -> list[Cell]:
    """Every form on every backbone."""
    runs = Path(options.out) / "runs"
    return [Cell(source, design, runs / source.key / design.folder) for source in sources for design in designs]


def adapt_config(options: DesignOptions, cell: Cell) -> AdaptConfig:
    """How a cell is fitted: as by ``stlora adapt``, with the seed of its backbone."""
    return AdaptConfig(
        run=str(cell.source.run.folder),
        out=str(cell.folder),
        adapter=options.adapter,
        adapter_options={**options.adapter_options, **cell.design.changes},
        seed=cell.source.seed,
        epochs=options.adapt_epochs,
        device=options.device,
        module=module_for(cell.source, options.module),
    )


def run_cells(
    options: DesignOptions, cells: Sequence[Cell], measurements: Measurements, show: bool
) -> Iterator[dict[str, str]]:
    """Run the cells that are not finished; one that fails does not stop the others.

    Yields:
        After each, why it failed by its name, or nothing.

    Raises:
        InputError: the data of a cell is not there or has changed.
    """
    for cell in cells:
        if Run(cell.folder).finished:
            Run(cell.folder).drop_checkpoints()  # of one that was killed when all but this was done
    waiting = [cell for cell in cells if not Run(cell.folder).finished]
    for cell in waiting:
        measurements.of(cell.source.run)  # all are there before the first is used
    for cell in waiting:
        if show:
            say(f"{cell.name} … ({_progress(cells)})")
        try:
            adapt(adapt_config(options, cell), measurements.of(cell.source.run), show=show)
            yield {}
        except (InputError, OSError) as error:  # such as a full disk
            yield _failed(cell, str(error), show)
        except Exception as error:  # a defect in one cell must not lose the others
            traceback.print_exc()
            yield _failed(cell, f"{type(error).__name__}: {error}", show)


def _failed(cell: Cell, reason: str, show: bool) -> dict[str, str]:
    if show:
        say(f"{cell.name} failed: {reason}")
    return {cell.name: reason}


def _progress(cells: Sequence[Cell]) -> str:
    done = sum(Run(cell.folder).finished for cell in cells)
    kinds = [(cell.folder, (str(cell.source.group), cell.design.name)) for cell in cells]
    return f"{done} of {len(cells)} done, {left_text(*time_left(kinds))}"
