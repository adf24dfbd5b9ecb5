"""The verb ``stlora data convert``: one layout in, another out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(kw_only=True)
class ConvertOptions:
    """Read data in any layout and write them in another.

    Attributes:
        path: a file, a folder, or a catalogue name.
        output: the file to write (.csv or .parquet), or the folder for the layouts basicts and largest.
        layout: wide has one column per sensor, long one row per time and sensor.
        channel: which measurement to read of a file that holds several, such as speed.
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
    start: str | None = None
    interval: str | None = None
    timezone: str | None = None
    graph: str | None = None
    zero_is_missing: bool | None = None


def data_convert(options: ConvertOptions) -> None:
    """Read, write, and say what was assumed and which files there are."""
    from stlora.data import load_series
    from stlora.data.writers import write_series

    series = load_series(
        options.path,
        graph=options.graph,
        zero_is_missing=options.zero_is_missing,
        channel=options.channel,
        start=options.start,
        interval=options.interval,
        timezone=options.timezone,
    )
    written = write_series(series, options.output, options.layout)
    print(f"{series.num_steps} steps of {series.num_nodes} sensors written:")
    for path in written:
        print(f"  {path}")
