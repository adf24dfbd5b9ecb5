"""What is no file of data, given where one is expected: it is named in one line, and nothing waits for it."""

import bz2
import os
import socket

import pytest

from stlora.data import load_series
from stlora.data.readers.graph_file import read_graph
from stlora.errors import InputError

CSV = b"time,a\n2024-01-01,1\n2024-01-02,2\n"


def _fifo(path):
    os.mkfifo(path)


def _socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path must be short
        server.bind(path.name)
        os.chdir(here)


def _device(path):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [_fifo, _socket, _device])
@pytest.mark.parametrize("name", ["data.csv", "data.h5", "data.json", "data"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
def test_pipes_sockets_and_devices_are_refused(tmp_path, make, name):
    make(tmp_path / name)
    (tmp_path / "good.csv").write_bytes(CSV)
    with pytest.raises(InputError, match="no regular file"):
        load_series(tmp_path / name)
    with pytest.raises(InputError, match="no regular file"):
        read_graph(tmp_path / name)
    assert load_series(tmp_path / "good.csv").num_steps == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
def test_pipes_beside_data_are_left_alone(tmp_path):
    (tmp_path / "good.csv").write_bytes(CSV)
    for name in ("adj_mx.pkl", "graph_sensor_ids.txt", "graph_sensor_locations.csv", "x_meta.csv", "config.json"):
        os.mkfifo(tmp_path / name)
    assert load_series(tmp_path).num_steps == 2


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (bz2.compress(CSV), "compressed by bzip2"),
        (b"\x28\xb5\x2f\xfd" + bytes(20), "compressed by zstd"),
        (b"\xd0\xcf\x11\xe0" + bytes(20), "an old workbook of Excel"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a pointer of Git LFS"),
    ],
)
@pytest.mark.parametrize("name", ["x.csv", "x.pkl", "x"])
def test_files_of_other_kinds_are_named(tmp_path, name, content, what):
    (tmp_path / name).write_bytes(content)
    for read in (load_series, read_graph):
        with pytest.raises(InputError, match=what) as error:
            read(tmp_path / name)
        assert "damaged" not in str(error.value)
