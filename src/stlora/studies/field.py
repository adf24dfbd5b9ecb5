"""The study of one field of the adapter: what each of its values is worth on trained backbones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from stlora.data import SensorSeries
from stlora.evaluation.writing import to_markdown
from stlora.folders import claimed
from stlora.studies.cells import make_cells, run_cells
from stlora.studies.config import FieldStudyConfig
from stlora.studies.designs import Design, designs_of, value_text
from stlora.studies.drawing import try_figure
from stlora.studies.outcome import Outcome, Study, gather
from stlora.studies.protocol import check_same_study, make_protocol
from stlora.studies.sources import Measurements, find_sources
from stlora.studies.writing import about_table, study_table, write_page, write_study
from stlora.training import together

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def field_study(field: str, config: FieldStudyConfig, series: Iterable[SensorSeries] = (), show: bool = False) -> Study:
    """Fit the adapter with each value of a field to each trained backbone, and write table and figure.

    A finished cell is not run again, a failed one is reported and the others go on.

    Args:
        field: of :class:`stlora.adapters.STLoRAConfig`.
        config: all options.
        series: measurements that are at hand; those of other runs are read.
        show: progress on the terminal.

    Raises:
        InputError: several processes were started, there is no such field or value, or a run or its data cannot be
            used.
    """
    together.refuse("a study")
    with claimed(config.out):
        return _field_study(field, config, series, show)


def _field_study(field: str, config: FieldStudyConfig, series: Iterable[SensorSeries], show: bool) -> Study:
    designs = designs_of(field, config.values, config)
    out, cells = Path(config.out), make_cells(config, find_sources(config.runs), designs)
    protocol = make_protocol(field, config, cells)
    check_same_study(out, protocol)
    failed: dict[str, str] = {}

    def value(design: Design) -> str:
        return value_text(design.changes[field])

    def write() -> Outcome:
        outcome = gather(cells, failed)
        write_study(out, protocol, cells, outcome)
        parts = [to_markdown(study_table(outcome, field, value)), about_table(outcome, protocol)]
        write_page(out, f"Study of {field}", parts, failed)
        return outcome

    def draw() -> Figure:
        from stlora.studies.field_figure import field_figure

        return field_figure(field, designs, outcome)

    outcome = write()  # the protocol stands before the first cell does
    for more in run_cells(config, cells, Measurements(series), show):
        failed |= more
        outcome = write()
    return Study([study_table(outcome, field, value)], try_figure(out, draw) if outcome.points else "", failed)
