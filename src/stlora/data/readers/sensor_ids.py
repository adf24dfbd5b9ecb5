"""DCRNN's ``graph_sensor_ids.txt``: which sensors a graph is of and in what order, one line of ids between commas."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from stlora.errors import InputError

FILE_NAME = "graph_sensor_ids.txt"
_EXPECTED = "expected one line of sensor ids between commas"


def read_ids(path: Path) -> tuple[str, ...]:
    """Read the sensor ids in their order.

    Raises:
        InputError: the file is empty, is no single line of text, or an id is empty or stands twice.
    """
    try:
        text = path.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as UTF-8 text ({error}); {_EXPECTED}") from error
    if not text:
        raise InputError(f"is empty; {_EXPECTED}")
    lines = len(text.splitlines())
    if lines > 1:
        raise InputError(f"has {lines} lines; {_EXPECTED}")
    if not text.replace("\t", " ").isprintable():
        raise InputError(f"begins with {text[:16]!r}, which is not text; {_EXPECTED}")
    ids = tuple(cell.strip() for cell in text.split(","))
    if "" in ids:
        raise InputError(f"has no id at place {ids.index('') + 1} of {len(ids)}; {_EXPECTED}")
    twice = [node for node, count in Counter(ids).items() if count > 1]
    if twice:
        raise InputError(f"lists the sensor {twice[0]!r} more than once; keep one")
    return ids


def read_ids_beside(graph: Path) -> tuple[str, ...] | None:
    """The ids that lie in the folder of a graph file; None if there are none.

    Raises:
        InputError: they cannot be read.
    """
    path = graph.with_name(FILE_NAME)
    if not path.is_file():
        return None
    try:
        return read_ids(path)
    except InputError as error:
        raise InputError(f"{FILE_NAME} beside it {error}") from error
