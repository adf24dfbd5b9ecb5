"""Graph files: DCRNN's pickle read without running it, matrices, lists of edges."""

import math
import os
import pickle
import subprocess
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stlora.data.readers.graph_file import read_graph
from stlora.errors import InputError

IDS = ["773869", "767541", "767542"]
ADJACENCY = np.array([[1, 0.5, 0], [0, 1, 0.25], [0, 0, 1]], dtype=np.float32)
SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

# What Python 2 wrote: text opcodes, numpy's old module names, the matrix as a quoted byte string.
PYTHON2 = (
    b"(lp0\n(lp1\nS'a'\np2\naS'b'\np3\naa(dp4\nS'a'\np5\nI0\nsS'b'\np6\nI1\nsa"
    b"cnumpy.core.multiarray\n_reconstruct\np7\n(cnumpy\nndarray\np8\n(I0\ntp9\nS'b'\np10\ntp11\nRp12\n"
    b"(I1\n(I2\nI2\ntp13\ncnumpy\ndtype\np14\n(S'f4'\np15\nI0\nI1\ntp16\nRp17\n"
    b"(I3\nS'<'\np18\nNNNI-1\nI-1\nI0\ntp19\nbI00\n"
    b"S'\\x00\\x00\\x80?\\x00\\x00\\x00?\\x00\\x00\\x00\\x00\\x00\\x00\\x80?'\np20\ntp21\nba."
)


def check_one_line(error):
    assert "\n" not in str(error)


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def write(tmp_path, content, name="adj_mx.pkl"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_of_every_protocol(tmp_path, write_graph, protocol):
    graph = read_graph(write_graph(tmp_path / "adj_mx.pkl", IDS, ADJACENCY, protocol))
    assert graph.node_ids == tuple(IDS)
    np.testing.assert_array_equal(graph.adjacency, ADJACENCY)


def test_pickle_written_by_python_2(tmp_path):
    graph = read_graph(write(tmp_path, PYTHON2))
    assert graph.node_ids == ("a", "b")
    assert graph.adjacency.tolist() == [[1, 0.5], [0, 1]]


def test_pickle_of_numpy_1_module_names(tmp_path, write_graph):
    path = write_graph(tmp_path / "adj_mx.pkl", IDS, ADJACENCY, 2)
    old = path.read_bytes().replace(b"numpy._core", b"numpy.core")
    assert old != path.read_bytes()
    np.testing.assert_array_equal(read_graph(write(tmp_path, old)).adjacency, ADJACENCY)


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize(
    "matrix", [ADJACENCY, ADJACENCY.astype(">f8"), np.asfortranarray(ADJACENCY), ADJACENCY > 0, ADJACENCY.astype(int)]
)
def test_pickled_bare_matrix_of_any_number_type(tmp_path, matrix, protocol):
    graph = read_graph(write(tmp_path, pickle.dumps(matrix, protocol)))
    assert graph.node_ids is None
    np.testing.assert_array_equal(graph.adjacency, matrix.astype(np.float32))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_pickle_that_runs_a_command_is_refused_and_not_run(tmp_path, protocol):
    witness = tmp_path / "witness"
    content = pickle.dumps([IDS, {}, Calls(os.system, f"touch {witness}")], protocol)
    pickle.loads(content)  # noqa: S301  (shows that the pickle does run)
    assert witness.exists()
    witness.unlink()
    with pytest.raises(InputError, match=r"names '(posix|nt)\.system', which is refused"):
        read_graph(write(tmp_path, content))
    assert not witness.exists()


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(eval, ("1",)), (subprocess.Popen, (["true"],)), (np.load, ("x",)), (open, ("x",)), (getattr, (1, "real"))],
)
def test_pickle_that_names_any_other_function_is_refused(tmp_path, function, arguments):
    content = pickle.dumps(Calls(function, *arguments), 4)
    with pytest.raises(InputError, match=f"{function.__name__}', which is refused"):
        read_graph(write(tmp_path, content))


def test_pickle_cannot_change_the_functions_it_may_call(tmp_path):
    content = b"\x80\x02cnumpy\ndtype\n}X\x04\x00\x00\x00codeX\x01\x00\x00\x00xsb."
    with pytest.raises(InputError, match="tries to change a function"):
        read_graph(write(tmp_path, content))


def test_declared_size_beyond_the_file_is_refused_before_it_is_allocated(tmp_path):
    path = write(tmp_path, b"\x80\x05\x96" + (1 << 28).to_bytes(8, "little") + b"abc")
    tracemalloc.start()
    with pytest.raises(InputError, match="the file ends early"):
        read_graph(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_pickle_of_objects_in_an_array_is_refused(tmp_path):
    content = pickle.dumps(np.array([["a", None], [1, 2]], dtype=object), 2)
    with pytest.raises(InputError, match="an array of type 'O8'; expected numbers"):
        read_graph(write(tmp_path, content))


@pytest.mark.parametrize("content", [{"a": 1}, "text", [1, 2, 3], [IDS, {}], None, [[1.5, 2, 3], {}, ADJACENCY]])
def test_pickle_of_something_else_is_refused(tmp_path, content):
    with pytest.raises(InputError, match="expected"):
        read_graph(write(tmp_path, pickle.dumps(content, 2)))


@pytest.mark.filterwarnings("ignore:.*invalid escape")
@given(position=st.integers(0, 10**6), junk=st.binary(max_size=4), cut=st.booleans())
@SHARED_FOLDER
def test_damaged_pickles_are_read_or_refused_in_one_line(tmp_path, write_graph, position, junk, cut):
    for raw in (write_graph(tmp_path / "adj_mx.pkl", IDS, ADJACENCY).read_bytes(), PYTHON2):
        at = position % len(raw)
        path = write(tmp_path, raw[:at] + junk + (b"" if cut else raw[at + len(junk) :]))
        try:
            graph = read_graph(path)
        except InputError as error:
            check_one_line(error)
        else:
            assert graph.adjacency.shape == (len(graph.adjacency),) * 2


@pytest.mark.filterwarnings("ignore:.*invalid escape")
@given(st.binary(max_size=80))
@SHARED_FOLDER
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path, raw):
    for content, name in ((raw, "g.pkl"), (b"\x93NUMPY" + raw, "g.npy"), (b"from,to,cost\n" + raw, "g.csv")):
        try:
            read_graph(write(tmp_path, content, name))
        except InputError as error:
            check_one_line(error)


