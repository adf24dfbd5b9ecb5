from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from stlora.adapters import NodeAdaptiveLowRankLayer, STLoRA, STLoRAConfig
from stlora.backbones import create
from stlora.data import SensorSeries, simulate
from stlora.report.runs.node_factors import factors_and_days, group, node_similarity, typical_days
from stlora.training.prepare import Prepared, prepare

FIT = {"history": 4, "horizon": 2, "split": (0.7, 0.1, 0.2)}


@pytest.fixture(scope="module")
def series() -> SensorSeries:
    """Six sensors over two weeks of hours; the second was never observed, the third never changes."""
    series = simulate(num_nodes=6, days=14, interval="1h", missing=0.0).series
    values = series.values.copy()
    values[:, 1] = np.nan
    values[:, 2] = 5.0
    return replace(series, values=values)


@pytest.fixture(scope="module")
def data(series: SensorSeries) -> Prepared:
    return prepare(series, FIT)


def _layer(cores: torch.Tensor) -> NodeAdaptiveLowRankLayer:
    torch.manual_seed(0)
    layer = NodeAdaptiveLowRankLayer(num_nodes=len(cores), in_features=3, out_features=2, rank=2)
    with torch.no_grad():
        nn.init.normal_(layer.lora_B)
        layer.node_core.copy_(cores)
    return layer


def test_sensors_with_equal_factors_are_alike_and_opposite_ones_opposed() -> None:
    core = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    similarity = node_similarity(nn.Sequential(_layer(torch.stack([core, 2 * core, -core, -2 * core]))))
    np.testing.assert_allclose(similarity, [[1, 1, -1, -1], [1, 1, -1, -1], [-1, -1, 1, 1], [-1, -1, 1, 1]], atol=1e-6)


def test_a_fresh_adapter_has_no_likeness_and_one_without_factors_none_at_all() -> None:
    fresh = node_similarity(STLoRA(create("lstm", num_nodes=3), 3))
    np.testing.assert_array_equal(fresh, np.zeros((3, 3)))
    assert node_similarity(STLoRA(create("lstm", num_nodes=3), 3, STLoRAConfig(node_factor="none"))) is None
    assert node_similarity(create("lstm", num_nodes=3)) is None


def test_a_typical_day_is_relative_to_its_sensor_and_that_of_the_training_part(data: Prepared) -> None:
    days = typical_days(data)
    assert days.shape == (6, 24)
    assert np.isnan(days[[1, 2]]).all()
    np.testing.assert_allclose(days[[0, 3, 4, 5]].mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(days[[0, 3, 4, 5]].std(axis=1), 1)
    changed = data.series.values.copy()
    changed[data.split.test.start + 6 :] *= 7  # what comes after the training part
    later = prepare(replace(data.series, values=changed), FIT)
    np.testing.assert_array_equal(typical_days(later), days)


def test_short_steps_are_averaged_to_half_hours() -> None:
    series = simulate(num_nodes=6, days=7, interval="10min").series
    assert typical_days(prepare(series, FIT)).shape == (6, 48)


def test_groups_keep_what_is_alike_together_and_are_four_at_most() -> None:
    angle = np.radians([0, 90, 180, 270, 2, 92, 182, 272, 1])
    vectors = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    kinds, order = group(vectors @ vectors.T)
    assert kinds[0] == kinds[4] == kinds[8]
    assert [kinds[i] for i in (1, 2, 3)] == [kinds[i] for i in (5, 6, 7)]
    assert len(set(kinds)) == 4
    assert kinds[0].endswith("(3)")
    sorted_kinds = [kinds[i] for i in order]
    assert sorted_kinds == sorted(kinds)


def test_factors_stand_beside_the_days_in_one_order(data: Prepared) -> None:
    torch.manual_seed(1)
    cores = torch.randn(6, 2, 2)
    model = nn.Sequential(_layer(cores))
    found = factors_and_days(model, data)
    assert found is not None
    assert found.left_out == 2
    assert found.groups.profiles.shape == (4, 24)
    days, whole = typical_days(data), node_similarity(model)
    assert whole is not None
    position = [int(np.flatnonzero((days == line).all(axis=1))[0]) for line in found.groups.profiles]
    assert sorted(position) == [0, 3, 4, 5]
    np.testing.assert_array_equal(found.groups.similarity, whole[np.ix_(position, position)])
    np.testing.assert_allclose(found.day_similarity, np.corrcoef(days[position]))
    assert -1 <= found.agreement <= 1


def test_agreement_is_complete_where_the_weights_follow_the_days(data: Prepared) -> None:
    days = typical_days(data)
    days[[1, 2]] = 0.0
    layer = NodeAdaptiveLowRankLayer(6, 24, 1, rank=1, node_factor="full")
    with torch.no_grad():
        layer.lora_B.fill_(1.0)
        layer.lora_A.copy_(torch.from_numpy(days - days.mean(axis=0)).unsqueeze(1))
    found = factors_and_days(layer, data)
    assert found is not None
    assert found.agreement > 0.7


def test_equal_factors_have_no_agreement_with_anything(data: Prepared) -> None:
    found = factors_and_days(STLoRA(create("lstm", num_nodes=6), 6), data)
    assert found is not None
    assert np.isnan(found.agreement)


def test_a_backbone_alone_has_no_factors(data: Prepared) -> None:
    assert factors_and_days(create("lstm", num_nodes=6), data) is None
