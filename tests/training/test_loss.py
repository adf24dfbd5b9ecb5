"""The training loss: observed targets alone, and safe gradients."""

import torch

from stlora.training.loss import masked_mae

NAN = float("nan")


def test_loss_is_the_mean_over_observed_targets():
    forecast = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    target = torch.tensor([[2.0, NAN], [0.0, NAN]])
    assert masked_mae(forecast, target).item() == (1 + 3) / 2


def test_zero_is_a_value_like_any_other():
    assert masked_mae(torch.tensor([4.0, 0.0]), torch.tensor([0.0, 0.0])).item() == 2.0


def test_gradient_is_the_sign_over_the_count_and_none_at_gaps():
    forecast = torch.tensor([5.0, -5.0, 7.0, 1.0], requires_grad=True)
    masked_mae(forecast, torch.tensor([1.0, 1.0, NAN, NAN])).backward()
    assert forecast.grad.tolist() == [0.5, -0.5, 0.0, 0.0]


def test_batch_without_observation_costs_nothing():
    forecast = torch.tensor([5.0, -5.0], requires_grad=True)
    loss = masked_mae(forecast, torch.tensor([NAN, NAN]))
    loss.backward()
    assert loss.item() == 0.0
    assert forecast.grad.tolist() == [0.0, 0.0]
