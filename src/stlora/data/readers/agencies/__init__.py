"""What agencies publish, recognised by the names of its columns.

Time stamps are the start of the interval that a value is of, where the layout tells it. Values that the layout marks as
invalid are missing, and a note counts them.
"""

from stlora.data.readers.agencies.counters import COUNTERS, Auckland, EcoCounter
from stlora.data.readers.agencies.files import check_whole
from stlora.data.readers.agencies.layouts import LAYOUTS
from stlora.data.readers.agencies.rows import Layout

__all__ = ["COUNTERS", "LAYOUTS", "Auckland", "EcoCounter", "Layout", "check_whole"]
