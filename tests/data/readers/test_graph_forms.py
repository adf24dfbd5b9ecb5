"""The same graph in every form that is read; and forms that say what they are when they cannot be."""

import collections
import io
import pickle
import time
import zipfile

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stlora.data.readers.graph_file import read_graph
from stlora.errors import InputError

WEIGHTS = st.one_of(st.just(0.0), st.floats(0.0, 1e6, width=32, allow_nan=False))
SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def _sparse(kind):
    return lambda path, ids, a: sp.save_npz(path.with_suffix(".npz"), getattr(sp, f"{kind}_matrix")(a))


def _pickle(make, protocol=2):
    def write(path, ids, a):
        path.with_suffix(".pkl").write_bytes(pickle.dumps([make(ids), {n: i for i, n in enumerate(ids)}, a], protocol))

    return write


def _crlf(path, ids, a):
    path.with_suffix(".pkl").write_bytes(pickle.dumps([ids, {}, a], 0).replace(b"\n", b"\r\n"))


def _matrix(**options):
    def write(path, ids, a):
        pd.DataFrame(a.astype(str), ids, ids).to_csv(path.with_suffix(".csv"), **options)

    return write


def _shuffled(path, ids, a):
    frame = pd.DataFrame(a.astype(str), ids, ids)
    frame.iloc[::-1].to_csv(path.with_suffix(".csv"), index_label="node")


def _edges(header, separator=",", quote=False, decimal=".", extra=False):
    def write(path, ids, a):
        mark = '"' if quote else ""
        lines = [separator.join(f"{mark}{name}{mark}" for name in (*(["n"] if extra else []), *header))]
        for i, j in np.ndindex(a.shape):
            value = str(a[i, j]).replace(".", decimal)
            cells = [f"{mark}{ids[i]}{mark}", f"{mark}{ids[j]}{mark}", value]
            lines.append(separator.join([*(["1"] if extra else []), *cells]))
        path.with_suffix(".csv").write_text("\n".join(lines) + "\n")

    return write


NAMED = {
    **{f"pickle {p}": _pickle(list, p) for p in range(6)},
    "ids as a tuple": _pickle(tuple),
    "ids as text of numpy": _pickle(np.array),
    "ids as objects of numpy": _pickle(lambda ids: np.array(ids, dtype=object)),
    "ids as numbers": _pickle(lambda ids: [int(i) for i in ids]),
    "ids as scalars of numpy": _pickle(lambda ids: list(np.array([int(i) for i in ids]))),
    "ids as an array of numbers": _pickle(lambda ids: np.array([int(i) for i in ids])),
    "ids as floats": _pickle(lambda ids: [float(i) for i in ids]),
    "ids as text of floats": _pickle(lambda ids: [str(float(i)) for i in ids]),
    "line ends of Windows": _crlf,
    "matrix of pandas": _matrix(),
    "matrix with semicolons": _matrix(sep=";"),
    "matrix with tabs": _matrix(sep="\t"),
    "matrix all quoted": _matrix(quoting=1),
    "matrix with a header alone": _matrix(index=False),
    "matrix with rows in another order": _shuffled,
    "edges": _edges(("from", "to", "weight")),
    "edges of R": _edges(("from", "to", "weight"), quote=True),
    "edges of networkx": _edges(("source", "target", "weight"), "\t"),
    "edges of Germany": _edges(("From", "To", "Weight"), ";", decimal=","),
    "edges with a further column": _edges(("from", "to", "weight"), extra=True),
}


def _array(path, ids, a):
    np.save(path.with_suffix(".npy"), a)


def _archive(path, ids, a):
    np.savez_compressed(path.with_suffix(".npz"), adj=a, ids=np.array(ids))


def _text(delimiter):
    return lambda path, ids, a: np.savetxt(path.with_suffix(".txt"), a, delimiter=delimiter)


