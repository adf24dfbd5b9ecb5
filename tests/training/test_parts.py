"""Parts of batches add up to the whole batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stlora import InputError
from stlora.training.loss import masked_mae
from stlora.training.parts import Parts


@pytest.fixture
def gappy(tiny):
    """Every second step is observed by one sensor alone."""
    values = tiny.series.values.copy()
    values[::2, 1:] = np.nan
    return replace(tiny.series, values=values)


@pytest.mark.parametrize(("accumulate", "processes"), [(3, 1), (1, 2), (3, 2), (2, 7)])
def test_weighted_means_of_all_parts_are_the_means_of_whole_steps(accumulate, processes):
    generator = torch.Generator().manual_seed(0)
    target, forecast = torch.randn(2, 23, 3, 4, 1, generator=generator)
    target[torch.rand(target.shape, generator=generator) < torch.linspace(0, 1, 23)[:, None, None, None]] = torch.nan
    batches = torch.randperm(23, generator=generator).split(5)
    steps = [torch.cat(batches[i : i + accumulate]) for i in range(0, len(batches), accumulate)]
    found = torch.zeros(len(steps))
    for rank in range(processes):
        parts = Parts(batches, lambda start: (~target[start].isnan()).sum((1, 2, 3)), accumulate, processes, rank)
        assert len(parts) == len(batches) == len(parts.weights)
        for number, (part, weight) in enumerate(zip(parts, parts.weights, strict=True)):
            found[number // accumulate] += weight * masked_mae(forecast[part], target[part]) / accumulate / processes
    expected = torch.stack([masked_mae(forecast[step], target[step]) for step in steps])
    torch.testing.assert_close(found, expected)
    assert expected.min() > 0


def test_a_process_without_a_window_takes_one_that_does_not_count():
    parts = Parts([torch.tensor([4, 7]), torch.tensor([9])], torch.ones_like, processes=2, rank=1)
    assert [part.tolist() for part in parts] == [[7], [9]]
    assert parts.weights == [1.0, 0.0]


def test_steps_without_any_observation_weigh_nothing():
    assert Parts([torch.tensor([1]), torch.tensor([2])], torch.zeros_like, accumulate=2).weights == [0.0, 0.0]


@pytest.mark.parametrize("adapter", ["none", "stlora"])
@pytest.mark.parametrize("schedule", ["cosine", "step"])
def test_accumulated_batches_train_as_one_large_batch(tiny, gappy, tmp_path, adapter, schedule):
    options = {
        "adapter": adapter,
        "schedule": schedule,
        "decay_epochs": (1,) if schedule == "step" else (),
        "learning_rate": 0.1,
        "epochs": 2,
        "epsilon": 0.1,  # with less, Adam makes steps of rounding errors where a gradient is nothing
        "curriculum": 8,
        "backbone_options": {"hidden_size": 6, "dropout": 0.0},  # which is drawn anew for every batch
    }
    large = tiny.fit(tmp_path / "large", gappy, batch_size=24, **options)
    small = tiny.fit(tmp_path / "small", gappy, batch_size=8, accumulate=3, **options)
    plain = tiny.fit(tmp_path / "plain", gappy, batch_size=8, **options)
    for kind in ("average", "pooled"):
        assert small.metrics[kind] == pytest.approx(large.metrics[kind], rel=1e-5)
        assert plain.metrics[kind] != pytest.approx(large.metrics[kind], rel=1e-4)
    logs = [np.genfromtxt(run.folder / "log.csv", delimiter=",", skip_header=1)[:, :4] for run in (large, small)]
    np.testing.assert_allclose(logs[1], logs[0], rtol=1e-5)


def test_nothing_to_accumulate_is_refused(tiny, tmp_path):
    with pytest.raises(InputError, match="accumulate is 0; expected 1 or more"):
        tiny.fit(tmp_path / "run", accumulate=0)
