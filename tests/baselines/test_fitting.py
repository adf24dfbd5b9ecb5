"""What holds for every baseline."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stlora import baselines
from stlora.errors import InputError

NAMES = baselines.names()


def _fit(case, name):
    if name in ("var", "svr"):
        pytest.importorskip("statsmodels")
        pytest.importorskip("sklearn")
    return case.fit(name, **({"order": 1} if name == "var" else {}))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_after_the_training_histories_is_seen(case, make_case, name):
    changed = case.series.values.copy()
    changed[case.end :] = 1000.0
    before, after = _fit(case, name).state_dict(), _fit(make_case(changed), name).state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "naive"])
def test_the_last_training_row_is_seen(case, make_case, name):
    changed = case.series.values.copy()
    changed[case.end - 1] = 1000.0
    other = make_case(changed)
    other.scaler = case.scaler
    before, after = _fit(case, name).state_dict(), _fit(other, name).state_dict()
    assert not all(torch.allclose(before[key], after[key], atol=1e-6) for key in before)


@pytest.mark.parametrize("name", NAMES)
def test_answers_every_step_of_every_node_with_finite_numbers(case, name):
    module = _fit(case, name)
    out = module(case.windows.inputs(torch.arange(5)))
    assert out.shape == (5, 3, 3, 1)
    assert out.isfinite().all()
    assert not module.training


@pytest.mark.parametrize("name", NAMES)
def test_is_rebuilt_from_its_sizes_and_numbers(case, name):
    module = _fit(case, name)
    options = {"order": 1} if name == "var" else {"steps_per_day": 4} if baselines.takes(name, "steps_per_day") else {}
    rebuilt = baselines.create(name, 3, history=4, horizon=3, **options)
    rebuilt.load_state_dict(module.state_dict(), strict=True)
    x = case.windows.inputs(torch.arange(5))
    assert torch.equal(rebuilt(x), module(x))


@pytest.mark.parametrize("name", NAMES)
def test_has_nothing_to_train(case, name):
    assert not any(parameter.requires_grad for parameter in _fit(case, name).parameters())


def test_counts_its_numbers(case):
    counts = {name: sum(p.numel() for p in _fit(case, name).parameters()) for name in NAMES}
    assert counts == {"ha": 28 * 3, "naive": 0, "seasonal": 28 * 3, "var": 3 * 3 + 3, "svr": 3 * (4 + 4) + 3}


def test_names_the_choices():
    with pytest.raises(InputError, match="no baseline is called 'arima'; choose one of ha, naive, seasonal, var, svr"):
        baselines.create("arima", 3)
    with pytest.raises(InputError, match="ha has no option 'order'; it has steps_per_day"):
        baselines.create("ha", 3, order=2)
    with pytest.raises(InputError, match="naive has no option 'order'; it has none"):
        baselines.create("naive", 3, order=2)
    with pytest.raises(InputError, match="a baseline got horizon=0; expected 1 or more"):
        baselines.create("naive", 3, horizon=0)


def test_is_not_disturbed_by_integers(make_case):
    case = make_case(np.random.default_rng(0).integers(0, 9, (112, 2)))
    assert _fit(case, "ha")(case.windows.inputs(torch.tensor([0]))).isfinite().all()
