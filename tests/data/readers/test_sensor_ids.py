"""DCRNN's list of sensor ids: what it says of distances and matrices that lie beside it."""

import numpy as np
import pandas as pd
import pytest

from stlora.data import load_series
from stlora.data.readers.graph_file import read_graph
from stlora.data.readers.sensor_ids import FILE_NAME, read_ids
from stlora.errors import InputError

# The rows of sensor 6 would widen the scale; sensor 9 has none.
DISTANCES = "from,to,cost\n7,7,0\n7,8,1\n8,7,3\n8,6,5000\n6,6,0\n6,7,9000\n"
IDS = "9,8,7"
SCALE = np.std([0.0, 1.0, 3.0])
WEIGHTS = np.array([[0, 0, 0], [0, 0, 0], [0, np.exp(-((1 / SCALE) ** 2)), 1]])  # 8 to 7 is below 0.1
MATRIX = np.array([[1, 0.5, 0], [0, 1, 0.25], [0, 0, 1]])


@pytest.fixture
def folder(tmp_path, write_h5):
    values = np.arange(1.0, 13.0).reshape(4, 3)
    write_h5(tmp_path / "metr-la.h5", values, pd.date_range("2012-03-01", periods=4, freq="5min"), [b"7", b"8", b"9"])
    (tmp_path / "distances_la_2012.csv").write_text(DISTANCES)
    (tmp_path / FILE_NAME).write_text(IDS)
    return tmp_path


@pytest.mark.parametrize("text", ["773869,767541", "773869, 767541\r\n", "\ufeff773869,767541\n"])
def test_ids_keep_their_order(tmp_path, text):
    (tmp_path / FILE_NAME).write_bytes(text.encode())
    assert read_ids(tmp_path / FILE_NAME) == ("773869", "767541")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"1,2,1", "'1' more than once"),
        (b"1,,2", "no id at place 2 of 3"),
        (b"1\n2\n", "has 2 lines"),
        (b"\xff\xfe1\x00", "cannot be read as UTF-8"),
        (b"1,2\x00,3", "not text"),
    ],
)
def test_what_is_no_list_of_ids_is_refused_in_one_line(tmp_path, content, message):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_ids(tmp_path / FILE_NAME)
    assert "\n" not in str(caught.value)
    (tmp_path / "distances.csv").write_text(DISTANCES)
    with pytest.raises(InputError, match=rf"distances.csv: {FILE_NAME} beside it .*{message}"):
        read_graph(tmp_path / "distances.csv")


def test_distances_are_those_between_the_listed_sensors(folder):
    graph = read_graph(folder / "distances_la_2012.csv")
    assert graph.node_ids == ("9", "8", "7")
    np.testing.assert_allclose(graph.adjacency, [[0, 0, 0], [0, 0, 0], [0, WEIGHTS[2, 1], 1]], rtol=1e-6)
    assert "3 of 6 rows are between the 3 sensors of graph_sensor_ids.txt" in graph.notes[0]
    assert "1 of these sensors have no cost and so no edge, not even to themselves (first: '9')" in graph.notes[0]


def test_folder_without_pickle_takes_the_distances_as_its_graph(folder):
    for path in (folder, folder / "metr-la.h5"):
        series = load_series(path)
        np.testing.assert_allclose(series.adjacency, WEIGHTS[::-1, ::-1], rtol=1e-6)
        assert "The graph is distances_la_2012.csv, which lies with the data." in series.notes


def test_pickle_comes_before_the_distances(folder, write_graph):
    write_graph(folder / "adj_mx.pkl", ["7", "8", "9"], MATRIX)
    np.testing.assert_array_equal(load_series(folder).adjacency, MATRIX)


def test_distances_without_a_list_are_not_taken_unasked(folder):
    (folder / FILE_NAME).unlink()
    assert load_series(folder).adjacency is None


def test_of_the_distances_of_two_networks_those_that_know_the_sensors_are_taken(folder):
    (folder / "distances_bay_2017.csv").write_text("from,to,cost\n401,402,10\n402,401,30\n")
    assert "The graph is distances_la_2012.csv, which lies with the data." in load_series(folder).notes
    assert any("names none of its nodes" in note for note in read_graph(folder / "distances_bay_2017.csv").notes)


def test_folder_whose_list_lacks_a_sensor_is_refused(folder):
    (folder / FILE_NAME).write_text("7,8")
    with pytest.raises(InputError, match=r"distances_la_2012.csv: does not know 1 of the 3 sensors \(first: '9'"):
        load_series(folder)
    series = load_series(folder / "metr-la.h5")
    assert series.adjacency is None
    assert "distances_la_2012.csv beside the file does not know these sensors; not used." in series.notes


def test_list_without_a_distance_between_its_sensors_is_refused(folder):
    (folder / FILE_NAME).write_text("8,9")
    with pytest.raises(InputError, match="no cost between two of the 2 sensors"):
        read_graph(folder / "distances_la_2012.csv")


def test_named_distances_are_restricted_and_say_so(folder):
    series = load_series(folder / "metr-la.h5", folder / "distances_la_2012.csv")
    np.testing.assert_allclose(series.adjacency, WEIGHTS[::-1, ::-1], rtol=1e-6)
    assert any("between the 3 sensors of graph_sensor_ids.txt" in note for note in series.notes)


def test_only_the_listed_sensors_count_as_nodes(folder):
    rows = "".join(f"x{i},x{i},0\n" for i in range(20_001))
    (folder / "distances_la_2012.csv").write_text(DISTANCES + rows)
    assert read_graph(folder / "distances_la_2012.csv").node_ids == ("9", "8", "7")
    (folder / FILE_NAME).unlink()
    with pytest.raises(InputError, match="joins 20004 nodes"):
        read_graph(folder / "distances_la_2012.csv")


def test_weights_are_taken_whole(folder):
    (folder / "edges.csv").write_text("from,to,weight\n7,6,1\n")
    assert read_graph(folder / "edges.csv").node_ids == ("7", "6")


def test_matrix_takes_its_order_from_the_list(folder):
    np.save(folder / "matrix.npy", MATRIX)
    series = load_series(folder / "metr-la.h5", folder / "matrix.npy")
    np.testing.assert_array_equal(series.adjacency, MATRIX[::-1, ::-1])
    assert "matrix.npy: The order of the nodes is that of graph_sensor_ids.txt." in series.notes


def test_matrix_of_another_size_than_the_list_is_refused(folder):
    np.save(folder / "matrix.npy", np.eye(4))
    with pytest.raises(InputError, match=r"matrix.npy: has shape \(4, 4\), but graph_sensor_ids.txt .* 3 sensors"):
        read_graph(folder / "matrix.npy")
