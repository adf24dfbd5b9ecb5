"""Files whole or not at all, and read without running what is in them."""

import errno
import json
import math
import os
import resource
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from safetensors import safe_open

from stlora import InputError
from stlora.files import (
    is_temporary,
    read_json,
    read_metadata,
    read_tensors,
    read_yaml,
    remove_leftovers,
    write_atomically,
    write_json,
    write_tensors,
    write_text,
)


def test_failed_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "kept.txt"
    write_text(path, "old")

    def fail(temporary):
        temporary.write_text("half of the n")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["kept.txt"]


def test_writing_goes_through_a_file_beside_it(tmp_path):
    path = tmp_path / "new" / "folder" / "table.csv"
    seen = []

    def write(temporary):
        seen.append((temporary.parent, temporary.suffix, path.exists()))
        temporary.write_text("x")

    write_atomically(path, write)
    assert seen == [(path.parent, ".csv", False)]
    assert os.listdir(path.parent) == ["table.csv"]


def test_the_umask_says_who_may_read(tmp_path):
    before = os.umask(0o077)
    try:
        write_text(tmp_path / "mine.txt", "x")
        os.umask(0o002)
        write_text(tmp_path / "ours.txt", "x")
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("mine.txt", "ours.txt")] == [0o600, 0o664]


WRITERS = {
    "csv": lambda path: pd.DataFrame({"a": [1]}).to_csv(path),
    "parquet": lambda path: pd.DataFrame({"a": [1]}).to_parquet(path),
    "npy": lambda path: np.save(path, np.zeros(3)),
    "npz": lambda path: np.savez_compressed(path, a=np.zeros(3)),
    "svg": lambda path: Figure().savefig(path),
    "ckpt": lambda path: torch.save({"a": torch.zeros(3)}, path),
    "txt": lambda path: path.write_text("x"),
}


@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_that_is_being_written_is_no_leftover(tmp_path, ending):
    path, kept = tmp_path / f"a.{ending}", []

    def write(temporary):
        remove_leftovers(tmp_path)
        WRITERS[ending](temporary)
        remove_leftovers(tmp_path)
        kept.append(temporary.exists())

    write_atomically(path, write)
    assert kept == [True]
    assert os.listdir(tmp_path) == [path.name]


def test_nothing_but_our_temporary_file_is_beside_tensors_while_they_are_written(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("stlora.files.os.fsync", lambda handle: seen.append((os.fstat(handle), os.listdir(tmp_path))))
    write_tensors(tmp_path / "a.safetensors", {"a": torch.zeros(3)})
    ((status, names),) = seen
    assert len(names) == 1
    assert is_temporary(names[0], "a.safetensors")
    assert status.st_ino == (tmp_path / "a.safetensors").stat().st_ino


def test_leftovers_of_killed_processes_go_and_other_files_stay(tmp_path):
    program = (
        "import os, pathlib, sys; from stlora.files import write_atomically; "
        "write_atomically(pathlib.Path(sys.argv[1]), lambda temporary: os.kill(os.getpid(), 9))"
    )
    for name in ("a.csv", "b.csv"):
        assert subprocess.run([sys.executable, "-c", program, tmp_path / name]).returncode == -9
    others = [".a.csv", "a.csv.abcd1234.csv", ".a.csv.abcd1234.txt", ".a.csv.abc.csv", ".b.d97eeb6b.part"]
    for name in others:
        (tmp_path / name).touch()
    assert len(os.listdir(tmp_path)) == len(others) + 2
    write_text(tmp_path / "a.csv", "x")
    assert sum(is_temporary(name) for name in os.listdir(tmp_path)) == 1  # that of b.csv, which is not written here
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "a.csv"])


