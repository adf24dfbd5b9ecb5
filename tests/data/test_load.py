"""From a file, a folder or a name to a series."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries, load_series, simulate
from stlora.data.mapped import is_mapped
from stlora.data.store import write_store
from stlora.errors import InputError

STAMPS = pd.date_range("2012-03-01", periods=4, freq="5min")
IDS = np.array([b"7", b"8", b"9"])
VALUES = np.array([[64.5, 0.0, 61.0], [65.0, 30.0, 62.0], [63.0, 31.0, 62.0], [60.0, 0.0, 63.0]])
ADJACENCY = np.array([[1, 0.5, 0], [0, 1, 0.25], [0, 0, 1]])
LOCATIONS = "index,sensor_id,latitude,longitude\n0,9,34.3,-118.3\n1,8,34.2,-118.2\n2,7,34.1,-118.1\n"


@pytest.fixture
def metr_la(tmp_path, write_h5, write_graph):
    """A folder in METR-LA's layout whose graph lists the sensors in another order, with one more."""
    write_h5(tmp_path / "metr-la.h5", VALUES, STAMPS, IDS)
    wider = np.zeros((4, 4))
    wider[:3, :3] = ADJACENCY[::-1, ::-1]
    write_graph(tmp_path / "adj_mx.pkl", ["9", "8", "7", "6"], wider)
    (tmp_path / "graph_sensor_locations.csv").write_text(LOCATIONS)
    return tmp_path


@pytest.fixture
def counts(tmp_path):
    path = tmp_path / "counts.csv"
    pd.DataFrame(VALUES, index=STAMPS, columns=["7", "8", "9"]).to_csv(path, index_label="time")
    return path


def check_is_metr_la(series):
    assert series.node_ids == ("7", "8", "9")
    np.testing.assert_array_equal(series.observed, VALUES != 0)
    np.testing.assert_array_equal(series.values[series.observed], VALUES[VALUES != 0].astype(np.float32))
    np.testing.assert_array_equal(series.adjacency, ADJACENCY)
    assert series.coordinates.tolist() == [[34.1, -118.1], [34.2, -118.2], [34.3, -118.3]]
    assert series.unit == "mph"
    assert series.interval == pd.Timedelta("5min")


def test_folder_in_metr_la_layout(metr_la):
    series = load_series(metr_la)
    check_is_metr_la(series)
    assert series.name == metr_la.name
    notes = " ".join(series.notes)
    for statement in ("Read from metr-la.h5", "order of the data", "1 nodes of the graph", "2 zeros were taken"):
        assert statement in notes


def test_file_in_metr_la_layout_takes_what_lies_beside_it(metr_la):
    series = load_series(str(metr_la / "metr-la.h5"))
    check_is_metr_la(series)
    assert series.name == "metr-la"
    assert "The graph is adj_mx.pkl, which lies with the data." in series.notes
    assert "Coordinates are from graph_sensor_locations.csv, which lies with the data." in series.notes


def test_zeros_can_be_kept_and_masked(metr_la, counts):
    assert load_series(metr_la / "metr-la.h5", zero_is_missing=False).observed.all()
    assert load_series(counts).observed.all()
    assert not load_series(counts, zero_is_missing=True).observed[0, 1]


def test_other_file_takes_nothing_that_lies_beside_it(metr_la, counts):
    series = load_series(counts)
    assert series.adjacency is None
    assert series.coordinates is None


def test_file_whose_neighbouring_graph_does_not_fit_is_read_without_it(tmp_path, write_h5, write_graph):
    path = write_h5(tmp_path / "metr-la.h5", VALUES, STAMPS, IDS)
    write_graph(tmp_path / "adj_mx.pkl", ["1", "2", "3"], ADJACENCY)
    (tmp_path / "adj_bad.pkl").write_bytes(b"no pickle")
    series = load_series(path)
    assert series.adjacency is None
    assert "adj_mx.pkl beside the file does not know these sensors; not used." in series.notes
    assert any("adj_bad.pkl was not used" in note for note in series.notes)
    with pytest.raises(InputError, match=r"adj_bad.pkl"):
        load_series(tmp_path)
    (tmp_path / "adj_bad.pkl").unlink()
    with pytest.raises(InputError, match=r"adj_mx.pkl: does not know 3 of the 3 sensors"):
        load_series(tmp_path)


