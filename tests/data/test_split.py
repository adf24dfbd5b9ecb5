"""The sample split against the counts of the published tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stlora.data.split import sample_split
from stlora.errors import InputError

SIX_TWO_TWO = (0.6, 0.2, 0.2)


@pytest.mark.parametrize(
    ("steps", "ratios", "counts"),
    [
        pytest.param(34272, (0.7, 0.1, 0.2), (23974, 3425, 6850), id="METR-LA"),
        pytest.param(52116, (0.7, 0.1, 0.2), (36465, 5209, 10419), id="PEMS-BAY"),
        pytest.param(26208, SIX_TWO_TWO, (15711, 5237, 5237), id="PEMS03"),
        pytest.param(16992, SIX_TWO_TWO, (10181, 3394, 3394), id="PEMS04"),
        pytest.param(28224, SIX_TWO_TWO, (16921, 5640, 5640), id="PEMS07"),
        pytest.param(17856, SIX_TWO_TWO, (10700, 3567, 3566), id="PEMS08"),
    ],
)
def test_published_counts(steps, ratios, counts):
    split = sample_split(steps, ratios=ratios)
    assert (len(split.train), len(split.val), len(split.test)) == counts


@given(
    steps=st.integers(30, 5000),
    history=st.integers(1, 20),
    horizon=st.integers(1, 20),
    shares=st.tuples(*[st.integers(1, 20)] * 3),
)
def test_parts_follow_each_other_and_cover_every_window(steps, history, horizon, shares):
    ratios = tuple(share / sum(shares) for share in shares)
    windows = steps - history - horizon + 1
    train, val = round(ratios[0] * windows), round(ratios[1] * windows)
    if min(train, val, windows - train - val) < 1:
        with pytest.raises(InputError, match=f"{steps} steps give {max(windows, 0)} windows"):
            sample_split(steps, history, horizon, ratios)
        return
    split = sample_split(steps, history, horizon, ratios)
    assert [*split.train, *split.val, *split.test] == list(range(windows))
    assert (len(split.train), len(split.val)) == (train, val)


@given(steps=st.integers(60, 2000), history=st.integers(1, 20), horizon=st.integers(1, 20))
def test_a_purged_split_has_no_target_step_in_two_parts_and_the_same_test_windows(steps, history, horizon):
    def targets(windows):
        return {start + history + step for start in windows for step in range(horizon)}

    try:
        split, whole = (sample_split(steps, history, horizon, (0.6, 0.2, 0.2), purge) for purge in (True, False))
    except InputError:
        assert 0.2 * steps < 2 * (history + horizon)
        return
    train, val, test = map(targets, (split.train, split.val, split.test))
    assert not train & val
    assert not val & test
    assert not train & test
    assert split.test == whole.test
    assert (len(whole.train) - len(split.train), len(whole.val) - len(split.val)) == (horizon - 1, horizon - 1)
    assert (whole.shared_targets(horizon), split.shared_targets(horizon)) == (horizon - 1, 0)
    assert len(targets(whole.train) & targets(whole.val)) == min(horizon - 1, len(targets(whole.val)))


def test_a_series_too_short_to_purge_is_refused_with_what_is_left_out():
    assert len(sample_split(120).val) == 10
    with pytest.raises(InputError, match="and to leave out 11 of training and of validation"):
        sample_split(120, purge=True)


@pytest.mark.parametrize("steps", [0, 10, 23, 24, 25])
def test_too_short_a_series_is_refused_with_numbers(steps):
    with pytest.raises(InputError, match=rf"{steps} steps give {max(steps - 23, 0)} windows of 12 \+ 12"):
        sample_split(steps)


@pytest.mark.parametrize(
    "ratios", [(0.7, 0.1, 0.1), (0.8, 0.2, 0.0), (1.2, -0.4, 0.2), (0.7, 0.3), (float("nan"),) * 3]
)
def test_ratios_that_are_no_shares_are_refused(ratios):
    with pytest.raises(InputError, match="three shares above 0 that sum to 1"):
        sample_split(1000, ratios=ratios)


@given(steps=st.integers(60, 5000), share=st.floats(0.001, 1))
def test_the_latest_training_windows_end_where_all_of_them_do(steps, share):
    split = sample_split(steps)
    latest = split.train_on_latest(share)
    assert (latest.val, latest.test, latest.train.stop) == (split.val, split.test, split.train.stop)
    assert len(latest.train) == max(1, round(share * len(split.train)))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_latest_share_that_is_none_is_refused(share):
    with pytest.raises(InputError, match=r"^train_latest is .*; expected a share above 0, at most 1$"):
        sample_split(1000).train_on_latest(share)


@pytest.mark.parametrize("lengths", [(0, 12), (12, 0), (-3, 12)])
def test_windows_without_past_or_future_are_refused(lengths):
    with pytest.raises(InputError, match="at least 1 of each"):
        sample_split(1000, *lengths)