def test_full_disk_is_an_error_of_the_system(tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(OSError, match="large"):
            write_tensors(tmp_path / "a.safetensors", {"a": torch.zeros(5000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert os.listdir(tmp_path) == []


def test_json_comes_back_with_nan_as_null(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"straße": [1, 2.5, math.nan, (math.nan,)], "deep": {"x": math.nan, 3: True}})
    assert read_json(path) == {"straße": [1, 2.5, None, [None]], "deep": {"x": None, "3": True}}
    assert "NaN" not in path.read_text(encoding="utf-8")


def test_json_keeps_every_digit_of_a_number(tmp_path):
    path, number = tmp_path / "a.json", 0.1 + 0.2
    write_json(path, {"x": number})
    assert read_json(path)["x"] == number


def test_infinity_is_not_written_as_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": math.inf})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"{", "cannot be read as JSON"), (b"\xff\xfe", "cannot be read as JSON"), (b"[1]", "a JSON list")],
)
def test_unusable_json_is_refused(tmp_path, content, reason):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=reason):
        read_json(tmp_path / "a.json")


def test_missing_files_are_named_with_their_folder(tmp_path):
    with pytest.raises(InputError, match=rf"no a\.json in {tmp_path}"):
        read_json(tmp_path / "a.json")
    with pytest.raises(InputError, match=rf"no a\.safetensors in {tmp_path}"):
        read_tensors(tmp_path / "a.safetensors")


def test_tensors_come_back_to_the_bit_with_their_metadata(tmp_path):
    path = tmp_path / "a.safetensors"
    base = torch.randn(4, 6, requires_grad=True)
    tensors = {"a": base, "view": base[:, ::2], "tied": base, "wide": torch.ones(1).expand(3), "n": torch.tensor(7)}
    write_tensors(path, tensors, {"unit": "km/h"})
    again = read_tensors(path)
    assert set(again) == set(tensors)
    assert all(torch.equal(again[name], tensors[name]) for name in tensors)
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == {"format": "pt", "unit": "km/h"}


def test_pickle_in_place_of_tensors_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    torch.save({"a": torch.zeros(3)}, path)
    with pytest.raises(InputError, match="not a safetensors file"):
        read_tensors(path)


def test_json_is_readable_by_people(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": 2})
    text = (tmp_path / "a.json").read_text()
    assert text.endswith("}\n")
    assert list(json.loads(text)) == ["b", "a"]
    assert text.count("\n") > 2


def test_metadata_comes_back_without_the_tensors(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.ones(2)}, {"unit": "km/h"})
    assert read_metadata(path) == {"format": "pt", "unit": "km/h"}
    with pytest.raises(InputError, match="no b"):
        read_metadata(tmp_path / "b.safetensors")


HOSTILE_JSON = {
    "a key twice": '{"mae": 1, "mae": 2}',
    "NaN": '{"mae": NaN}',
    "infinity": '{"mae": 1e999}',
    "a number of a thousand digits": '{"epochs": ' + "9" * 1000 + "}",
    "a number too long for Python": '{"epochs": ' + "9" * 10_000 + "}",
    "lists in lists": '{"a": ' + "[" * 50 + "]" * 50 + "}",
    "a hundred thousand lists": '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "half of it": '{"mae": ',
    "a list": "[1]",
    "bytes": "\udcff\udcfe",
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_json_is_one_line(tmp_path, name):
    path = tmp_path / "a.json"
    path.write_bytes(HOSTILE_JSON[name].encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"a\.json") as caught:
        read_json(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


HOSTILE_YAML = {
    "a key twice": "epochs: 1\nepochs: 2\n",
    "NaN": "epochs: .nan\n",
    "infinity": "a: [.inf]\n",
    "references": "a: &a [1]\nb: *a\n",
    "references to references": "".join(
        f"k{i}: &k{i} [{', '.join([f'*k{i - 1}'] * 9) if i else 1}]\n" for i in range(40)
    ),
    "lists in lists": "a: " + "[" * 5_000 + "]" * 5_000 + "\n",
    "a date": "a: 2024-01-01\n",
    "an object": "a: !!python/object/apply:os.system [true]\n",
    "a list for a key": "? [1, 2]\n: 3\n",
    "a set": "a: !!set {b, c}\n",
    "too long": "a: " + "x" * 300_000 + "\n",
    "a number of a thousand digits": "a: " + "9" * 1000 + "\n",
    "merged": "<<: {a: 1}\n",
}


@pytest.mark.parametrize("name", HOSTILE_YAML)
def test_hostile_yaml_is_one_line(tmp_path, name):
    path = tmp_path / "config.yaml"
    path.write_text(HOSTILE_YAML[name])
    with pytest.raises(InputError, match=r"config\.yaml") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}', encoding="utf-8-sig")
    (tmp_path / "a.yaml").write_text("a: 1\n", encoding="utf-8-sig")
    assert read_json(tmp_path / "a.json") == read_yaml(tmp_path / "a.yaml") == {"a": 1}


@pytest.mark.parametrize("read", [read_json, read_yaml, read_tensors, read_metadata])
@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_a_file_is_refused(tmp_path, read):
    os.mkfifo(tmp_path / "a")
    with pytest.raises(InputError, match="no regular file"):
        read(tmp_path / "a")


@pytest.mark.parametrize("name", [None, "temporary", "another"])
def test_what_cannot_be_written_is_the_file_that_was_asked_for(tmp_path, name):
    def fail(temporary):
        raise OSError(errno.ENOSPC, "No space left on device", *{"temporary": [str(temporary)]}.get(name, [name]))

    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(tmp_path / "a.csv", fail)
    assert caught.value.filename == ("another" if name == "another" else str(tmp_path / "a.csv"))
    assert list(tmp_path.iterdir()) == []


def test_error_without_a_number_keeps_its_text(tmp_path):
    def fail(_):
        raise OSError("3 requested and 2 written")

    with pytest.raises(OSError, match=r"^3 requested and 2 written$"):
        write_atomically(tmp_path / "a.csv", fail)
