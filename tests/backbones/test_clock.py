from __future__ import annotations

import pytest
import torch

from stlora.backbones.clock import check_clock, day_slot, weekday, whole_days
from stlora.errors import InputError


@pytest.mark.parametrize("steps", [24, 48, 96, 144, 288, 720, 1440])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finds_every_slot_of_the_day(steps, dtype):
    slots = torch.arange(steps)
    assert torch.equal(day_slot((slots.double() / steps).to(dtype), steps), slots)


def test_finds_every_slot_of_five_minutes_in_half_precision():
    slots = torch.arange(288)
    assert torch.equal(day_slot((slots.double() / 288).half(), 288), slots)


@pytest.mark.parametrize("steps", [96, 288, 720, 1440])
def test_stays_inside_the_table_and_close_in_bfloat16(steps):
    slots = torch.arange(steps)
    found = day_slot((slots.double() / steps).bfloat16(), steps)
    assert found.min() >= 0
    assert found.max() < steps
    distance = (found - slots).abs()
    assert torch.minimum(distance, steps - distance).max() <= 1 + steps // 512


def test_a_time_inside_a_slot_belongs_to_it():
    assert day_slot(torch.tensor([5.9 / 288]), 288).tolist() == [5]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_finds_every_day_of_the_week(dtype):
    days = torch.arange(7)
    assert torch.equal(weekday((days.double() / 7).to(dtype)), days)


def test_whole_days_touches_the_day_alone():
    assert whole_days(4).tolist() == [1, 1, 7, 1]


def test_refuses_a_history_without_clock_and_a_day_without_slots():
    with pytest.raises(InputError, match="stid got in_channels=2; expected 3 or more"):
        check_clock("stid", 2, 288)
    with pytest.raises(InputError, match="stid got steps_per_day=0; expected 1 or more"):
        check_clock("stid", 3, 0)
