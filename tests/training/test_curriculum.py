"""What a network is asked for while it learns."""

import pytest
import torch

from stlora import InputError
from stlora.training import task
from stlora.training.curriculum import shown_truth, steps_in_loss, truth_probability
from stlora.training.recipe import Recipe

SMALL_DCRNN = {"backbone": "dcrnn", "backbone_options": {"hidden_size": 4, "num_layers": 1}, "train_fraction": 0.2}


def test_the_loss_takes_in_one_more_step_at_a_time_up_to_the_horizon():
    recipe = Recipe(curriculum=6)
    assert [steps_in_loss(epoch, 12, recipe) for epoch in (0, 5, 6, 65, 66, 79)] == [1, 1, 2, 11, 12, 12]


def test_without_a_curriculum_all_steps_count():
    assert {steps_in_loss(epoch, 12, Recipe()) for epoch in range(100)} == {12}


def test_training_sees_the_curriculum_and_validation_does_not(tiny, tmp_path, monkeypatch):
    trained, validated = [], set()
    loss, update = task.masked_mae, task.AbsoluteErrors.update

    def masked_mae(forecast, target):
        assert forecast.shape == target.shape
        trained.append(forecast.shape[1])
        return loss(forecast, target)

    def counted(self, forecast, target):
        validated.add(forecast.shape[1])
        return update(self, forecast, target)

    monkeypatch.setattr(task, "masked_mae", masked_mae)
    monkeypatch.setattr(task.AbsoluteErrors, "update", counted)
    one_batch = {"train_fraction": 0.05, "batch_size": 32}
    tiny.fit(tmp_path / "run", curriculum=2, warmup=1, epochs=6, patience=0, **one_batch)
    assert trained == [3, 1, 1, 2, 2, 3]
    assert validated == {3}


def test_true_values_are_shown_less_and_less():
    probabilities = [truth_probability(step, 2000) for step in (0, 5_000, 15_000, 40_000, 10**9)]
    assert probabilities == sorted(probabilities, reverse=True)
    assert probabilities[0] > 0.999
    assert probabilities[-1] < 1e-9


def test_a_step_is_shown_to_all_windows_or_to_none():
    torch.manual_seed(0)
    target = torch.rand(3, 400, 5, 1)
    target[0, :, 2] = torch.nan
    shown = shown_truth(target, 0.25)
    steps = ~shown[1:].isnan()
    assert (steps == steps[:1, :, :1]).all()
    assert steps[0, :, 0, 0].float().mean() == pytest.approx(0.25, abs=0.06)
    assert torch.equal(shown[1:][steps], target[1:][steps])
    assert shown[0, :, 2].isnan().all()


@pytest.mark.parametrize(("adapter", "through"), [("none", "network_forecast"), ("stlora", "backbone_forecast")])
def test_a_decoder_is_shown_true_values_in_training_alone(tiny, tmp_path, monkeypatch, adapter, through):
    shown, forward = [], getattr(task, through)

    def watched(model, x, truth=None):
        shown.append((model.training, None if truth is None else bool(truth.isnan().all())))
        return forward(model, x, truth)

    monkeypatch.setattr(task, through, watched)
    tiny.fit(tmp_path / "always", epochs=1, sampling=1e9, adapter=adapter, **SMALL_DCRNN)
    assert {truth for training, truth in shown if training} == {False}
    assert {truth for training, truth in shown if not training} == {None}


def test_joint_training_is_shown_what_the_backbone_alone_is(tiny, tmp_path):
    options = {"epochs": 1, "adapter": "stlora", "learning_rate": 1e-2, **SMALL_DCRNN}
    with_truth, without = (tiny.fit(tmp_path / f"{k}", sampling=k, **options).metrics["average"] for k in (1e9, 0.0))
    assert with_truth != without


def test_sampling_without_a_decoder_is_refused_before_training(tiny, fitted, tmp_path):
    with pytest.raises(InputError, match=r"sampling is 2000 and this network has no decoder.*--sampling 0"):
        tiny.fit(tmp_path / "run", sampling=2000)
    with pytest.raises(InputError, match=r"sampling is 2000 and a frozen backbone is not trained.*--sampling 0"):
        tiny.adapt(fitted, tmp_path / "run", sampling=2000)
    assert not (tmp_path / "run").exists()
