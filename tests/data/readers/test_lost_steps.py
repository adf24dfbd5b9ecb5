"""Steps that are lost where values become float32."""

import numpy as np
import pandas as pd
import pytest

from stlora import load_series
from stlora.data import SensorSeries
from stlora.data.readers import read_table

STEPS = 300
TIME = pd.date_range("2024-03-01", periods=STEPS, freq="15min")
SENSORS = ("hall", "meter", "square")


def given(meter):
    values = np.random.default_rng(0).poisson(50, (STEPS, 3)).astype(float)
    values[:, 1] = meter
    return values


def lost(notes):
    return [note for note in notes if "float32" in note]


LOSING = {
    "counter": 2.0**24 + np.arange(STEPS),
    "large counter": 4e9 + np.cumsum(np.random.default_rng(1).poisson(20, STEPS)),
    "energy": 9_000_000 + np.arange(STEPS) * 0.25,
    "offset": 2.0**30 + np.random.default_rng(2).normal(0, 10, STEPS),
    "with gaps": np.where(np.arange(STEPS) % 3 == 0, np.nan, 2.0**25 + np.arange(STEPS)),
}
KEPT = {
    "counts": np.random.default_rng(3).poisson(50, STEPS),
    "large counts": np.random.default_rng(3).poisson(50_000_000, STEPS),
    "decimals": np.random.default_rng(3).normal(60, 5, STEPS).round(1),
    "pressure": np.random.default_rng(3).normal(101_325, 30, STEPS).round(2),
    "counter below 2**24": 2.0**24 - STEPS + np.arange(STEPS),
    "constant": np.full(STEPS, 2.0**24 + 1),
    "zeros": np.zeros(STEPS),
    "missing": np.full(STEPS, np.nan),
    "tiny": np.random.default_rng(3).normal(0, 1e-30, STEPS),
}


@pytest.mark.parametrize("name", LOSING)
@pytest.mark.parametrize("layout", ["wide CSV", "long CSV", "Parquet", "HDF5", "frame", "array"])
def test_sensor_and_loss_are_named(tmp_path, write_h5, name, layout):
    values = given(LOSING[name])
    frame = pd.DataFrame(values, index=TIME.rename("time"), columns=list(SENSORS))
    if layout == "frame":
        notes = SensorSeries.from_dataframe(frame).notes
    elif layout == "array":
        notes = SensorSeries.from_numpy(values, "2024-03-01", "15min", node_ids=SENSORS).notes
    elif layout == "HDF5":
        notes = read_table(write_h5(tmp_path / "x.h5", values, TIME.to_numpy(), np.array(SENSORS, dtype="S"))).notes
    else:
        path = tmp_path / ("x.parquet" if layout == "Parquet" else "x.csv")
        if layout == "Parquet":
            frame.to_parquet(path)
        else:
            if layout == "long CSV":
                frame = frame.melt(var_name="sensor", value_name="count", ignore_index=False)
            frame.to_csv(path, float_format="%.6f")
        notes = load_series(path).notes
    (note,) = lost(notes)
    assert note.startswith("Sensor 'meter' changes by ")
    assert "; give the differences of a meter's readings" in note


@pytest.mark.parametrize("name", KEPT)
def test_values_that_fit_are_not_mentioned(name):
    assert lost(SensorSeries.from_numpy(given(KEPT[name]), "2024-03-01", "15min").notes) == []


def test_whole_numbers_are_looked_at_too():
    whole = (2**24 + np.arange(STEPS))[:, None]
    assert len(lost(SensorSeries.from_numpy(whole, "2024-03-01", "15min").notes)) == 1
    assert lost(SensorSeries.from_numpy(whole.astype(np.float32), "2024-03-01", "15min").notes) == []


def test_note_counts_the_others():
    values = np.stack([LOSING["counter"], KEPT["counts"], LOSING["energy"]], axis=1)
    (note,) = lost(SensorSeries.from_numpy(values, "2024-03-01", "15min").notes)
    assert note.startswith("Sensor '0' changes by 1 from row to row, and float32 holds it to 1 (and 1 others likewise)")
