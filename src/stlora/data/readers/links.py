"""The list of links beside a PEMS data set: which sensors are joined, without direction or weight."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stlora.data.readers.adjacency_table import Link, read_links
from stlora.data.readers.graph import Graph
from stlora.errors import InputError


def read(path: Path, node_ids: tuple[str, ...]) -> Graph:
    """Read the links between these sensors: a symmetric graph with weight 1, as published work on PEMS uses it.

    Raises:
        InputError: the list cannot be read, or names a sensor that is not among them.
    """
    links, kind = read_links(path)
    known = set(node_ids)
    unknown = [node for link in links for node in (link.origin, link.target) if node not in known]
    if unknown:
        raise InputError(
            f"names the sensor {unknown[0]!r}, which is none of the {len(node_ids)} of the data (such as "
            f"{node_ids[0]!r}); put the list of sensor ids beside it, named as the data with .txt, one id a line"
        )
    return join(links, kind, node_ids)


def join(links: list[Link], kind: str, node_ids: tuple[str, ...]) -> Graph:
    """The symmetric graph with weight 1 of these links; repeated links and self loops are left out with a note.

    Example:
        >>> join([Link("a", "b", 2.5), Link("b", "a", 2.5), Link("a", "a", 0.0)], "cost", ("a", "b")).adjacency.tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    position = {node: i for i, node in enumerate(node_ids)}
    pairs = {frozenset((link.origin, link.target)) for link in links if link.origin != link.target}
    loops = sum(link.origin == link.target for link in links)
    matrix = np.zeros((len(node_ids), len(node_ids)), dtype=np.float32)
    for origin, target in pairs:
        matrix[position[origin], position[target]] = matrix[position[target], position[origin]] = 1.0
    note = (
        f"The graph joins each of {len(pairs)} pairs of sensors both ways with weight 1, as published work does; "
        f"the column {kind} is not used, {len(links) - len(pairs) - loops} repeated rows and {loops} self loops "
        "were left out."
    )
    return Graph(node_ids, matrix, (note,))