NAMELESS = {
    **{f"sparse {kind}": _sparse(kind) for kind in ("csr", "csc", "coo", "bsr", "dia")},
    "array": _array,
    "columns first": lambda path, ids, a: np.save(path.with_suffix(".npy"), np.asfortranarray(a)),
    "one array of an archive": _archive,
    "matrix of numpy": lambda path, ids, a: path.with_suffix(".pkl").write_bytes(pickle.dumps(np.matrix(a), 2)),
    "text with spaces": _text(" "),
    "text with commas": _text(","),
    "table without names": lambda path, ids, a: pd.DataFrame(a).to_csv(path.with_suffix(".csv")),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("form", [*NAMED, *NAMELESS])
@SETTINGS
@given(data=st.data())
def test_any_graph_in_any_form_is_read_back_equal(tmp_path, form, data):
    size = data.draw(st.integers(2, 6))
    a = data.draw(arrays(np.float32, (size, size), elements=WEIGHTS))
    a[0, 1] = 0.25  # a value that is no id, wherever it stands
    ids = data.draw(st.lists(st.integers(1000, 10**6).map(str), min_size=size, max_size=size, unique=True))
    for old in tmp_path.iterdir():
        old.unlink()
    (NAMED | NAMELESS)[form](tmp_path / "graph", ids, a)
    (path,) = tmp_path.iterdir()
    order = data.draw(st.permutations(ids)) if form in NAMED else ids
    place = [ids.index(node) for node in order]
    np.testing.assert_array_equal(read_graph(path).match(order)[0], a[np.ix_(place, place)])


def test_list_of_pems_bay_has_no_header(tmp_path):
    text = "400001,400001,0.0\n400001,400017,1.5\n400017,400001,2.5\n400030,400017,0.5\n"
    (tmp_path / "distances_bay_2017.csv").write_text(text)
    (tmp_path / "headed.csv").write_text("from,to,cost\n" + text)
    graph = read_graph(tmp_path / "distances_bay_2017.csv")
    assert graph.node_ids == ("400001", "400017", "400030")
    assert graph.adjacency.tolist() == read_graph(tmp_path / "headed.csv").adjacency.tolist()
    (tmp_path / "edges.csv").write_text(text)
    with pytest.raises(InputError, match="needs a first line from,to,weight or from,to,distance"):
        read_graph(tmp_path / "edges.csv")


def test_three_rows_of_three_numbers_may_be_either(tmp_path):
    (tmp_path / "x.csv").write_text("0,1,1\n1,0,1\n1,2,0\n")
    with pytest.raises(InputError, match="needs a first line"):
        read_graph(tmp_path / "x.csv")


def test_commas_that_may_part_thousands_are_refused(tmp_path):
    (tmp_path / "x.csv").write_text("from;to;distance\na;b;1,250\nb;a;12,500\n")
    with pytest.raises(InputError, match="'1,250', whose comma may part thousands"):
        read_graph(tmp_path / "x.csv")


def test_nodes_called_by_their_number_are_those_of_the_data(tmp_path):
    (tmp_path / "x.csv").write_text("from,to,weight\n1,0,2\n2,1,3\n")
    weights, notes = read_graph(tmp_path / "x.csv").match(["s7", "s8", "s9"])
    assert weights.tolist() == [[0, 0, 0], [2, 0, 0], [0, 3, 0]]
    assert any("0 to 2" in note for note in notes)
    with pytest.raises(InputError, match="does not know 3 of the 4"):
        read_graph(tmp_path / "x.csv").match(["s7", "s8", "s9", "0"])


def test_ids_that_lost_zeros_are_matched_and_that_is_said(tmp_path):
    (tmp_path / "x.csv").write_text("from,to,weight\n4001,4002,2\n")
    weights, notes = read_graph(tmp_path / "x.csv").match(["04002", "04001"])
    assert weights.tolist() == [[0, 0], [2, 0]]
    assert any("compared as numbers" in note for note in notes)


def test_an_index_in_another_order_than_the_ids_is_refused(tmp_path):
    path = tmp_path / "g.pkl"
    path.write_bytes(pickle.dumps([["a", "b"], {"a": 1, "b": 0}, np.eye(2)], 2))
    with pytest.raises(InputError, match="gives sensor 'a' row 1 by its index and row 0 by its list"):
        read_graph(path)
    path.write_bytes(pickle.dumps([["a", "b"], collections.OrderedDict(a=0, b=1), np.eye(2)], 2))
    assert read_graph(path).node_ids == ("a", "b")


@pytest.mark.parametrize(
    "broken",
    [
        {"indices": [0, 9], "indptr": [0, 1, 2], "shape": [2, 2]},
        {"indices": [0, 1], "indptr": [0, 1], "shape": [2, 2]},
        {"indices": [0, 1], "indptr": [0, 5, 2], "shape": [2, 2]},
        {"indices": [0, 1], "indptr": [0, 1, 2], "shape": [2, 3]},
        {"indices": [0, 1], "indptr": [0, 1, 2], "shape": [1 << 40, 1 << 40]},
        {"indices": [0.5, 1], "indptr": [0, 1, 2], "shape": [2, 2]},
    ],
)
def test_sparse_parts_that_do_not_fit_are_refused(tmp_path, broken):
    parts = {name: np.array(part) for name, part in broken.items()}
    np.savez(tmp_path / "x.npz", format=b"csr", data=np.ones(2), **parts)
    with pytest.raises(InputError, match="sparse matrix") as error:
        read_graph(tmp_path / "x.npz")
    assert "\n" not in str(error.value)


def test_archives_without_one_matrix_are_named(tmp_path):
    np.savez(tmp_path / "two.npz", a=np.eye(2), b=np.eye(3))
    with pytest.raises(InputError, match="expected one matrix"):
        read_graph(tmp_path / "two.npz")
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    with pytest.raises(InputError, match="a zip archive without arrays"):
        read_graph(tmp_path / "model.pt")


def test_archives_packed_by_other_methods_are_refused(tmp_path):
    content = io.BytesIO()
    np.save(content, np.eye(3))
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("adj.npy", content.getvalue())
    with pytest.raises(InputError, match="packed by another method"):
        read_graph(tmp_path / "x.npz")


def test_pickled_sparse_matrices_are_named(tmp_path):
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(sp.csr_matrix(np.eye(3)), 2))
    with pytest.raises(InputError, match=r"scipy.sparse.save_npz"):
        read_graph(tmp_path / "x.pkl")


