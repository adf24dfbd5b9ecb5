"""What is written is read back as it was."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stlora.data import SensorSeries, load_series
from stlora.data.writers import LAYOUTS, write_series
from stlora.errors import InputError


def make(steps=60, whole=True, missing=True):
    rng = np.random.default_rng(0)
    values = rng.poisson(40, (steps, 3)) + 1.0 if whole else rng.uniform(1, 70, (steps, 3))
    if missing:
        values[[3, 7, 7], [0, 1, 2]] = np.nan
    time = pd.date_range("2024-02-28 21:00", periods=steps, freq="15min")
    adjacency = np.array([[1, 0.5, 0], [0, 1, 0.25], [0, 0, 0]])
    return SensorSeries(values, time, ("7", "b c", "n,1"), adjacency, np.array([[51.9, 7.6]] * 3), "x", "net")


def check(back, series, exact=True):
    assert back.node_ids == series.node_ids
    assert back.time.tolist() == series.time.tolist()
    np.testing.assert_allclose(back.values, series.values, rtol=0 if exact else 1e-6)
    np.testing.assert_array_equal(back.adjacency, series.adjacency)


@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables(tmp_path, layout, suffix):
    series = make(whole=False)
    written = write_series(series, tmp_path / f"counts{suffix}", layout)
    assert [path.name for path in written] == [f"counts{suffix}", "counts_graph.npy", "counts_locations.csv"]
    check(load_series(written[0], graph=written[1]), series)
    assert load_series(tmp_path).coordinates.tolist() == series.coordinates.tolist()


def test_sensor_that_was_never_observed_survives(tmp_path):
    series = make()
    series.values[:, 1] = np.nan
    for layout in ("wide", "long"):
        path = write_series(series, tmp_path / layout / "x.csv", layout)[0]
        np.testing.assert_array_equal(load_series(path).values, series.values)


def test_basicts(tmp_path):
    series = make(whole=False)
    write_series(series, tmp_path / "x", "basicts")
    check(load_series(tmp_path / "x"), series)
    assert [len(np.load(tmp_path / "x" / f"{part}_data.npy")) for part in ("train", "val", "test")] == [42, 6, 12]
    stamps = np.load(tmp_path / "x" / "val_timestamps.npy")
    assert stamps.shape == (6, 4)
    assert stamps.dtype == np.float32
    meta = json.loads((tmp_path / "x" / "meta.json").read_text())
    assert meta["shape"] == [60, 3]
    assert meta["frequency (minutes)"] == 15
    assert b"cnumpy.core.multiarray\n" in (tmp_path / "x" / "adj_mx.pkl").read_bytes()


@pytest.mark.parametrize("whole", [True, False])
def test_largest(tmp_path, whole):
    series = make(whole=whole)
    write_series(series, tmp_path / "net", "largest")
    back = load_series(tmp_path / "net")
    check(back, series, exact=whole)
    np.testing.assert_array_equal(back.coordinates, series.coordinates)
    rows = [np.load(tmp_path / "net" / "2024" / f"idx_{part}.npy") for part in ("train", "val", "test")]
    np.testing.assert_array_equal(np.concatenate(rows), np.arange(11, 48))
    assert [len(part) for part in rows] == [22, 7, 8]
    with np.load(tmp_path / "net" / "2024" / "his.npz") as content:
        train = content["data"][: rows[1][0] - 12, :, 0]
        assert train.mean() == pytest.approx(0, abs=1e-9)
        assert train.std() == pytest.approx(1)


@pytest.mark.parametrize("layout", ["basicts", "largest"])
def test_names_survive_without_graph_and_coordinates(tmp_path, layout):
    series = replace(make(), adjacency=None, coordinates=None)
    write_series(series, tmp_path / "x", layout)
    back = load_series(tmp_path / "x")
    assert back.node_ids == series.node_ids
    assert back.coordinates is None
    assert back.adjacency is None


@pytest.mark.parametrize("layout", ["basicts", "largest"])
def test_too_short_or_constant_series_are_refused(tmp_path, layout):
    with pytest.raises(InputError, match="net has 5 steps, too few"):
        write_series(make(8).select(end="2024-02-28 22:00"), tmp_path / "x", layout)
    constant = SensorSeries(np.ones((90, 1)), pd.date_range("2024-01-01", periods=90, freq="1h"), ("a",))
    if layout == "largest":
        with pytest.raises(InputError, match="does not vary"):
            write_series(constant, tmp_path / "x", layout)


@pytest.mark.parametrize(
    ("name", "layout", "message"),
    [
        ("x.xlsx", "wide", r"does not end in .csv or .parquet"),
        ("x", "long", r"does not end in"),
        ("x.csv", "basicts", "is no folder"),
        ("x.csv", "arrow", "the layout is 'arrow'; expected one of wide, long, basicts, largest"),
    ],
)
def test_unfit_names_are_refused(tmp_path, name, layout, message):
    with pytest.raises(InputError, match=message):
        write_series(make(), tmp_path / name, layout)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_interrupted_writing_leaves_the_old_file(tmp_path, layout, monkeypatch):
    target = tmp_path / ("x.csv" if layout in ("wide", "long") else "x")
    write_series(make(), target, layout)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("stlora.files.os.replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_series(make(whole=False), target, layout)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "UTC",
    "UTC-03:30",
    None,
]
INTERVALS = ["1s", "5min", "15min", "1h", "3h", "24h", "36h", "168h", "240h", "1000h"]


@given(
    layout=st.sampled_from(
        [
            ("wide", ".csv"),
            ("wide", ".parquet"),
            ("long", ".csv"),
            ("long", ".parquet"),
            ("basicts", ""),
            ("largest", ""),
        ]
    ),
    zone=st.sampled_from(ZONES),
    interval=st.sampled_from(INTERVALS),
    start=st.datetimes(pd.Timestamp("2023-01-01"), pd.Timestamp("2024-12-31")),
    steps=st.integers(120, 160),
)
@settings(max_examples=120, deadline=None)
def test_every_layout_is_read_back_on_the_same_clock(layout, zone, interval, start, steps):
    first = pd.Timestamp(start).floor("15min")
    time = pd.date_range(first if zone is None else first.tz_localize("UTC"), periods=steps, freq=interval)
    time = time if zone is None else time.tz_convert(zone)
    values = np.arange(1, 2 * steps + 1, dtype=np.float32).reshape(steps, 2)
    series = SensorSeries(values, time, ("a", "b"))
    with TemporaryDirectory() as folder:
        path = Path(folder, "net" + layout[1])
        write_series(series, path, layout[0])
        back = load_series(path)
    assert back.time.equals(series.time.as_unit("ns"))
    assert back.timezone == series.timezone
    np.testing.assert_allclose(back.values, values, rtol=1e-6)
    assert back.interval == series.interval


def test_a_day_of_25_hours_is_written_as_its_clock_shows_it(tmp_path):
    time = pd.date_range("2024-10-26", periods=96, freq="1h", tz="Europe/Berlin")
    series = SensorSeries(np.arange(1.0, 97.0)[:, None], time, ("a",))
    write_series(series, tmp_path / "b", "basicts")
    stamps = np.concatenate([np.load(tmp_path / "b" / f"{part}_timestamps.npy") for part in ("train", "val", "test")])
    np.testing.assert_allclose(stamps[:, 0], time.hour / 24, atol=1e-6)
    write_series(series, tmp_path / "l", "largest")
    with np.load(tmp_path / "l" / "2024" / "his.npz") as arrays:
        np.testing.assert_allclose(arrays["data"][:, 0, 1], time.hour / 24, atol=1e-6)
