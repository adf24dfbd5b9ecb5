"""What a run costs: memory at its peak, seconds of the network alone."""

import time

import numpy as np
import pytest
import torch
from torch import nn

from stlora.training.resources import ForwardClock, PeakMemory


class Slow(nn.Module):
    def forward(self, x):
        time.sleep(0.02)
        return x


def test_clock_counts_the_network_alone():
    model = Slow()
    with ForwardClock(model) as clock:
        for _ in range(2):
            model(torch.ones(5, 1))
            time.sleep(0.1)
    assert clock.windows == 10
    assert 0.04 <= clock.seconds < 0.15
    assert clock.seconds_per_window == clock.seconds / 10


def test_clock_stops_with_its_block():
    model = nn.Identity()
    with ForwardClock(model) as clock:
        pass
    model(torch.ones(1))
    assert np.isnan(clock.seconds_per_window)


def test_memory_at_its_peak_is_what_was_held_and_no_longer_is():
    before = PeakMemory().report()["resident_mb"]
    if before is None:
        pytest.skip("this system does not say")
    memory = PeakMemory()
    held = np.ones(40_000_000)  # 320 MB
    held = held[:1].copy()
    assert memory.report()["resident_mb"] >= before + 250
    assert memory.report()["gpu_mb"] is None or torch.cuda.is_available()


def test_memory_of_a_run_does_not_count_an_earlier_one():
    held = np.ones(40_000_000)
    high = PeakMemory().report()["resident_mb"]
    if high is None:
        pytest.skip("this system does not say")
    del held
    memory = PeakMemory()
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pytest.skip("this system cannot count anew")
    assert memory.report()["resident_mb"] < high - 250
