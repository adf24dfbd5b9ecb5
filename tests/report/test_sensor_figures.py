from __future__ import annotations

import numpy as np
from matplotlib.colors import to_hex

from stlora.report.content import NodeErrors
from stlora.report.sensor_figures import map_figure, node_figure
from stlora.report.style import ADAPTED, ALONE


def test_changes_of_sensors_are_sorted_and_coloured_by_their_sign() -> None:
    nodes = NodeErrors(("a", "b", "c", "d"), np.array([10.0, 10, np.nan, 10]), np.array([12.0, 5, 1, 9]))
    better, worse = node_figure(nodes).axes[0].patches
    np.testing.assert_allclose(better.get_data().values, [-50, -10, 0])
    np.testing.assert_allclose(worse.get_data().values, [0, 0, 20], atol=1e-12)
    assert (to_hex(better.get_facecolor()), to_hex(worse.get_facecolor())) == (ADAPTED, ALONE)


def test_the_map_places_sensors_and_tells_three_cases_apart() -> None:
    nodes = NodeErrors(
        ("a", "b", "c", "d"),
        np.array([10.0, 10, np.nan, 10]),
        np.array([5.0, 11, np.nan, 9]),
        np.array([[51.0, 7.0], [52.0, 8.0], [53.0, 9.0], [np.nan, np.nan]]),
    )
    unknown, better, worse = map_figure(nodes).axes[0].collections
    assert unknown.get_offsets().tolist() == [[9, 53]]  # longitude, latitude
    assert better.get_offsets().tolist() == [[7, 51]]
    assert worse.get_offsets().tolist() == [[8, 52]]
    assert better.get_sizes()[0] > worse.get_sizes()[0]


def test_a_map_of_nothing_comparable_has_rings_alone() -> None:
    unknown = np.array([np.nan])
    ring, better, worse = map_figure(NodeErrors(("a",), unknown, unknown, np.array([[51.0, 7.0]]))).axes[0].collections
    assert [len(part.get_offsets()) for part in (ring, better, worse)] == [1, 0, 0]


def _one_of_sixty(change: float) -> NodeErrors:
    """Sixty sensors on a line, helped by 1 to 20 %, but for the one that is called far."""
    alone = np.full(60, 10.0)
    adapted = alone * np.linspace(0.8, 0.99, 60)
    adapted[7] = 10 * (1 + change / 100)
    places = np.stack([np.linspace(51, 52, 60), np.linspace(7, 8, 60)], axis=1)
    return NodeErrors(tuple("far" if i == 7 else f"s{i}" for i in range(60)), alone, adapted, places)


def test_one_extreme_sensor_does_not_flatten_the_bars_and_its_change_is_written() -> None:
    (axis,) = node_figure(_one_of_sixty(187.3)).axes
    assert axis.get_ylim()[1] < 60
    assert axis.get_ylim()[0] < -20
    assert [text.get_text() for text in axis.texts] == ["far: +187.3 %"]


def test_a_change_that_fits_is_not_cut_off() -> None:
    (axis,) = node_figure(_one_of_sixty(5.0)).axes
    assert axis.get_ylim()[1] > 5
    assert not axis.texts


def test_one_extreme_sensor_does_not_shrink_the_other_discs_and_its_change_is_written() -> None:
    (axis,) = map_figure(_one_of_sixty(187.3)).axes
    better, worse = axis.collections[1:]
    assert better.get_sizes().max() > 0.5 * worse.get_sizes()[0]
    assert [text.get_text() for text in axis.texts] == ["+187.3 %"]
    assert not map_figure(_one_of_sixty(5.0)).axes[0].texts
