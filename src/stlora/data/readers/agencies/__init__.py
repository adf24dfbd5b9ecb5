"""What agencies publish, recognised by the names of its columns.

Time stamps are the start of the interval that a value is of, where the layout tells it. Values that the layout marks as
invalid are missing, and a note counts them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from stlora.data.readers.agencies.counters import COUNTERS, Auckland
from stlora.data.readers.agencies.files import check_whole, of_frame
from stlora.data.readers.agencies.layouts import LAYOUTS
from stlora.data.readers.agencies.rows import read, read_files
from stlora.data.readers.table import Table

__all__ = ["FORMATS", "LAYOUTS", "check_whole", "table_of_frame"]

# the name of each, whether a file is of it, and what reads the files of one table
FORMATS: tuple[tuple[str, Callable[[Path, bytes], bool], Callable[..., Table]], ...] = (
    *((layout.name, layout.recognises, partial(read_files, layout)) for layout in LAYOUTS),
    *((counter.name, counter.recognises, counter.read) for counter in COUNTERS),
)


def table_of_frame(frame: pd.DataFrame, channel: str | None) -> Table | None:
    """The table of a data frame that holds the columns of one of these layouts; None for any other.

    Args:
        frame: as a file of the layout holds it, such as ``pandas.read_csv`` returns it.
        channel: the column or quantity to read.

    Raises:
        InputError: there is no such channel, several may be meant, or a cell cannot be read.
    """
    source = of_frame(frame)
    for layout in LAYOUTS:
        if not layout.headless and layout.fits(source.outline.names):
            return read(layout, [source], channel)
    auckland = Auckland()
    return auckland.read_all([source]) if channel is None and len(frame) and auckland.fits(source) else None
