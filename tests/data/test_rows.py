"""Where an array lies while batches of it are made on another device."""

import numpy as np
import pytest
import torch

from stlora.data.rows import Rows

THERE = torch.device("meta")


@pytest.fixture(params=["in memory", "on disk"])
def values(request, tmp_path):
    made = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    if request.param == "in memory":
        return made
    np.save(tmp_path / "values.npy", made)
    return np.load(tmp_path / "values.npy", mmap_mode="r")


@pytest.mark.parametrize(("spare", "moved"), [(0, True), (-1, False)])
def test_array_moves_where_it_takes_at_most_half_of_what_is_free(values, monkeypatch, spare, moved):
    asked = []
    monkeypatch.setattr("stlora.data.rows.free_memory", lambda device: asked.append(device) or 2 * 50 * 4 * 4 + spare)
    rows = Rows(values).to(THERE)
    assert (rows._there is not None) == moved
    index = torch.tensor([3, 0, 3], device=THERE if moved else "cpu")
    assert (rows[index].device, rows[index].shape) == (THERE, (3, 4))
    assert rows.to(THERE).device == THERE
    assert asked == [THERE], "what is free after the move says nothing"


def test_rows_come_back_to_the_processor(values, monkeypatch):
    monkeypatch.setattr("stlora.data.rows.free_memory", lambda _: 0)
    index = torch.tensor([3, 0, 3])
    for rows in (Rows(values), Rows(values).to(THERE).to(torch.device("cpu"))):
        np.testing.assert_array_equal(rows[index], np.asarray(values)[[3, 0, 3]])


def test_array_is_copied_in_parts(values, monkeypatch):
    copied = []
    monkeypatch.setattr("stlora.data.rows.free_memory", lambda _: 10**6)
    monkeypatch.setattr("stlora.data.mapped.CHUNK_VALUES", 4 * 20)
    monkeypatch.setattr("stlora.data.rows.np.array", lambda part: copied.append(len(part)) or np.asarray(part).copy())
    Rows(values).to(THERE)
    assert copied == [20, 20, 10]
