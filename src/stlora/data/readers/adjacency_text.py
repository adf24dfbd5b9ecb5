"""A matrix ``[N, N]`` as text: N rows of N numbers, with or without the names of the nodes above and beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stlora.data.readers import graph_cells
from stlora.data.readers.graph import Graph
from stlora.errors import InputError


def to_matrix(rows: list[list[str]], comma: bool) -> Graph | None:
    """The graph of these cells; None if they are no square of numbers.

    Names stand in the first row, or in the first column too, where the cell above them is empty, no number or absent.
    Names that are 0, 1, 2 and so on are those of a table that has none.

    Args:
        rows: the cells, as :func:`stlora.data.readers.graph_cells.read_rows` gives them.
        comma: whether numbers have decimal commas.

    Raises:
        InputError: rows and columns name different nodes, or a comma may part thousands.

    Example:
        >>> to_matrix([["", "b", "a"], ["a", "1", "0"], ["b", "0", "2"]], comma=False).adjacency.tolist()
        [[0.0, 2.0], [1.0, 0.0]]
    """
    height, width = len(rows), len(rows[-1])
    beside = height == len(rows[0]) + 1 == width or (
        height == width > 1 and graph_cells.number(rows[0][0], comma) is None
    )
    above = beside or height == width + 1
    if height - above != width - beside or height == above:
        return None
    body = [row[beside:] for row in rows[above:]]
    if comma:
        graph_cells.check_commas([cell for row in body for cell in row])
    numbers: NDArray[np.float64] = np.empty((len(body), len(body)))
    for i, row in enumerate(body):
        for j, cell in enumerate(row):
            value = graph_cells.number(cell, comma)
            if value is None:
                return None
            numbers[i, j] = value
    if not above:
        return Graph(None, numbers)
    names = rows[0][len(rows[0]) - len(body) :]
    if beside:
        here = [row[0] for row in rows[1:]]
        if set(here).isdisjoint(names):
            return None
        if sorted(here) != sorted(names):
            raise InputError(
                f"names the rows {', '.join(here[:3])} … and the columns {', '.join(names[:3])} …; "
                "expected the same nodes"
            )
        place = {name: i for i, name in enumerate(here)}
        numbers = numbers[[place[name] for name in names]]
    unnamed = names == [str(i) for i in range(len(names))]
    return Graph(None if unnamed else tuple(names), numbers)
