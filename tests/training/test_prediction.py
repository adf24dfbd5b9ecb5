"""Forecasts after the last observed step: what they are, and what is said about gaps."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from stlora import InputError
from stlora.data import SensorSeries
from stlora.paths import TABLES, check_output
from stlora.training import predict
from stlora.training.prediction import write_prediction

HISTORY, HORIZON = 4, 3


def recent(tiny, rows, gaps=(), steps=None):
    """The series up to step ``rows``, complete but for ``gaps`` (step from the end, node), without its graph."""
    values = tiny.series.values[:rows].copy()
    values = np.where(np.isnan(values), 100.0 + np.arange(rows)[:, None], values).astype(np.float32)
    for step, node in gaps:
        values[step, node] = np.nan
    first = 0 if steps is None else rows - steps
    return SensorSeries(values[first:], tiny.series.time[first:rows], tiny.series.node_ids, name="recent")


def by_hand(run, series, end):
    """The network on the four steps before ``end``, made ready one value at a time: ``[H, N]``."""
    record = run.record()
    x = np.zeros((1, HISTORY, series.num_nodes, 4), dtype=np.float32)
    for node in range(series.num_nodes):
        held = 0.0
        for step in range(HISTORY):
            row = end - HISTORY + step
            value, stamp = float(series.values[row, node]), series.time[row]
            if value == value:
                held = (value - record.scaler.mean) / record.scaler.std
            clock = (stamp.hour + stamp.minute / 60) / 24, stamp.weekday() / 7
            x[0, step, node] = held, *clock, value == value
    with torch.no_grad():
        scaled = run.load()(torch.from_numpy(x))
    return scaled[0, :, :, 0].numpy() * record.scaler.std + record.scaler.mean


def test_table_is_the_networks_answer_in_physical_units(tiny, adapted):
    series = recent(tiny, 100)
    table = predict(adapted, series).table
    assert list(table.columns) == ["time", "node", "step", "forecast"]
    assert len(table) == HORIZON * 6
    np.testing.assert_allclose(table["forecast"].to_numpy().reshape(HORIZON, 6), by_hand(adapted, series, 100), 1e-5)
    assert table["step"].tolist() == [1] * 6 + [2] * 6 + [3] * 6
    assert table["node"].tolist() == list(tiny.series.node_ids) * HORIZON
    assert table["time"].iloc[::6].tolist() == list(tiny.series.time[100:103])
    assert table["time"].dtype.kind == "M"


def test_dead_sensors_are_named_and_left_to_the_backbone(tiny, fitted, adapted):
    series = recent(tiny, 100)
    series.values[-HISTORY:, 2] = 1e4
    adapted_forecast, alone = (predict(run, series) for run in (adapted, fitted))
    name = tiny.series.node_ids[2]
    said = f"one value throughout, as never in training: {name}; the adapter leaves them to the backbone"
    assert adapted_forecast.notes[-1] == said
    assert said not in alone.notes
    same = [each.table.set_index(["node", "step"])["forecast"] for each in (adapted_forecast, alone)]
    differ = (same[0] != same[1]).groupby("node").all()
    assert not differ[name]
    assert differ.drop(name).all()
    series.values[-HISTORY:, :] = 1e4
    assert predict(adapted, series).notes[-1] == said.replace(name, ", ".join(tiny.series.node_ids[:5]) + " and 1 more")
    assert predict(adapted, recent(tiny, 100)).notes == ("the last 4 steps are complete",)


def test_bare_backbone_forecasts_too(tiny, fitted):
    series = recent(tiny, 60)
    record, model = fitted.record(), fitted.load()
    x = torch.zeros(1, HISTORY, 6, 3)
    x[0, :, :, 0] = (torch.from_numpy(series.values[56:]) - record.scaler.mean) / record.scaler.std
    for step, stamp in enumerate(series.time[56:]):
        x[0, step, :, 1], x[0, step, :, 2] = (stamp.hour + stamp.minute / 60) / 24, stamp.weekday() / 7
    expected = model(x).detach()[0, :, :, 0] * record.scaler.std + record.scaler.mean
    found = predict(fitted, series).table["forecast"].to_numpy().reshape(HORIZON, 6)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_file_of_one_window_is_enough(tiny, adapted):
    whole, short = predict(adapted, recent(tiny, 100)), predict(adapted, recent(tiny, 100, steps=HISTORY))
    pd.testing.assert_frame_equal(whole.table, short.table)


def test_complete_window_is_stated(tiny, adapted):
    assert predict(adapted, recent(tiny, 100)).notes == ("the last 4 steps are complete",)


def test_gaps_are_filled_and_stated(tiny, adapted):
    gaps = [(-1, 0), (-2, 0), *[(-step, 3) for step in range(1, 5)]]
    series = recent(tiny, 100, gaps)
    prediction = predict(adapted, series)
    found = prediction.table["forecast"].to_numpy().reshape(HORIZON, 6)
    np.testing.assert_allclose(found, by_hand(adapted, series, 100), 1e-5)
    (note,) = prediction.notes
    assert "6 of 24 values of the last 4 steps are missing" in note
    assert "1 sensors have none in this window" in note


def test_forecast_starts_after_the_last_observed_step(tiny, adapted):
    silent = [(-step, node) for step in (1, 2, 3) for node in range(6)]
    series = recent(tiny, 99, silent)
    assert series.time[95].strftime("%H:%M") == "23:30"
    prediction = predict(adapted, series)
    pd.testing.assert_frame_equal(prediction.table, predict(adapted, recent(tiny, 96)).table)
    assert prediction.table["time"].iloc[0] == series.time[96]  # midnight
    assert "the last 3 steps hold no observation; the forecast starts after 2024-01-02 23:30:00" in prediction.notes[0]


def test_window_that_ends_at_midnight_ends_there(tiny, adapted):
    silent = [(-step, node) for step in (1, 2) for node in range(6)]
    series = recent(tiny, 99, silent)
    assert series.time[96] == series.time[96].normalize()
    pd.testing.assert_frame_equal(predict(adapted, series).table, predict(adapted, recent(tiny, 97)).table)


def test_sensors_may_come_in_any_order(tiny, adapted):
    series = recent(tiny, 100)
    turned = series.select(nodes=series.node_ids[::-1])
    pd.testing.assert_frame_equal(predict(adapted, turned).table, predict(adapted, series).table)


def test_unknown_sensors_are_ignored_and_stated(tiny, adapted):
    series = recent(tiny, 100)
    wider = SensorSeries(
        np.concatenate([np.full((100, 2), 5e5), series.values], axis=1), series.time, ("x", "y", *series.node_ids)
    )
    prediction = predict(adapted, wider)
    pd.testing.assert_frame_equal(prediction.table, predict(adapted, series).table)
    assert prediction.notes[0] == "2 sensors of the file are unknown to the run and were ignored"


def test_silence_of_an_unknown_sensor_alone_is_no_observation(tiny, adapted):
    series = recent(tiny, 99, [(-1, node) for node in range(6)])
    wider = SensorSeries(
        np.concatenate([series.values, np.ones((99, 1))], axis=1), series.time, (*series.node_ids, "x")
    )
    assert predict(adapted, wider).table["time"].iloc[0] == series.time[98]


def test_notes_of_the_reader_come_first(tiny, adapted):
    series = dataclasses.replace(recent(tiny, 100), notes=("3 repeated rows were dropped.",))
    assert predict(adapted, series).notes[0] == "3 repeated rows were dropped."


def test_missing_sensor_is_refused(tiny, adapted):
    series = recent(tiny, 100)
    with pytest.raises(InputError, match=f"1 of 6 node ids are not in recent.*{series.node_ids[2]!r}"):
        predict(adapted, series.select(nodes=[n for n in series.node_ids if n != series.node_ids[2]]))


def test_other_interval_is_refused(tiny, adapted):
    series = recent(tiny, 100)
    hourly = SensorSeries(series.values[::2], series.time[::2], series.node_ids, name="hourly")
    with pytest.raises(InputError, match=r"a step of 0 days 01:00:00 and .* steps of 0 days 00:30:00; resample"):
        predict(adapted, hourly)


@pytest.mark.parametrize("steps", [1, 3])
def test_series_shorter_than_a_history_is_refused(tiny, adapted, steps):
    with pytest.raises(InputError, match=r"no interval|has 3 steps up to the last observed one .* needs 4"):
        predict(adapted, recent(tiny, 100, steps=steps))


def test_series_without_observation_is_refused(tiny, adapted):
    with pytest.raises(InputError, match="holds no observed value"):
        predict(adapted, recent(tiny, 4, [(step, node) for step in range(4) for node in range(6)]))


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_table_comes_back_from_its_file(tiny, adapted, tmp_path, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    table = predict(adapted, recent(tiny, 100)).table
    write_prediction(table, check_output(tmp_path / name, TABLES))
    path = tmp_path / name
    again = pd.read_csv(path, parse_dates=["time"]) if path.suffix == ".csv" else pd.read_parquet(path)
    pd.testing.assert_frame_equal(again, table, check_dtype=False)
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("out.xlsx", r"ends in \.xlsx"), ("out", "ends in nothing"), ("nowhere/out.csv", "does not exist")],
)
def test_unusable_output_is_refused(tmp_path, name, reason):
    with pytest.raises(InputError, match=reason):
        check_output(tmp_path / name, TABLES)


def test_a_history_of_one_step_is_enough(tiny, tmp_path):
    run = tiny.fit(tmp_path / "run", history=1, epochs=1, train_fraction=0.1)
    table = predict(run, tiny.series, device="cpu").table
    assert table["time"].iloc[0] == tiny.series.time[-1] + tiny.series.interval
    assert np.isfinite(table["forecast"]).all()
