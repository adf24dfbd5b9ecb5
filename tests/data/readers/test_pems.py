"""PEMS03, 04, 07 and 08 as published."""

import numpy as np
import pandas as pd
import pytest

from stlora.data import load_series
from stlora.data.readers import links
from stlora.data.readers.graph_file import read_graph
from stlora.errors import InputError

VALUES = np.arange(36, dtype=np.float64).reshape(4, 3, 3)
LINKS = "from,to,cost\r\n0,1,352.6\r\n1,0,352.6\r\n1,2,100.5\r\n1,2,100.5\r\n2,2,0.0\r\n"


@pytest.fixture
def path(tmp_path):
    np.savez(tmp_path / "PEMS99.npz", data=VALUES)
    (tmp_path / "PEMS99.csv").write_bytes(LINKS.encode())
    return tmp_path / "PEMS99.npz"


@pytest.mark.parametrize(("channel", "position"), [(None, 0), ("flow", 0), ("occupancy", 1), ("speed", 2)])
def test_channel_is_chosen_by_name(path, channel, position):
    series = load_series(path, channel=channel)
    np.testing.assert_array_equal(series.values, VALUES[:, :, position])
    assert series.node_ids == ("0", "1", "2")
    assert f"The channel {channel or 'flow'} was read; the file also holds" in series.notes[0]
    assert series.unit == {0: "vehicles per 5 min", 1: "share of time", 2: "mph"}[position]


def test_single_channel_compressed_and_column_major(tmp_path):
    np.savez_compressed(tmp_path / "flow.npz", data=np.asfortranarray(VALUES[:, :, :1]))
    np.testing.assert_array_equal(load_series(tmp_path / "flow.npz").values, VALUES[:, :, 0])


def test_links_beside_become_the_symmetric_graph_of_the_field(path):
    for source in (path, path.parent):
        series = load_series(source)
        assert series.adjacency.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
        assert any("2 pairs of sensors both ways with weight 1" in note for note in series.notes)
        assert any("2 repeated rows and 1 self loops" in note for note in series.notes)
    assert load_series(path, graph="none").adjacency is None


def test_ids_beside_name_sensors_and_links(path):
    path.with_suffix(".txt").write_text("700\n800\n900")
    path.with_suffix(".csv").write_text("from,to,distance\n900,700,0.8\n")
    series = load_series(path)
    assert series.node_ids == ("700", "800", "900")
    assert series.adjacency.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_links_of_other_sensors_are_left_out_or_refused(path):
    path.with_suffix(".csv").write_text("from,to,distance\n900,700,0.8\n")
    series = load_series(path)
    assert series.adjacency is None
    assert any("PEMS99.csv was not used" in note and "'900'" in note for note in series.notes)
    with pytest.raises(InputError, match=r"PEMS99.csv: names the sensor '900', which is none of the 3"):
        load_series(path.parent)


def test_list_of_ids_of_another_length_is_left_out(path):
    path.with_suffix(".txt").write_text("700\n800")
    series = load_series(path)
    assert series.node_ids == ("0", "1", "2")
    assert any("PEMS99.txt was not used: it holds 2 ids for 3" in note for note in series.notes)


def test_unknown_set_gets_a_stated_start_and_interval(path):
    series = load_series(path)
    assert (series.time[0], series.interval) == (pd.Timestamp("2018-01-01"), pd.Timedelta("5min"))
    assert any("was assumed at 2018-01-01" in note for note in series.notes)
    assert any("0 days 00:05:00 was assumed" in note for note in series.notes)
    series = load_series(path, start="2020-02-29 12:00", interval="1h")
    assert series.time[-1] == pd.Timestamp("2020-02-29 15:00")
    assert series.unit == "vehicles per 60 min"


@pytest.mark.parametrize(
    ("steps", "nodes", "first", "last"),
    [
        (26_208, 358, "2018-09-01 00:00", "2018-11-30 23:55"),
        (16_992, 307, "2018-01-01 00:00", "2018-02-28 23:55"),
        (28_224, 883, "2017-05-01 00:00", "2017-08-06 23:55"),
        (17_856, 170, "2016-07-01 00:00", "2016-08-31 23:55"),
    ],
)
def test_published_sets_get_their_dates(tmp_path, steps, nodes, first, last):
    np.savez_compressed(tmp_path / "x.npz", data=np.ones((steps, nodes, 1), dtype=np.uint8))
    series = load_series(tmp_path / "x.npz")
    assert (series.time[0], series.time[-1]) == (pd.Timestamp(first), pd.Timestamp(last))
    assert not any("assumed" in note for note in series.notes)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": VALUES, "y": VALUES}, r"holds x \(4, 3, 3\), y \(4, 3, 3\); expected an array data"),
        ({"data": VALUES[:, :, 0]}, r"holds data \(4, 3\); expected"),
        ({"data": VALUES[:, :, :2]}, r"holds data \(4, 3, 2\)"),
        ({"data": VALUES[:0]}, r"holds data \(0, 3, 3\)"),
        ({"data": np.array([[["a"]]])}, "type '<U1'; expected numbers"),
        ({"data": np.array([[[None]]])}, "type '|O'; expected numbers"),
        ({"data": np.where(VALUES == 3, np.inf, VALUES)}, "column '1', row 1 holds inf"),
    ],
)
def test_other_arrays_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=message):
        load_series(tmp_path / "x.npz")


def test_unknown_channel_and_options_of_other_formats_are_refused(path, tmp_path):
    with pytest.raises(InputError, match="has the channels flow, occupancy, speed and not 'density'"):
        load_series(path, channel="density")
    with pytest.raises(InputError, match="start is '2020-13-01'; expected a time stamp"):
        load_series(path, start="2020-13-01")
    with pytest.raises(InputError, match="interval is '-5min'; expected a length"):
        load_series(path, interval="-5min")
    (tmp_path / "a.csv").write_text("time,a\n2024-01-01,1\n2024-01-02,2\n")
    with pytest.raises(InputError, match="is CSV, which does not need start; leave out start"):
        load_series(tmp_path / "a.csv", start="2024-01-01")


@pytest.mark.parametrize(
    ("name", "nodes", "nonzero"),
    [("PEMS03", 358, 1092), ("PEMS04", 307, 680), ("PEMS07", 883, 1732), ("PEMS08", 170, 548)],
)
def test_public_lists_of_links(real_data, name, nodes, nonzero):
    path = real_data / "graphs" / f"{name}.csv"
    ids = path.with_suffix(".txt")
    node_ids = tuple(ids.read_text().split()) if ids.exists() else tuple(str(i) for i in range(nodes))
    for graph in (read_graph(path), links.read(path, node_ids)):
        assert graph.adjacency.shape == (nodes, nodes)
        assert np.count_nonzero(graph.adjacency) == nonzero
        assert (graph.adjacency == graph.adjacency.T).all()
        assert not graph.adjacency.diagonal().any()


def test_other_archives_are_no_npz(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<?xml version='1.0'?>")
    with pytest.raises(InputError, match="which is no format read here"):
        load_series(tmp_path / "book.xlsx")
