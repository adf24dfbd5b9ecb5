"""The verb ``stlora data convert``: one layout in, another out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stlora.paths import PathOptions, check_not_input
from stlora.training.config import reading_options


@dataclass(kw_only=True)
class ConvertOptions(PathOptions):
    """Read data in any layout and write them in another.

    Attributes:
        path: a file, a folder, or a catalogue name.
        output: the file to write (.csv or .parquet), or the folder for the layouts basicts and largest.
        layout: wide has one column per sensor, long one row per time and sensor.
        channel: which measurement to read of data that hold several, such as speed.
        columns: the columns of a table, where their names do not tell, such as time=date+hour,node=site,value=count.
        decimal: the decimal mark of numbers as text, . or , where it cannot be told; the other one parts thousands.
        day_first: whether days stand before months in dates such as 03/04/2024, where it cannot be told.
        start: the first time stamp of a file that holds no dates.
        interval: the time between two rows of a file that does not tell it, such as 15min.
        timezone: the clock of the data, such as Europe/Berlin; time stamps without zone are taken for it, others
            converted to it; theirs if not given.
        graph: a graph file that does not lie with the data.
        zero_is_missing: whether a zero means missing; as the file's layout says if not given.
    """

    path: str
    output: str
    layout: Literal["wide", "long", "basicts", "largest"] = "wide"
    channel: str | None = None
    columns: str | None = None
    decimal: str | None = None
    day_first: bool | None = None
    start: str | None = None
    interval: str | None = None
    timezone: str | None = None
    graph: str | None = None
    zero_is_missing: bool | None = None


def data_convert(options: ConvertOptions) -> None:
    """Read, write, and say what was assumed and which files there are."""
    from stlora.data import load_series
    from stlora.data.writers import LAYOUTS, check_target, write_series
    from stlora.data.writers.tables import companions

    output = check_target(options.output, options.layout)
    inputs = (options.path, options.graph)
    check_not_input(output, inputs)
    series = load_series(
        options.path,
        graph=options.graph,
        start=options.start,
        interval=options.interval,
        **reading_options(options),
    )
    for path, content in companions(series, output).items() if LAYOUTS[options.layout].suffixes else ():
        if path.exists() and path.read_bytes() != content:
            check_not_input(path, (*inputs, *_beside(options.path, path)))
    written = write_series(series, options.output, options.layout)
    print(f"{series.num_steps} steps of {series.num_nodes} sensors written:")
    for path in written:
        print(f"  {path}")


def _beside(given: str, path: Path) -> list[Path]:
    """A file that lies with the one that is read, and may have been read as its graph or locations."""
    return [path] if Path(given).is_file() and Path(given).resolve().parent == path.resolve().parent else []
