"""What commands load: those that train nothing do not wait for what training takes."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from stlora.training import FitConfig, fit

HEAVY = ["numpy", "pandas", "lightning", "torchmetrics", "matplotlib", "scipy", "sklearn", "torch._dynamo", "torch"]
DATA = ["numpy", "pandas"]
LOADED = """
import sys
from stlora.cli import main

try:
    status = main(sys.argv[2:])
except SystemExit as done:  # of --help
    status = done.code
print(*(name for name in sys.argv[1].split(",") if name in sys.modules), file=sys.stderr)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("startup")
    time = pd.date_range("2024-01-01", periods=200, freq="1h", name="time")
    frame = pd.DataFrame({"a": np.arange(200.0) % 24, "b": np.arange(200.0) % 7}, index=time)
    frame.to_csv(folder / "net.csv")
    config = {"history": 4, "horizon": 2, "epochs": 1, "device": "cpu"}
    fit(FitConfig(data=str(folder / "net.csv"), backbone="lstm", out=str(folder / "run"), **config))
    return folder


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        ("--help", []),
        ("fit --help", []),
        ("data list", DATA),
        ("data check net.csv", DATA),
        ("data convert net.csv --output out.parquet", DATA),
        ("predict run --data net.csv --output next.xlsx", []),
        ("predict run --data net.csv --output next.csv", [*DATA, "torch"]),
        # torchmetrics takes matplotlib and scipy
        ("evaluate run", [*DATA, "torchmetrics", "matplotlib", "scipy", "torch"]),
        ("export run --output run.pt2", [*DATA, "torch._dynamo", "torch"]),
    ],
)
def test_commands_load_no_more_than_they_need(folder, words, loaded):
    if "parquet" in words:
        pytest.importorskip("pyarrow")
    command = [sys.executable, "-c", LOADED, ",".join(HEAVY), *words.split()]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode in (0, 2)
    assert set(done.stderr.splitlines()[-1].split()) <= set(loaded)
