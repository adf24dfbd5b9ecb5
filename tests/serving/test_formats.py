"""Every backbone as a file: it answers as the network did, at any batch size."""

from pathlib import Path

import pytest
import torch

from stlora import backbones
from stlora.paths import NETWORKS
from stlora.serving.formats import read, read_facts, write

SUFFIXES = ("pt2", "onnx")


def check(served, windows, path: Path):
    if path.suffix == ".onnx":
        for package in NETWORKS[".onnx"]:
            pytest.importorskip(package)
    write(served, windows(3), "{}", path)
    answer = read(path)
    for batch in (1, 4):
        expected = served(*windows(batch))
        assert expected.std() > 0.1  # a forecast that could be told from another
        torch.testing.assert_close(answer(*windows(batch)), expected, rtol=0, atol=1e-4 * served.scaler.std)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("adapted", [False, True], ids=["alone", "adapted"])
@pytest.mark.parametrize("name", backbones.names())
def test_file_answers_as_the_network(serve, windows, tmp_path, name, adapted, suffix):
    check(serve(name, adapted), windows, tmp_path / f"model.{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("fill", ["linear", "profile"])
def test_other_fillings_of_gaps(serve, windows, tmp_path, fill, suffix):
    check(serve("stid", fill=fill), windows, tmp_path / f"model.{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_file_says_what_it_is(serve, windows, tmp_path, suffix):
    if suffix == "onnx":
        for package in NETWORKS[".onnx"]:
            pytest.importorskip(package)
    write(serve("stid"), windows(3), '{"unit": "veh/h, größer"}', path := tmp_path / f"model.{suffix}")
    assert read_facts(path) == '{"unit": "veh/h, größer"}'
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
