"""Arrays on disk: walked through in parts, and given to windows batch by batch."""

import numpy as np
import pandas as pd
import pytest
import torch

from stlora import InputError
from stlora.data.mapped import is_mapped, release, row_chunks
from stlora.data.scaling import Scaler
from stlora.data.series import SensorSeries
from stlora.data.windows import Windows


@pytest.fixture
def mapped(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    values[5, 2] = np.nan
    np.save(tmp_path / "values.npy", values)
    return np.load(tmp_path / "values.npy", mmap_mode="r")


@pytest.mark.parametrize("chunk", [1, 7, 40, 10_000])
def test_chunks_cover_every_row_once(chunk, monkeypatch):
    monkeypatch.setattr("stlora.data.mapped.CHUNK_VALUES", chunk)
    slices = list(row_chunks(np.zeros((10, 4))))
    assert [row for part in slices for row in range(part.start, part.stop)] == list(range(10))
    assert all((part.stop - part.start) * 4 <= max(chunk, 4) for part in slices)


def test_only_read_only_views_of_files_are_mapped(mapped, tmp_path):
    assert is_mapped(mapped)
    assert is_mapped(np.asarray(mapped)[3:20])
    assert not is_mapped(np.array(mapped))
    assert not is_mapped(np.load(tmp_path / "values.npy", mmap_mode="c"))


def test_released_pages_are_read_again(mapped):
    before = np.array(mapped)
    release(mapped[4:])
    np.testing.assert_array_equal(mapped, before)


def test_changes_to_a_private_copy_are_not_dropped(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 2)))
    private = np.load(tmp_path / "a.npy", mmap_mode="c")
    private[1] = 7
    release(private)
    assert private[1].tolist() == [7, 7]


@pytest.mark.parametrize("rows", [slice(None), slice(10, 45)])
def test_windows_of_a_mapped_series_equal_those_of_one_in_memory(mapped, rows):
    time = pd.date_range("2024-01-01", periods=len(mapped), freq="1h")[rows]
    on_disk = Windows(SensorSeries(mapped[rows], time, tuple("abcd")), Scaler(0.5, 2.0), 6, 3)
    in_memory = Windows(SensorSeries(np.array(mapped[rows]), time, tuple("abcd")), Scaler(0.5, 2.0), 6, 3)
    assert on_disk.to(torch.device("cpu"))._values._there is None
    start = torch.tensor([0, 2, 20])
    assert torch.equal(on_disk.inputs(start), in_memory.inputs(start))
    np.testing.assert_array_equal(on_disk.targets(start), in_memory.targets(start))
    assert (len(on_disk), on_disk.num_nodes, on_disk.device) == (len(in_memory), 4, torch.device("cpu"))


@pytest.mark.parametrize("chunk", [4, 24, 10_000])
def test_walking_in_parts_changes_nothing(mapped, chunk, monkeypatch):
    time = pd.date_range("2024-01-01", periods=len(mapped), freq="1h")
    whole = SensorSeries(np.array(mapped), time, tuple("abcd"))
    known = (whole.fingerprint(), whole.select(nodes=["c", "a"]).values, Scaler.fit(whole.values))
    monkeypatch.setattr("stlora.data.mapped.CHUNK_VALUES", chunk)
    series = SensorSeries(mapped, time, tuple("abcd"))
    assert series.fingerprint() == known[0]
    np.testing.assert_array_equal(series.select(nodes=["c", "a"]).values, known[1])
    assert Scaler.fit(series.values).mean == pytest.approx(known[2].mean, rel=1e-12)
    assert Scaler.fit(series.values).std == pytest.approx(known[2].std, rel=1e-12)
    assert series.select(max_missing=0.01).node_ids == tuple("abd")
    with pytest.raises(InputError, match=r"max_missing is 35; expected a share from 0 to 1"):
        series.select(max_missing=35)


def test_scaling_of_what_fits_in_one_part_is_numpys_to_the_bit(mapped):
    values = np.array(mapped)
    seen = values[~np.isnan(values)].astype(np.float64)
    assert Scaler.fit(values) == Scaler(float(seen.mean()), float(seen.std()))


def test_infinity_in_a_later_part_is_found(monkeypatch):
    monkeypatch.setattr("stlora.data.mapped.CHUNK_VALUES", 4)
    values = np.zeros((10, 2), dtype=np.float32)
    values[9, 1] = np.inf
    with pytest.raises(InputError, match="infinities"):
        SensorSeries(values, pd.date_range("2024-01-01", periods=10, freq="1h"), tuple("ab"))


def test_a_period_is_a_view_and_sensors_are_a_copy(mapped):
    series = SensorSeries(mapped, pd.date_range("2024-01-01", periods=len(mapped), freq="1h"), tuple("abcd"))
    assert np.shares_memory(series.values, mapped)
    assert np.shares_memory(series.select(start="2024-01-02").values, mapped)
    assert is_mapped(series.select(start="2024-01-02").values)
    assert not is_mapped(series.select(nodes=["b"]).values)
