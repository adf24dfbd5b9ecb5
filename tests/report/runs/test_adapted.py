from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from stlora.adapters import STLoRA
from stlora.data import SensorSeries, SimulatedNetwork, simulate
from stlora.errors import InputError
from stlora.report.panels import forecast_panels
from stlora.report.runs.adapted import report_of
from stlora.report.runs.examples import node_errors, pick_examples, positions
from stlora.training import AdaptConfig, FitConfig, Run, adapt, fit
from stlora.training.prepare import open_run

SILENT = 2  # a sensor without an observed value in the test period


class _Runs(NamedTuple):
    network: SimulatedNetwork
    series: SensorSeries
    alone: Run
    adapted: Run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> _Runs:
    folder = tmp_path_factory.mktemp("runs")
    network = simulate(num_nodes=6, days=21, interval="1h")
    values = network.series.values.copy()
    values[-150:, SILENT] = np.nan
    series = replace(network.series, values=values)
    tiny = {"epochs": 1, "train_fraction": 0.2}
    alone = fit(FitConfig(data="simulated", backbone="lstm", out=str(folder / "alone"), horizon=6, **tiny), series)
    options = AdaptConfig(
        run=str(alone.folder), out=str(folder / "adapted"), adapter_options={"rank": 2}, learning_rate=0.02, **tiny
    )
    return _Runs(network, series, alone, adapt(options, series))


def test_a_report_says_what_the_runs_files_say(runs: _Runs) -> None:
    content = report_of([runs.alone, runs.adapted], runs.series, runs.network)
    assert (content.alone, content.adapted) == ("lstm", "lstm + stlora")
    assert [row.errors["average", "mae"].mean for row in content.rows] == [
        run.metrics["average"]["mae"] for run in (runs.alone, runs.adapted)
    ]
    assert "6 sensors up to 6 h ahead" in content.summary
    protocol = dict(content.protocol)
    assert protocol["Data"].startswith(f"simulated; fingerprint {runs.series.fingerprint()[:16]}")
    assert protocol["Task"] == "12 past steps in, 6 future steps out"
    assert protocol["Split"].startswith("341 windows to train, 49 to validate, 97 to test")
    assert protocol["lstm"].startswith("fit; ")
    assert "1 epochs, 20 % of the windows each" in protocol["lstm"]
    assert protocol["lstm + stlora"].endswith("rank=2")
    assert content.truth is not None
    assert content.truth.kinds == runs.network.kinds


def test_real_data_has_no_known_truth(runs: _Runs) -> None:
    assert report_of([runs.alone, runs.adapted], runs.series).truth is None


def test_a_sensor_without_an_observed_target_has_no_error_and_no_change(runs: _Runs) -> None:
    nodes = node_errors(runs.alone.metrics, runs.adapted.metrics, runs.series)
    expected = [position == SILENT for position in range(6)]
    assert np.isnan(nodes.alone).tolist() == np.isnan(nodes.change).tolist() == expected
    ids = [node for node in runs.series.node_ids if node != runs.series.node_ids[SILENT]]
    stored = [runs.adapted.metrics["nodes"][node]["mae"] for node in ids]
    np.testing.assert_allclose(nodes.adapted[~np.isnan(nodes.adapted)], stored)


def test_examples_are_the_sensors_helped_most_and_least(runs: _Runs) -> None:
    content = report_of([runs.alone, runs.adapted], runs.series)
    change = content.nodes.change
    wanted = [runs.series.node_ids[int(position)] for position in (np.nanargmin(change), np.nanargmax(change))]
    assert [example.node_id for example in content.examples] == wanted


def test_examples_are_the_sensors_that_are_asked_for(runs: _Runs) -> None:
    ids = runs.series.node_ids
    examples = report_of([runs.alone, runs.adapted], runs.series, sensors=[ids[4], ids[SILENT]]).examples
    assert [example.node_id for example in examples] == [ids[4], ids[SILENT]]
    assert [bool(np.isfinite(example.change)) for example in examples] == [True, False]
    (with_change, without) = (panel.caption for panel in forecast_panels(examples, "", runs.series.interval))
    assert "changed this sensor's MAE by" in with_change
    assert without.endswith("Its MAE has no change: there was nothing to compare.")