def test_of_several_graphs_the_one_that_knows_the_sensors_is_taken(metr_la, write_graph):
    write_graph(metr_la / "adj_mx_bay.pkl", ["400001", "400017"], np.eye(2))
    check_is_metr_la(load_series(metr_la))
    write_graph(metr_la / "adj_other.pkl", ["7", "8", "9"], np.eye(3))
    with pytest.raises(InputError, match=r"adj_mx.pkl, adj_other.pkl both fit the data; name the one"):
        load_series(metr_la)
    assert (load_series(metr_la, graph=metr_la / "adj_other.pkl").adjacency == np.eye(3)).all()


def test_locations_that_lack_a_sensor_or_are_damaged_are_left_out_with_a_note(metr_la):
    (metr_la / "graph_sensor_locations.csv").write_text("7,34.1,-118.1\n")
    (metr_la / "my_locations.csv").write_text("nonsense\n")
    series = load_series(metr_la)
    assert series.coordinates is None
    assert any("graph_sensor_locations.csv was not used: it lacks 2 of the 3" in note for note in series.notes)
    assert any("my_locations.csv was not used: has columns 'nonsense'" in note for note in series.notes)


def test_two_files_of_locations_are_refused(metr_la):
    (metr_la / "more_locations.csv").write_text(LOCATIONS)
    with pytest.raises(InputError, match="all place the sensors"):
        load_series(metr_la)


def test_folder_takes_hdf5_before_parquet_before_csv(metr_la, counts):
    frame = pd.DataFrame(VALUES + 1, index=STAMPS, columns=["7", "8", "9"])
    frame.to_parquet(metr_la / "counts.parquet")
    assert "Read from metr-la.h5." in load_series(metr_la).notes
    (metr_la / "metr-la.h5").unlink()
    assert load_series(metr_la).values[0, 0] == 65.5
    (metr_la / "counts.parquet").unlink()
    assert load_series(metr_la).values[0, 0] == 64.5


def test_folder_with_several_series_is_refused(counts):
    counts.with_name("speeds.csv").write_text(counts.read_text())
    with pytest.raises(InputError, match=r"several series \(counts.csv, speeds.csv\); name the one to read"):
        load_series(counts.parent)


def test_folder_without_series_is_refused(tmp_path):
    (tmp_path / "edges.csv").write_text("from,to,cost\n1,2,3\n")
    (tmp_path / "sensor_locations.csv").write_text(LOCATIONS)
    (tmp_path / ".hidden.h5").write_bytes(b"")
    (tmp_path / "latin.csv").write_bytes("time,Straße\n2024-01-01,1\n".encode() + b"\xff2024-01-02,1\n")
    with pytest.raises(InputError, match="holds no series"):
        load_series(tmp_path)


def test_missing_path_is_refused_with_the_names_that_are_built_in(tmp_path):
    with pytest.raises(InputError, match=r"no file or folder .* the catalogue has metr-la, .*simulated"):
        load_series(tmp_path / "none.csv")


