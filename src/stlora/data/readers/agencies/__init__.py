"""What agencies publish, recognised by the names of its columns.

Time stamps are the start of the interval that a value is of, where the layout tells it. Values that the layout marks as
invalid are missing, and a note counts them.
"""

from __future__ import annotations

import pandas as pd

from stlora.data.readers.agencies.counters import COUNTERS, Auckland, EcoCounter
from stlora.data.readers.agencies.files import check_whole, of_frame
from stlora.data.readers.agencies.layouts import LAYOUTS
from stlora.data.readers.agencies.rows import Layout, read
from stlora.data.readers.table import Table

__all__ = ["COUNTERS", "LAYOUTS", "Auckland", "EcoCounter", "Layout", "check_whole", "table_of_frame"]


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
