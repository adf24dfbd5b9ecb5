"""One mean and one standard deviation, of what was observed."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stlora import InputError
from stlora.data.scaling import Scaler

VALUES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8),
    elements=st.one_of(st.just(float("nan")), st.floats(-1e3, 1e3, width=32)),
)


@given(VALUES)
@settings(derandomize=True)
def test_scaler_knows_the_observed_values_alone(values):
    observed = [float(value) for value in values.ravel() if not np.isnan(value)]
    if not observed or max(observed) == min(observed):
        with pytest.raises(InputError):
            Scaler.fit(values)
        return
    mean = sum(observed) / len(observed)
    std = (sum((value - mean) ** 2 for value in observed) / len(observed)) ** 0.5
    if std < 1e-6 * max(map(abs, observed)):
        return  # nothing but rounding is left of the spread
    scaler = Scaler.fit(values)
    assert scaler.mean == pytest.approx(mean, rel=1e-9, abs=1e-9)
    assert scaler.std == pytest.approx(std, rel=1e-6)


def test_large_float32_values_are_summed_in_double():
    values = np.full(200_000, 16_777_216, dtype=np.float32)
    values[::2] += 4
    assert Scaler.fit(values).mean == 16_777_218.0
    assert Scaler.fit(values).std == 2.0


def test_scaling_goes_there_and_back_and_leaves_gaps():
    scaler = Scaler(mean=50.0, std=8.0)
    values = torch.tensor([50.0, 58.0, 34.0, float("nan")])
    scaled = scaler.transform(values)
    assert scaled[:3].tolist() == [0.0, 1.0, -2.0]
    assert scaled[3].isnan()
    assert scaler.inverse(scaled)[:3].tolist() == values[:3].tolist()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full((3, 2), np.nan, np.float32), "no observed value"),
        (np.full((3, 2), 7, np.float32), "not all equal"),
        (np.empty((0, 2), np.float32), "no observed value"),
    ],
)
def test_nothing_to_scale_by_is_refused(values, reason):
    with pytest.raises(InputError, match=reason):
        Scaler.fit(values)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.0), (0.0, -1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_unusable_numbers_are_refused(mean, std):
    with pytest.raises(InputError, match="cannot scale"):
        Scaler(mean, std)