def test_every_error_names_the_file_in_one_line(tmp_path):
    for name, content in {
        "empty.csv": b"",
        "page.h5": b"<html>",
        "cut.h5": b"\x89HDF\r\n\x1a\n",
        "cut.parquet": b"PAR1",
        "noise.bin": b"\0\1\2",
        "gap.csv": b"time,a\n2024-01-01,1\n2024-01-02,1\n2042-01-03,2\n",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            load_series(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_named_graph_is_matched_by_id(counts, tmp_path):
    edges = tmp_path / "edges.csv"
    edges.write_text("from,to,weight\n9,8,2\n7,9,1\n5,7,1\n")
    series = load_series(counts, graph=edges)
    assert series.adjacency.tolist() == [[0, 0, 1], [0, 0, 0], [0, 2, 0]]
    assert any(note.startswith("edges.csv: 1 nodes") for note in series.notes)


def test_named_matrix_of_the_wrong_size_is_refused(counts, tmp_path):
    np.save(tmp_path / "graph.npy", np.eye(4))
    with pytest.raises(InputError, match=r"graph.npy: has shape \(4, 4\) for 3 sensors"):
        load_series(counts, graph=tmp_path / "graph.npy")


def test_repairs_and_silent_sensors_are_stated(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("time,a,b\n2024-01-01 00:10,3,0\n2024-01-01 00:00,1,\n2024-01-01 00:05,2,\n2024-01-01 00:20,5,\n")
    series = load_series(path, zero_is_missing=True)
    np.testing.assert_array_equal(series.values[:, 0], [1, 2, 3, np.nan, 5])
    assert [note.split(" ")[0] for note in series.notes] == ["Rows", "1", "1", "1"]
    assert series.notes[-1] == "1 sensors have no observed value (first: 'b')."


def test_simulated_network_by_name():
    series = load_series("simulated")
    assert series.fingerprint() == simulate().series.fingerprint()


def test_reading_data_needs_no_torch():
    code = (
        "import sys, stlora; before = 'torch' in sys.modules; import stlora.data; "
        "raise SystemExit('torch' in sys.modules and not before)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_real_metr_la_60(real_data):
    series = load_series(real_data / "metr-la-60")
    assert series.values.shape == (10282, 60)
    assert 1 - series.observed.mean() == pytest.approx(0.09, abs=0.005)
    assert series.adjacency.shape == (60, 60)
    assert np.count_nonzero(series.adjacency.diagonal()) == 60
    assert series.coordinates.shape == (60, 2)
    assert (str(series.time[0]), str(series.time[-1])) == ("2012-05-23 07:10:00", "2012-06-27 23:55:00")


def test_real_muenster_bikes(real_data):
    series = load_series(real_data / "muenster-bikes")
    assert series.values.shape == (87552, 46)
    assert series.interval == pd.Timedelta("15min")
    assert (series.values == 0).any()
    assert series.adjacency is None


def test_wall_clock_of_a_zone_is_read_as_real_time(tmp_path):
    real = pd.date_range("2024-10-26 12:00", periods=96, freq="15min", tz="UTC").tz_convert("Europe/Berlin")
    rows = [f"{stamp:%Y-%m-%d %H:%M},{number}" for number, stamp in enumerate(real)]
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(["time,a", *rows]))
    with pytest.raises(InputError, match="--timezone"):
        load_series(path)
    series = load_series(path, timezone="Europe/Berlin")
    assert series.time.equals(real.as_unit("ns"))
    assert series.values[:, 0].tolist() == list(range(96))


def test_time_stamps_that_carry_a_zone_are_converted_to_the_one_asked_for(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("time,a\n2024-07-01T00:00+02:00,1\n2024-07-01T01:00+02:00,2\n")
    assert load_series(path).timezone == "UTC+02:00"
    series = load_series(path, timezone="America/New_York")
    assert series.timezone == "America/New_York"
    assert series.time.hour.tolist() == [18, 19]
    assert series.fingerprint() != load_series(path).fingerprint()


def test_stored_series_is_opened_by_its_folder_and_stays_on_disk(tmp_path):
    series = SensorSeries(np.ones((5, 2)), pd.date_range("2024-01-01", periods=5, freq="1h"), ("a", "b"))
    write_store(series, tmp_path / "store")
    opened = load_series(tmp_path / "store")
    assert is_mapped(opened.values)
    assert opened.fingerprint() == series.fingerprint()
    with pytest.raises(InputError, match="stored series; leave out"):
        load_series(tmp_path / "store", interval="1h")


def test_short_first_row_of_the_file_in_a_folder_is_told(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,c,time\n1\n2,3,4,2024-01-01 00:00\n")
    with pytest.raises(InputError, match=r"x.csv: row 1 has 1 cells and the header 4"):
        load_series(tmp_path)