def test_matrix_file(tmp_path):
    np.save(tmp_path / "graph.npy", ADJACENCY.astype(np.float64))
    graph = read_graph(tmp_path / "graph.npy")
    assert graph.node_ids is None
    np.testing.assert_array_equal(graph.adjacency, ADJACENCY)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\)"),
        (np.ones(4), r"shape \(4,\)"),
        (np.array([[0, -1.0], [0, 0]]), "edge weight -1.0 from node 0 to node 1"),
        (np.array([[0, np.nan], [0, 0]]), "edge weight nan from node 0 to node 1"),
        (np.array([[0, 0], [1e39, 0]]), "from node 1 to node 0"),
        (np.array([["a"]]), "expected numbers"),
        (np.array([[None]]), "an array of type '\\|O'; expected numbers"),
    ],
)
def test_unusable_matrix_is_refused(tmp_path, matrix, message):
    np.save(tmp_path / "graph.npy", matrix)
    with pytest.raises(InputError, match=message):
        read_graph(tmp_path / "graph.npy")


def test_edge_list_of_weights_is_taken_as_it_stands(tmp_path):
    graph = read_graph(write(tmp_path, "from,to,weight\r\na,b,2\r\nb,c,0.05\r\na,b,2\r\n", "edges.csv"))
    assert graph.node_ids == ("a", "b", "c")
    np.testing.assert_allclose(graph.adjacency, [[0, 2, 0], [0, 0, 0.05], [0, 0, 0]])
    assert graph.notes == ()


@pytest.mark.parametrize("kind", ["cost", "distance"])
def test_edge_list_of_distances_goes_through_the_gaussian_kernel(tmp_path, kind):
    graph = read_graph(write(tmp_path, f"to,from,{kind}\nb,a,1\nc,a,2\nc,b,6\n", "edges.csv"))
    variance = np.var([1, 2, 6])
    position = {node: i for i, node in enumerate(graph.node_ids)}
    assert graph.adjacency[position["a"], position["b"]] == pytest.approx(math.exp(-1 / variance))
    assert graph.adjacency[position["a"], position["c"]] == pytest.approx(math.exp(-4 / variance))
    assert np.count_nonzero(graph.adjacency) == 2  # exp(-36 / variance) is below 0.1
    assert "1 of 3 below 0.1" in graph.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from,to\na,b\n", "expected from, to and one of weight, cost, distance"),
        ("from,to,cost,weight\na,b,1,1\n", "expected from, to and one of"),
        ("from,to,cost\n", "lists no edges"),
        ("from,to,weight\na,b,x\n", "row 1 is 'a,b,x'"),
        ("from,to,weight\na,b,1\na,c,-1\n", "row 2 is 'a,c,-1'"),
        ("from,to,weight\na,,1\n", "row 1 is 'a,,1'"),
        ("from,to,weight\na,b\n", "row 1 has 2 cells"),
        ("from,to,weight\na,b,1\na,b,2\n", "row 2 gives the edge from 'a' to 'b' a second weight"),
        ("from,to,cost\na,b,3\nb,c,3\n", "all values of cost are equal"),
        ("time,a\n2024-01-01,1\n", "expected a CSV with columns from, to"),
        ("", "is empty"),
        ("<html>", "is a web page"),
    ],
)
def test_unusable_edge_list_is_refused(tmp_path, text, message):
    path = write(tmp_path, text, "edges.csv")
    with pytest.raises(InputError) as caught:
        read_graph(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        read_graph(tmp_path / "none.pkl")
    with pytest.raises(InputError, match="is a folder"):
        read_graph(tmp_path)


@pytest.mark.parametrize(
    ("name", "nodes", "nonzero"), [("metr-la_adj_mx.pkl", 207, 1722), ("pems-bay_adj_mx.pkl", 325, 2694)]
)
def test_public_graphs(real_data, name, nodes, nonzero):
    graph = read_graph(real_data / "graphs" / name)
    assert graph.adjacency.shape == (nodes, nodes)
    assert np.count_nonzero(graph.adjacency) == nonzero
    assert (graph.adjacency.diagonal() == 1).all()
    assert len(graph.node_ids) == nodes


@pytest.mark.parametrize(("name", "nodes"), [("PEMS04.csv", 307), ("PEMS08.csv", 170)])
def test_public_edge_lists(real_data, name, nodes):
    assert read_graph(real_data / "graphs" / name).adjacency.shape == (nodes, nodes)
