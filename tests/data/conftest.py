"""Files as users have them, written by the tests themselves."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest


def _write_h5(path, values, stamps, ids, key="df", kind="datetime64", unit="ns", blocks=None, tz=None, **attributes):
    """The layout of ``DataFrame.to_hdf(format="fixed")``; ``blocks`` are the column positions of each block."""
    values, ids = np.asarray(values, dtype=np.float64), np.asarray(ids)
    blocks = blocks or [list(range(len(ids)))]
    with h5py.File(path, "w") as file:
        group = file.create_group(key)
        group.attrs["pandas_type"] = np.bytes_(attributes.get("pandas_type", "frame"))
        group.attrs["nblocks"] = len(blocks)
        group["axis0"] = ids
        group["axis1"] = np.asarray(stamps, dtype=f"M8[{unit}]").astype("int64")
        group["axis1"].attrs["kind"] = np.bytes_(kind)
        if tz:
            group["axis1"].attrs["tz"] = np.bytes_(tz)
        for i, columns in enumerate(blocks):
            group[f"block{i}_items"] = ids[columns]
            group[f"block{i}_values"] = values[:, columns]
    return Path(path)


def _write_graph(path, ids, adjacency, protocol=2):
    graph = [list(ids), {node: i for i, node in enumerate(ids)}, np.asarray(adjacency, dtype=np.float32)]
    Path(path).write_bytes(pickle.dumps(graph, protocol=protocol))
    return Path(path)


@pytest.fixture(scope="session")
def write_h5():
    return _write_h5


@pytest.fixture(scope="session")
def write_graph():
    return _write_graph


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data beside the checkout; skips where there is none."""
    folder = Path(__file__).parents[2] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data beside the checkout")
    return folder
