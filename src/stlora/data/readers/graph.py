"""What every reader of a graph returns, and how its nodes are matched to the sensors of a series."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stlora.errors import InputError

MAX_NODES = 20_000  # whose matrix [N, N] takes 1.6 GB


@dataclass(frozen=True, eq=False)
class Graph:
    """A weighted directed graph.

    Attributes:
        node_ids: the M node names, or None if the file does not name them.
        adjacency: ``[M, M]`` float32 weights of 0 or more, row = from, column = to.
        notes: what was assumed while reading, a sentence each.

    Raises:
        InputError: the matrix is not square, has weights below 0 or not finite, or does not fit the names.
    """

    node_ids: tuple[str, ...] | None
    adjacency: NDArray[Any]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        matrix = np.asarray(self.adjacency)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype.kind not in "fiub":
            raise InputError(f"holds an array of shape {matrix.shape} and type {matrix.dtype}; expected numbers [N, N]")
        with np.errstate(invalid="ignore"):
            unusable = ~((matrix >= 0) & (matrix <= np.finfo(np.float32).max))
        if unusable.any():
            row, column = np.argwhere(unusable)[0]
            raise InputError(
                f"has the edge weight {matrix[row, column]} from node {row} to node {column}; "
                "expected finite weights of 0 or more"
            )
        object.__setattr__(self, "adjacency", matrix.astype(np.float32))
        if self.node_ids is None:
            return
        if len(self.node_ids) != len(matrix):
            raise InputError(
                f"names {len(self.node_ids)} nodes for a matrix of shape {matrix.shape}; expected one each"
            )
        twice = [node for node, count in Counter(self.node_ids).items() if count > 1]
        if twice:
            raise InputError(f"names node {twice[0]!r} more than once; node ids must be unique")

    def knows(self, node_ids: Sequence[str]) -> bool:
        """Whether the graph can be matched to these sensors.

        Example:
            >>> Graph(("a", "b"), np.eye(2)).knows(["b"])
            True
        """
        return self._places(node_ids) is not None

    def match(self, node_ids: Sequence[str]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """The weights between these sensors, in their order.

        Returns:
            ``[N, N]`` weights, and a note on each assumption.

        Raises:
            InputError: the graph does not know a sensor, or has no names and another size.

        Example:
            >>> Graph(("a", "b"), np.array([[0.0, 1.0], [2.0, 0.0]])).match(["b", "a"])[0].tolist()
            [[0.0, 2.0], [1.0, 0.0]]
        """
        nodes, found = len(node_ids), self._places(node_ids)
        if found is None and self.node_ids is None:
            raise InputError(
                f"has shape {self.adjacency.shape} for {nodes} sensors; expected [{nodes}, {nodes}] in their order"
            )
        if found is None:
            names = self.node_ids or ()
            known = set(names)
            unknown = [node for node in node_ids if node not in known]
            raise InputError(
                f"does not know {len(unknown)} of the {nodes} sensors (first: {unknown[0]!r}; it knows such as "
                f"{next(iter(names), 'none')!r}); name a graph of these sensors or leave those sensors out"
            )
        order, assumed = found
        notes = self.notes + assumed
        if len(self.adjacency) > nodes:
            notes += (f"{len(self.adjacency) - nodes} nodes of the graph have no data and were dropped.",)
        if order != sorted(order) and not assumed:
            notes += ("The nodes of the graph were put in the order of the data.",)
        return self.adjacency if order == list(range(len(self.adjacency))) else self.adjacency[
            np.ix_(order, order)
        ], notes

    def _places(self, node_ids: Sequence[str]) -> tuple[list[int], tuple[str, ...]] | None:
        """Where these sensors stand among the nodes, and a note on what was assumed; None if one is unknown.

        Ids that are text are compared as they stand, then as numbers: 773869.0 is 773869, and 04 is 4.
        """
        nodes = len(node_ids)
        in_order = ("The graph names no nodes; they were taken in the order of the data.",)
        if self.node_ids is None:
            return (list(range(nodes)), in_order) if len(self.adjacency) == nodes else None
        position = {node: i for i, node in enumerate(self.node_ids)}
        if all(node in position for node in node_ids):
            return [position[node] for node in node_ids], ()
        plain = {_plain(node): i for i, node in enumerate(self.node_ids)}
        wanted = [_plain(node) for node in node_ids]
        if len(plain) == len(position) and len(set(wanted)) == nodes and all(node in plain for node in wanted):
            i = next(i for i, node in enumerate(node_ids) if node not in position)
            name = self.node_ids[plain[wanted[i]]]
            return [plain[node] for node in wanted], (f"Ids were compared as numbers: {name!r} is {node_ids[i]!r}.",)
        numbers = {str(i) for i in range(nodes)}
        if numbers == set(position) and numbers.isdisjoint(node_ids):
            return [position[str(i)] for i in range(nodes)], (
                f"The graph calls its nodes 0 to {nodes - 1}; they were taken in the order of the data.",
            )
        return None


def _plain(node: str) -> str:
    number = re.fullmatch(r"0*(\d+)(\.0*)?", node.strip())
    return number[1] if number else node.strip()
