"""Paths as people give them."""

import os
from dataclasses import fields

import pytest

from stlora import InputError
from stlora.cli import DATA_VERBS, VERBS
from stlora.paths import OPTIONS, check_not_input, expand_options, expanded, lasting
from stlora.studies.config import FewShotConfig, FieldStudyConfig, TransferConfig

NEEDED = {"data": "d", "backbone": "lstm", "backbones": "lstm", "out": "o", "run": "r", "runs": "r", "path": "p"}
NEEDED |= {"output": "o", "name": "n", "folder": "f"}
ALL = [verb.options for verb in (*VERBS.values(), *DATA_VERBS.values())]
ALL += [FieldStudyConfig, TransferConfig, FewShotConfig]


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.__name__)
def test_home_is_put_in_place_in_every_path_of_every_verb(options, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    names = {field.name for field in fields(options)}
    paths = OPTIONS & names
    made = options(**{name: NEEDED[name] for name in NEEDED.keys() & names} | dict.fromkeys(paths, "~/x"))
    assert {name: getattr(made, name) for name in paths} == dict.fromkeys(paths, str(tmp_path / "x"))


def test_lists_of_folders_and_path_objects(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FieldStudyConfig(runs="~/a, b,~/c", out="o").runs == f"{tmp_path}/a,b,{tmp_path}/c"
    made = FieldStudyConfig(runs=[tmp_path / "a", "~/b"], out=tmp_path)
    assert (made.runs, made.out) == ([f"{tmp_path}/a", f"{tmp_path}/b"], str(tmp_path))
    expand_options(made)
    assert made.out == str(tmp_path)


def test_an_unknown_home_is_one_line():
    with pytest.raises(InputError, match="~nobody-of-that-name/run names a home folder"):
        expanded("~nobody-of-that-name/run")
    assert expanded("a/~b") == "a/~b"


def test_files_last_and_names_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.csv").touch()
    (tmp_path / "pems04").mkdir()
    (tmp_path / "simulated").mkdir()
    assert lasting("net.csv") == str(tmp_path / "net.csv")
    assert lasting("pems04") == str(tmp_path / "pems04")  # a folder of that name comes first
    assert [lasting(name) for name in ("simulated", "pems08", "absent.csv")] == ["simulated", "pems08", "absent.csv"]


@pytest.mark.parametrize("way", ["same", "symbolic link", "hard link", "another spelling"])
@pytest.mark.parametrize("given", ["file", "folder"])
def test_an_input_is_no_output(tmp_path, way, given):
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "net.csv"
    file.write_text("1")
    output = {"same": file, "another spelling": tmp_path / "data" / ".." / "data" / "net.csv"}.get(
        way, tmp_path / "x.csv"
    )
    if way == "symbolic link":
        output.symlink_to(file)
    if way == "hard link":
        os.link(file, output)
    with pytest.raises(InputError, match="read"):
        check_not_input(output, [None, "knn:5", file if given == "file" else file.parent])


def test_other_files_are_outputs(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "net.csv").write_text("1")
    (tmp_path / "old.csv").write_text("2")
    for output in (tmp_path / "old.csv", tmp_path / "new.csv", tmp_path / "data" / "new.csv"):
        check_not_input(output, [tmp_path / "data", tmp_path / "data" / "net.csv"])


def test_a_folder_with_an_input_in_it_is_no_output(tmp_path):
    (tmp_path / "net.csv").write_text("1")
    for given in (tmp_path, tmp_path / "net.csv"):
        with pytest.raises(InputError, match="is read"):
            check_not_input(tmp_path, [given])