def test_a_sensor_that_is_not_there_is_refused_and_a_few_that_are_named(runs: _Runs) -> None:
    many = replace(runs.series, node_ids=tuple(f"n{number}" for number in range(6)))
    with pytest.raises(InputError, match=r"simulated has no sensor x; it has n0, n1, n2, n3, n4, n5$"):
        positions(["n1", "x"], many)
    values = np.ones((4, 25), dtype=np.float32)
    wide = SensorSeries.from_numpy(values, "2024-01-01", "1h", name="wide")
    with pytest.raises(InputError, match=r"wide has no sensor x; it has .*, 19 and 5 more$"):
        positions(["x"], wide)


def test_an_example_is_two_days_of_the_test_period_from_midnight(runs: _Runs) -> None:
    data = open_run(runs.alone.record(), runs.series)
    first_target = runs.series.time[data.split.test.start + 12]
    for example in report_of([runs.alone, runs.adapted], runs.series).examples:
        assert len(example.time) == 48
        assert (example.time[0].hour, example.step) == (0, 6)
        assert example.time[0] >= first_target
        rows = runs.series.time.get_indexer(example.time)
        column = runs.series.node_ids.index(example.node_id)
        np.testing.assert_array_equal(example.truth, runs.series.values[rows, column])


def test_an_example_shows_what_the_networks_forecast_for_that_time(runs: _Runs) -> None:
    data = open_run(runs.alone.record(), runs.series)
    example = report_of([runs.alone, runs.adapted], runs.series).examples[0]
    point = 17
    start = runs.series.time.get_loc(example.time[point]) - (12 + 6 - 1)
    column = runs.series.node_ids.index(example.node_id)
    x = data.windows.inputs(torch.tensor([start]))
    model = runs.adapted.load()
    assert isinstance(model, STLoRA)
    with torch.no_grad():
        adapted = data.scaler.inverse(model(x))[0, -1, column, 0]
        alone = data.scaler.inverse(model.backbone_forecast(x))[0, -1, column, 0]
    assert example.adapted[point] == pytest.approx(float(adapted), rel=1e-5)
    assert example.alone[point] == pytest.approx(float(alone), rel=1e-5)
    assert float(adapted) != pytest.approx(float(alone), rel=1e-5)


def test_one_comparable_sensor_is_one_example_and_none_is_none(runs: _Runs) -> None:
    data = open_run(runs.alone.record(), runs.series)
    nodes = node_errors(runs.alone.metrics, runs.adapted.metrics, runs.series)
    models = runs.alone.load(), runs.adapted.load()
    for known in (1, 0):
        few = replace(nodes, alone=np.where(np.arange(6) < known, nodes.alone, np.nan))
        assert len(pick_examples(*models, data, few)) == known


def test_other_data_is_refused(runs: _Runs) -> None:
    with pytest.raises(InputError, match="has changed: its fingerprint is"):
        report_of([runs.alone, runs.adapted], runs.network.series)


def test_runs_of_other_windows_are_refused(runs: _Runs, tmp_path: Path) -> None:
    tiny = {"data": "simulated", "backbone": "lstm", "horizon": 6, "epochs": 1, "train_fraction": 0.2}
    purged = fit(FitConfig(out=str(tmp_path / "purged"), purge=True, **tiny), runs.series)
    with pytest.raises(InputError, match=r"was measured on other windows than .*; give runs with the same history"):
        report_of([purged, runs.adapted], runs.series)


def test_the_backbone_alone_must_come_first_and_an_adapted_run_last(runs: _Runs) -> None:
    for wrong in ([runs.adapted, runs.alone], [runs.alone]):
        with pytest.raises(InputError, match="give the backbone alone first and an adapted run last"):
            report_of(wrong, runs.series)


def test_an_unfinished_run_is_refused(runs: _Runs, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is it a finished run folder"):
        report_of([runs.alone, Run(tmp_path)], runs.series)
