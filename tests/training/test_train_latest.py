"""Training on the latest part of the training windows: what lies before it has no part in anything."""

import dataclasses

import numpy as np
import pytest

from stlora.training import CompareConfig, compare
from stlora.training.config import DataOptions
from stlora.training.prepare import open_run, open_series

SHARE = 0.5


def first_step(tiny):
    """The first history step of the training windows that are used."""
    windows = round(0.7 * (tiny.series.num_steps - 4 - 3 + 1))
    return windows - round(SHARE * windows)


@pytest.fixture
def rewritten(tiny):
    """The same network with another past before that step."""
    values = tiny.series.values.copy()
    values[: first_step(tiny)] = np.random.default_rng(0).uniform(500, 900, (first_step(tiny), 6))
    return dataclasses.replace(tiny.series, values=values)


@pytest.mark.parametrize(
    "changes",
    [{"fill": "profile", "adapter": "stlora"}, {"backbone": "ha", "backbone_options": {}}],
    ids=["backbone and adapter", "baseline"],
)
def test_nothing_from_before_is_seen(tiny, rewritten, tmp_path, changes):
    runs = [
        tiny.fit(tmp_path / name, series, train_latest=SHARE, **changes)
        for name, series in (("as it was", tiny.series), ("rewritten", rewritten))
    ]
    assert tiny.weights(runs[0]) == tiny.weights(runs[1])
    assert tiny.results(runs[0]) == tiny.results(runs[1])
    whole = [tiny.fit(tmp_path / f"all of {i}", series, **changes) for i, series in enumerate([tiny.series, rewritten])]
    assert tiny.weights(whole[0]) != tiny.weights(whole[1])


def test_graph_by_correlation_sees_the_latest_part_alone(tiny, rewritten):
    def graph(series, share):
        options = DataOptions(data="", graph="correlation", history=4, horizon=3, train_latest=share)
        return open_series(options, series).adjacency

    assert np.array_equal(graph(tiny.series, SHARE), graph(rewritten, SHARE))
    assert not np.array_equal(graph(tiny.series, 1.0), graph(rewritten, 1.0))


def test_adapter_of_such_a_run_is_fitted_to_the_same_windows(tiny, rewritten, tmp_path):
    runs = [
        tiny.fit(tmp_path / name, series, train_latest=SHARE) for name, series in (("a", tiny.series), ("b", rewritten))
    ]
    data = open_run(runs[0].record(), tiny.series)
    windows = round(0.7 * (tiny.series.num_steps - 4 - 3 + 1))
    assert data.split.train == range(first_step(tiny), windows)
    adapted = [
        dataclasses.replace(tiny, series=series).adapt(run, tmp_path / f"adapted {i}")
        for i, (run, series) in enumerate(zip(runs, (tiny.series, rewritten), strict=True))
    ]
    assert tiny.weights(adapted[0]) == tiny.weights(adapted[1])
    assert tiny.results(adapted[0]) == tiny.results(adapted[1])


def test_comparison_says_on_what_it_was_trained(tiny, tmp_path):
    options = {"history": 4, "horizon": 3, "epochs": 1, "adapt_epochs": 1, "seeds": 0, "device": "cpu"}
    compare(
        CompareConfig(
            data="simulated", backbones="lstm", out=str(tmp_path), train_latest=SHARE, train_fraction=2.0, **options
        ),
        tiny.series,
    )
    text = (tmp_path / "table.md").read_text()
    assert (
        "An epoch saw 200 % of the training windows, drawn anew, in every row; there were the latest 50 % of them and "
        "nothing from before"
    ) in text
