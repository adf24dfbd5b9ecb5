"""Sensor locations with and without a header."""

import pytest

from stlora.data.readers import locations
from stlora.errors import InputError


def write(tmp_path, text):
    path = tmp_path / "sensor_locations.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "index,sensor_id,latitude,longitude\n0,7,34.15,-118.3\n1,8,34.2,-118.4\n",
        "longitude,latitude,sensor_id\n-118.3,34.15,7\n-118.4,34.2,8\n",
        "7,34.15,-118.3\n\n8,34.2,-118.4\n",
        "Address,Latitude,Longitude\n7,34.15,-118.3\n8,34.2,-118.4\n",
    ],
)
def test_published_layouts(tmp_path, text):
    assert locations.read(write(tmp_path, text)) == {"7": (34.15, -118.3), "8": (34.2, -118.4)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has columns none"),
        ("a,b\n1,2\n", "has columns 'a', 'b'"),
        ("sensor_id,latitude,longitude\n7,north,1\n", "row 1 is '7,north,1'"),
        ("7,91,0\n", "row 1 is '7,91,0'"),
        ("7,0,181\n", "row 1 is '7,0,181'"),
        ("7,0,nan\n", "row 1 is '7,0,nan'"),
        ("7,0,0\n7,1,1\n", "row 2 gives sensor '7' a second place"),
        ("7,0,0\n8,1\n", "row 2 is '8,1'"),
    ],
)
def test_unusable_file_is_refused(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        locations.read(write(tmp_path, text))
    assert message in str(caught.value)


def test_match_follows_the_order_of_the_sensors():
    places = {"a": (1.0, 2.0), "b": (3.0, 4.0)}
    coordinates, reasons = locations.match(places, ["b", "a"])
    assert coordinates.tolist() == [[3, 4], [1, 2]]
    assert reasons == ()


def test_match_gives_up_with_the_reason_where_a_sensor_is_lacking():
    assert locations.match({"a": (1.0, 2.0)}, ["a", "b"]) == (None, ("it lacks 1 of the 2 sensors (first: 'b')",))
