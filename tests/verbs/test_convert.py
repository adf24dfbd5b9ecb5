"""``stlora data convert``, as a user types it."""

import numpy as np
import pandas as pd
import pytest

from stlora.cli import main
from stlora.data import load_series


@pytest.fixture
def pems(tmp_path):
    data = np.random.default_rng(0).poisson(50, (60, 2, 3)) + 1.0
    np.savez(tmp_path / "PEMS99.npz", data=data)
    (tmp_path / "PEMS99.csv").write_text("from,to,cost\n0,1,352.6\n")
    return tmp_path / "PEMS99.npz", data


@pytest.mark.parametrize(
    ("layout", "output"),
    [("wide", "a.csv"), ("long", "a.parquet"), ("basicts", "a"), ("largest", "a")],
)
def test_every_layout(pems, tmp_path, capsys, layout, output):
    path, data = pems
    target = tmp_path / "out" / output
    options = ["--output", str(target), "--layout", layout, "--channel", "speed", "--start", "2020-02-29"]
    assert main(["data", "convert", str(path), *options]) == 0
    printed, noted = capsys.readouterr()
    assert "note: The channel speed was read" in noted
    assert "60 steps of 2 sensors written" in printed
    series = load_series(target)
    np.testing.assert_array_equal(series.values, data[:, :, 2])
    assert series.time[0] == pd.Timestamp("2020-02-29")


def test_what_cannot_be_written_is_refused(pems, tmp_path, capsys):
    assert main(["data", "convert", str(pems[0]), "--output", str(tmp_path / "a.xlsx")]) == 2
    assert "does not end in .csv or .parquet" in capsys.readouterr().err
    assert main(["data", "convert", str(pems[0])]) == 2
    assert "output" in capsys.readouterr().err
