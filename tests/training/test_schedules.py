"""Learning rates over the epochs, as they are logged and as the optimizer has them."""

import csv

import pytest
import torch

from stlora.training.recipe import Recipe
from stlora.training.schedules import make_optimizer, rate_factor


def rates(run):
    return [float(row["learning_rate"]) for row in csv.DictReader((run.folder / "log.csv").open())]


def test_cosine_ends_at_zero(tiny, tmp_path):
    run = tiny.fit(tmp_path / "run", schedule="cosine", learning_rate=0.01, epochs=4)
    expected = [0.01 * (1 + torch.cos(torch.tensor(torch.pi * (epoch + 1) / 4)).item()) / 2 for epoch in range(4)]
    assert rates(run) == pytest.approx(expected, rel=1e-3, abs=1e-9)


def test_plateau_decays_when_validation_stands_still(tiny, tmp_path):
    options = {"schedule": "plateau", "learning_rate": 1e-7, "epochs": 7, "patience": 0}
    assert rates(tiny.fit(tmp_path / "run", decay=0.1, **options)) == [1e-7] * 6 + [1e-8]


def test_no_schedule_keeps_the_rate(tiny, tmp_path):
    assert rates(tiny.fit(tmp_path / "run", schedule="none", learning_rate=0.02, epochs=2)) == [0.02] * 2


def test_step_decays_every_so_many_epochs(tiny, tmp_path):
    run = tiny.fit(tmp_path / "run", schedule="step", decay_epochs=(2,), decay=0.1, learning_rate=0.01, epochs=5)
    assert rates(run) == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3, 1e-4])


def test_milestones_are_epochs_that_are_over(tiny, tmp_path):
    run = tiny.fit(
        tmp_path / "run", schedule="milestones", decay_epochs=(1, 3), learning_rate=0.01, decay=0.5, epochs=4
    )
    assert rates(run) == [0.01, 0.005, 0.005, 0.0025]


@pytest.mark.parametrize(("schedule", "epochs"), [("step", (10,)), ("milestones", (1, 30, 38, 46))])
def test_without_warmup_the_factors_are_those_of_torch(schedule, epochs):
    recipe = Recipe(schedule=schedule, decay_epochs=epochs, decay=0.5)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    torch_schedule = {
        "step": lambda: torch.optim.lr_scheduler.StepLR(optimizer, epochs[0], 0.5),
        "milestones": lambda: torch.optim.lr_scheduler.MultiStepLR(optimizer, epochs, 0.5),
    }[schedule]()
    for epoch in range(60):
        assert rate_factor(epoch, recipe) == pytest.approx(torch_schedule.get_last_lr()[0])
        optimizer.step()
        torch_schedule.step()


def test_the_end_of_the_warmup_restores_the_full_rate():
    recipe = Recipe(schedule="milestones", decay_epochs=(1, 3, 5), decay=0.5, curriculum=1, warmup=3)
    assert [rate_factor(epoch, recipe) for epoch in range(6)] == [1, 0.5, 0.5, 1, 1, 0.5]


def test_the_optimizer_is_that_of_the_recipe():
    parameters = [torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(3), requires_grad=False)]
    recipe = Recipe(optimizer="adamw", learning_rate=0.3, weight_decay=0.2, epsilon=1e-3)
    optimizer = make_optimizer(parameters, recipe)
    (group,) = optimizer.param_groups
    assert isinstance(optimizer, torch.optim.AdamW)
    assert (group["lr"], group["weight_decay"], group["eps"]) == (0.3, 0.2, 1e-3)
    assert [len(parameter) for parameter in group["params"]] == [2]
