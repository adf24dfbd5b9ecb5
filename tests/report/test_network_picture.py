"""The picture of a network: what it shows, and that odd networks are drawn too."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries, simulate
from stlora.report.network_picture import missing_share, network_figure
from stlora.report.style import save_figure


def axes(figure):
    figure.canvas.draw()
    return {axis.get_title(loc="left"): axis for axis in figure.axes}


@pytest.fixture(scope="module")
def series():
    return simulate(num_nodes=12, days=14).series


def test_every_part_is_there(series):
    drawn = axes(network_figure(series))
    share = 100 * np.isnan(series.values).mean()
    assert f"Missing values ({share:.1f} % of all)" in drawn
    assert {"by sensor", "Mean day of each sensor, and their median", "Where the sensors are, by their mean"} < set(
        drawn
    )
    bars = [bar.get_width() for bar in drawn["by sensor"].patches]
    np.testing.assert_allclose(bars, 100 * np.isnan(series.values).mean(axis=0))
    labels = [label.get_text() for label in next(iter(drawn.values())).get_yticklabels()]
    assert labels == list(series.node_ids)


def test_profile_is_the_mean_of_each_time_of_day(series):
    (axis,) = (axis for name, axis in axes(network_figure(series)).items() if name.startswith("Mean day"))
    expected = np.nanmean(np.array(series.values).reshape(14, 96, 12), axis=0)
    np.testing.assert_allclose([line.get_ydata() for line in axis.lines[:12]], expected.T, rtol=1e-5)
    np.testing.assert_allclose(axis.lines[12].get_ydata(), np.median(expected, axis=1), rtol=1e-5)


def test_without_coordinates_there_is_no_map(series):
    bare = SensorSeries(series.values, series.time, series.node_ids)
    assert not any(name.startswith("Where") for name in axes(network_figure(bare)))


@pytest.mark.parametrize("shape", [(7, 3), (100, 1), (1, 5), (701, 230)])
def test_shares_of_a_coarse_grid_add_up(shape):
    values = np.where(np.random.default_rng(0).random(shape) < 0.3, np.nan, 1.0).astype(np.float32)
    share = missing_share(values, rows=200, columns=600)
    assert share.shape == (min(200, shape[1]), min(600, shape[0]))
    assert ((share >= 0) & (share <= 1)).all()
    if shape[0] <= 600 and shape[1] <= 200:
        np.testing.assert_array_equal(share, np.isnan(values).T)


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_dollar_signs_time_zones_and_silent_sensors_are_drawn(tmp_path, suffix):
    values = np.array([[np.nan, 1.0], [np.nan, 2.0], [np.nan, np.nan]])
    time = pd.date_range("2024-03-31 01:00", periods=3, freq="1h", tz="Europe/Berlin")
    coordinates = np.array([[np.nan, np.nan], [50.0, 8.0]])
    odd = SensorSeries(values, time, ("$a_1", "b$"), coordinates=coordinates, unit="$/h", name="$x$")
    save_figure(network_figure(odd), tmp_path / f"odd{suffix}")
    content = (tmp_path / f"odd{suffix}").read_bytes()
    assert content.startswith(b"\x89PNG") if suffix == ".png" else ElementTree.fromstring(content) is not None


def test_one_step_is_drawn(tmp_path):
    lone = SensorSeries(np.full((1, 1), np.nan), pd.DatetimeIndex(["2024-01-01"]), ("a",))
    save_figure(network_figure(lone), tmp_path / "lone.png")
    assert (tmp_path / "lone.png").stat().st_size > 0
