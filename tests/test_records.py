"""Stored records: what their schemas let pass, and the one line on what they do not."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import pytest
from msgspec import Meta

from stlora import InputError
from stlora.records import Number, Size, Steps, read_record, record_of


@dataclasses.dataclass
class Inner:
    mean: Number
    kind: Literal["a", "b"] = "a"


@dataclasses.dataclass
class Outer:
    num_nodes: Size
    inner: Inner
    split: tuple[float, float] = (0.5, 0.5)
    shares: dict[str, Annotated[float, Meta(le=1)]] | None = None
    names: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        if self.num_nodes == 13:
            raise InputError("num_nodes is 13; expected another number")


class Open(TypedDict, total=False):
    steps: Steps


GOOD: dict[str, Any] = {
    "num_nodes": 5,
    "inner": {"mean": 1.5, "kind": "a"},
    "split": [0.5, 0.5],
    "shares": None,
    "names": [],
}


def read(content: dict[str, Any], kind: type = Outer) -> Any:
    return record_of(Path("a.json"), content, kind, "write it again")


def test_a_record_is_made_whole():
    record = read({**GOOD, "inner": {"mean": 1, "kind": "b"}, "split": [1, 2.5]})
    assert record == Outer(5, Inner(1.0, "b"), (1.0, 2.5))
    assert vars(record).keys() == {field.name for field in dataclasses.fields(Outer)}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"num_nodes": True}, "num_nodes is True"),
        ({"num_nodes": "5"}, "num_nodes is '5'"),
        ({"num_nodes": 5.0}, r"num_nodes is 5\.0"),
        ({"num_nodes": None}, "num_nodes is None"),
        ({"num_nodes": 0}, "num_nodes is 0"),
        ({"num_nodes": 10**9}, "num_nodes is 1000000000"),
        ({"num_nodes": 10**40}, "num_nodes is an integer of more than 20 digits"),
        ({"num_nodes": 13}, "num_nodes is 13; expected another number"),
        ({"inner": []}, r"inner is \[\]"),
        ({"inner": {}}, "inner is {}: object missing required field mean"),
        ({"inner": {"mean": float("nan")}}, r"inner\.mean is nan"),
        ({"inner": {"mean": float("inf")}}, r"inner\.mean is inf"),
        ({"inner": {"mean": True}}, r"inner\.mean is True"),
        ({"inner": {"mean": 1, "kind": "c"}}, r"inner\.kind is 'c'"),
        ({"split": [1]}, r"split is \[1\]"),
        ({"split": [1, "2"]}, r"split\[1\] is '2'"),
        ({"shares": {"x": 2}}, r"shares\[\.\.\.\]: expected float <= 1"),
        ({"names": ["a", "b" * 1000 + "\n", 3]}, r"names\[2\] is 3"),
    ],
)
def test_a_wrong_value_is_one_line_with_its_field(change, field):
    with pytest.raises(InputError, match=rf"^a\.json is incomplete or damaged \({field}.*\); write it again$"):
        read({**GOOD, **change})


@pytest.mark.parametrize("name", GOOD)
def test_what_is_missing_is_named_even_if_it_has_a_default(name):
    with pytest.raises(InputError, match=rf"incomplete .*{name}"):
        read({key: value for key, value in GOOD.items() if key != name})
    with pytest.raises(InputError, match=r"it lacks inner\.kind"):
        read({**GOOD, "inner": {"mean": 1}})


def test_entries_that_no_field_knows_are_named():
    with pytest.warns(UserWarning, match=r"a\.json: ignoring unknown entries colour, inner\.width"):
        assert read({**GOOD, "colour": "blue", "inner": {"mean": 1.5, "kind": "a", "width": 3}}) == Outer(5, Inner(1.5))


def test_an_open_record_keeps_all_that_stands_in_it():
    content = {"steps": 3, "more": [1]}
    assert read(content, Open) is content
    with pytest.raises(InputError, match="steps is 0"):
        read({"steps": 0}, Open)


@pytest.mark.parametrize("version", [None, 2, True, "1", 1.0, 10**30])
def test_another_format_is_refused(tmp_path, version):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"format_version": version, **GOOD}))
    with pytest.raises(InputError):
        read_record(path, Outer, "write it again")


def test_the_stamp_of_a_file_is_no_unknown_entry(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"format_version": 1, "stlora_version": "0.1.0", **GOOD}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_record(path, Outer, "write it again") == Outer(5, Inner(1.5))
