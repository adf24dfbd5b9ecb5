"""Arrays are read without evaluating their header or trusting its size."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from stlora.data.readers import numpy_file
from stlora.errors import InputError


def header(text, version=b"\x01\x00"):
    width = 2 if version[0] == 1 else 4
    return b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text.encode()


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2", "<i8", "|u1", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_numbers_in_any_order(tmp_path, dtype, order):
    array = np.array(np.arange(24).reshape(4, 3, 2) % 2, dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", a=array, b=np.float64(2.5))
    np.testing.assert_array_equal(numpy_file.read_npy(tmp_path / "a.npy"), array)
    np.testing.assert_array_equal(numpy_file.read_npz(tmp_path / "a.npz", "a"), array)
    assert numpy_file.read_npz(tmp_path / "a.npz", "b") == 2.5
    assert numpy_file.outline(tmp_path / "a.npz")["a"].shape == (4, 3, 2)


def test_large_arrays_come_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_file, "_BLOCK", 100)
    array = np.random.default_rng(0).integers(0, 255, (5, 50), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", a=array)
    parts = list(numpy_file.blocks(tmp_path / "a.npz", "a"))
    assert [len(part) for part in parts] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(parts), array)


def test_second_version_and_header_of_python_2(tmp_path):
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 1L), }\n"
    (tmp_path / "a.npy").write_bytes(header(text, b"\x02\x00") + np.float32([1, 2]).tobytes())
    assert numpy_file.read_npy(tmp_path / "a.npy").tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", r"type '\|O'; expected numbers"),
        ("{'descr': '<U5', 'fortran_order': False, 'shape': (2,), }", "expected numbers"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "which numpy does not write"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),), }", "which numpy does not write"),
        ("(" * 5000, "which numpy does not write"),
        (f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'312, ' * 5000}x), }}", "which numpy does not write"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999, 999999999999), }", "is cut short"),
    ],
)
def test_other_headers_are_refused_without_evaluating_them(tmp_path, text, message):
    (tmp_path / "a.npy").write_bytes(header(text) + bytes(8))
    with pytest.raises(InputError, match=message):
        numpy_file.read_npy(tmp_path / "a.npy")


def test_archive_that_would_unpack_to_far_more_is_refused_before_it_does(tmp_path):
    size = 1 << 27
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("data.npy", "w") as file:
        file.write(header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size},), }}"))
        for _ in range(size >> 24):
            file.write(bytes(1 << 24))
    (tmp_path / "a.npz").write_bytes(content.getvalue())
    tracemalloc.start()
    with pytest.raises(InputError, match=r"unpacks \d+ bytes to 134217\d+, which no measurements do"):
        next(numpy_file.blocks(tmp_path / "a.npz", "data"))
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


@pytest.mark.parametrize("position", [31, 150, -30])
def test_damaged_archive_is_refused(tmp_path, position):
    np.savez_compressed(tmp_path / "a.npz", data=np.random.default_rng(0).normal(size=(40, 3)))
    raw = bytearray((tmp_path / "a.npz").read_bytes())
    raw[position] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(raw)
    with pytest.raises(InputError, match=r"cannot be read as a numpy archive|where a numpy array should begin"):
        numpy_file.read_npz(tmp_path / "a.npz", "data")
