"""LibCity's atomic files."""

import json

import numpy as np
import pandas as pd
import pytest

from stlora.data import load_series
from stlora.errors import InputError

DYNA = """dyna_id,type,time,entity_id,traffic_flow,traffic_speed
0,state,2018-01-01T00:00:00Z,8,10,60.5
1,state,2018-01-01T00:05:00Z,8,11,61.5
2,state,2018-01-01T00:10:00Z,8,,62.5
3,state,2018-01-01T00:00:00Z,7,20,50.5
4,state,2018-01-01T00:05:00Z,7,21,51.5
5,state,2018-01-01T00:10:00Z,7,22,52.5
"""
GEO = 'geo_id,type,coordinates\n7,Point,"[-118.3, 34.1]"\n8,Point,"[-118.2, 34.2]"\n9,Point,"[-118.1, 34.3]"\n'
REL = "rel_id,type,origin_id,destination_id,cost\n0,geo,7,8,1.0\n1,geo,8,7,2.5\n2,geo,9,7,3.0\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "X.dyna").write_text(DYNA)
    (tmp_path / "X.geo").write_text(GEO)
    (tmp_path / "X.rel").write_text(REL)
    return tmp_path


def configure(folder, **info):
    (folder / "config.json").write_text(json.dumps({"info": info}))


def test_sensors_come_in_the_order_of_their_places(folder):
    for path in (folder, folder / "X.dyna"):
        series = load_series(path)
        assert series.node_ids == ("7", "8")
        np.testing.assert_array_equal(series.values, [[20, 10], [21, 11], [22, np.nan]])
        assert series.time[0] == pd.Timestamp("2018-01-01")
        assert series.coordinates.tolist() == [[34.1, -118.3], [34.2, -118.2]]
    assert any("1 of the 3 places" in note for note in series.notes)


def test_column_is_chosen_by_name_or_configuration(folder):
    assert load_series(folder, channel="traffic_speed").values[0, 0] == 50.5
    configure(folder, data_col=["traffic_speed"])
    assert load_series(folder).values[0, 0] == 50.5
    with pytest.raises(InputError, match="has the columns traffic_flow, traffic_speed and not 'x'"):
        load_series(folder, channel="x")


def test_distances_become_weights_unless_the_configuration_says_otherwise(folder):
    kernel = np.exp(-np.square(np.array([1.0, 2.5])) / np.var([1.0, 2.5]))
    expected = np.where(kernel >= 0.1, kernel, 0)
    adjacency = load_series(folder).adjacency
    np.testing.assert_allclose([adjacency[0, 1], adjacency[1, 0]], expected, rtol=1e-6)
    configure(folder, weight_col="cost", calculate_weight_adj=False)
    assert load_series(folder).adjacency.tolist() == [[0, 1.0], [2.5, 0]]
    configure(folder, set_weight_link_or_dist="link")
    assert load_series(folder).adjacency.tolist() == [[0, 1], [1, 0]]


def test_places_that_are_no_points_give_no_coordinates(folder):
    (folder / "X.geo").write_text('geo_id,type,coordinates\n7,Polygon,"[[[1, 2], [3, 4]]]"\n8,Point,"[0, 0]"\n')
    series = load_series(folder)
    assert series.coordinates is None
    assert any("does not place all sensors at points" in note for note in series.notes)


def test_measurements_alone_are_enough(tmp_path):
    (tmp_path / "X.dyna").write_text(DYNA)
    series = load_series(tmp_path / "X.dyna")
    assert series.node_ids == ("7", "8")
    assert series.adjacency is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("X.geo", "geo_id,type,coordinates\n7,Point,\n", "measures '8', which X.geo does not list"),
        ("config.json", "{", "config.json cannot be read as JSON"),
        ("X.geo", "id,type\n7,Point\n", "X.geo has columns id, type; expected geo_id"),
        ("X.geo", GEO + '7,Point,"[0, 0]"\n', "X.geo lists a place twice"),
        ("X.rel", REL + "3,geo,7,8,-1\n", "holds a value below 0"),
        ("X.rel", "rel_id,type,a,b\n0,geo,7,8\n", "expected origin_id and destination_id"),
        (
            "X.rel",
            REL.replace("cost", "cost,time").replace(".0\n", ".0,1\n").replace(".5\n", ".5,1\n"),
            "several columns",
        ),
        ("X.dyna", DYNA + "6,state,2018-01-01T00:00:00Z,7,99,50.5\n", "two values for sensor '7'"),
        ("X.dyna", DYNA.replace(",20,", ",x,"), "column 'traffic_flow', row 4 holds 'x'"),
    ],
)
def test_files_that_do_not_fit_are_refused(folder, name, text, message):
    (folder / name).write_text(text)
    with pytest.raises(InputError, match=message):
        load_series(folder)


def test_trajectories_are_refused(tmp_path):
    (tmp_path / "X.dyna").write_text("dyna_id,type,time,entity_id,traj_id,location\n0,trajectory,2018-01-01,1,0,5\n")
    with pytest.raises(InputError, match=r"trajector"):
        load_series(tmp_path / "X.dyna")