def _nested(make, depth=60):
    content = make(())
    for _ in range(depth):
        content = make((content, content))
    return content


@pytest.mark.parametrize(
    "bomb",
    [
        pickle.dumps([{}, {}, _nested(list)], 2),
        pickle.dumps([_nested(list), {}, np.eye(2)], 2),
    ],
)
def test_small_pickles_that_unfold_without_end_are_refused_at_once(tmp_path, bomb):
    (tmp_path / "x.pkl").write_bytes(bomb)
    began = time.monotonic()
    with pytest.raises(InputError):
        read_graph(tmp_path / "x.pkl")
    assert time.monotonic() - began < 5


def _tuples(depth):
    """Opcodes that leave a tuple of tuples of ... on the stack, each of which stands there once."""
    code = b")q\x000"
    for i in range(depth):
        code += bytes([0x68, i, 0x68, i, 0x86, 0x71, i + 1, 0x30])  # get, get, pair, keep, drop
    return code + bytes([0x68, depth])


@pytest.mark.parametrize(
    "code",
    [
        b"}" + _tuples(60) + b"K\x01s.",  # its hash as the key of a dictionary
        b"}(" + _tuples(60) + b"K\x01u.",
        b"(" + _tuples(60) + b"K\x01d.",
        b"\x8f(" + _tuples(60) + b"\x90.",  # in a set
        b"cnumpy\ndtype\n(" + _tuples(60) + b"tR.",  # its text in a message
        b"c_codecs\nencode\n(X\x01\x00\x00\x00a" + _tuples(60) + b"tR.",
    ],
)
def test_small_opcodes_that_unfold_without_end_are_refused_at_once(tmp_path, code):
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02" + code)
    began = time.monotonic()
    with pytest.raises(InputError):
        read_graph(tmp_path / "x.pkl")
    assert time.monotonic() - began < 5
