"""Matching a graph to the sensors of a series."""

import numpy as np
import pytest

from stlora.data.readers.graph import Graph
from stlora.errors import InputError

WEIGHTS = np.arange(9.0).reshape(3, 3)


def test_nodes_are_put_in_the_order_of_the_data():
    adjacency, notes = Graph(("a", "b", "c"), WEIGHTS).match(["c", "a", "b"])
    assert adjacency.tolist() == [[8, 6, 7], [2, 0, 1], [5, 3, 4]]
    assert notes == ("The nodes of the graph were put in the order of the data.",)


def test_nodes_without_data_are_dropped():
    adjacency, notes = Graph(("a", "b", "c"), WEIGHTS).match(["a", "c"])
    assert adjacency.tolist() == [[0, 2], [6, 8]]
    assert notes == ("1 nodes of the graph have no data and were dropped.",)


def test_equal_order_needs_no_note():
    assert Graph(("a", "b", "c"), WEIGHTS, ("read",)).match(["a", "b", "c"])[1] == ("read",)


def test_unknown_sensor_is_refused():
    with pytest.raises(InputError, match=r"does not know 2 of the 3 sensors \(first: 'x'; it knows such as 'a'\)"):
        Graph(("a", "b", "c"), WEIGHTS).match(["a", "x", "y"])


def test_matrix_without_names_must_have_the_size_of_the_data():
    graph = Graph(None, WEIGHTS)
    assert "order of the data" in graph.match(["x", "y", "z"])[1][0]
    with pytest.raises(InputError, match=r"shape \(3, 3\) for 2 sensors; expected \[2, 2\]"):
        graph.match(["x", "y"])
    assert not graph.knows(["x", "y"])


@pytest.mark.parametrize(("ids", "message"), [(("a", "b"), "names 2 nodes"), (("a", "b", "a"), "'a' more than once")])
def test_names_must_fit_the_matrix(ids, message):
    with pytest.raises(InputError, match=message):
        Graph(ids, WEIGHTS)
