"""The page of the rivals: every name is on it, and its sizes are those of the code."""

import re
from importlib.util import find_spec
from inspect import signature
from pathlib import Path

import pytest
import torch

from stlora import STLoRA, backbones, rivals

TEXT = (Path(__file__).parents[2] / "docs" / "rivals.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", TEXT, re.MULTILINE))


def added(name, backbone, nodes):
    return rivals.create(name, backbones.create(backbone, nodes), nodes).parameter_report().adapter


def test_every_rival_has_a_row_and_a_section():
    assert list(ROWS) == rivals.names()
    assert re.findall(r"^## `(\w+)`", TEXT, re.MULTILINE) == rivals.names()


@pytest.mark.parametrize(("column", "nodes"), [(1, 60), (2, 307)])
def test_sizes_of_the_table_are_those_of_the_code(name, column, nodes):
    stated = ROWS[name].split("|")[column].split()[0]
    assert int(stated.replace(",", "")) == added(name, "lstm", nodes)


def test_sizes_of_the_default_adapter_are_those_of_the_code():
    reports = [STLoRA(backbones.create("lstm", nodes), nodes).parameter_report() for nodes in (60, 307)]
    assert "adds {:,} and {:,}".format(*(report.adapter for report in reports)) in " ".join(TEXT.split())
    assert "measures {:,} and {:,} numbers".format(*(report.measured for report in reports)) in " ".join(TEXT.split())


@pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed")
@pytest.mark.parametrize("backbone", ["lstm", "stgcn", "agcrn", "stid"])
def test_sizes_of_lora_are_those_of_the_code(backbone):
    bare = backbones.create(backbone, 60, torch.eye(60))
    assert f"{rivals.create('peft', bare, 60).parameter_report().adapter:,} on `{backbone}`" in " ".join(TEXT.split())


def test_options_of_the_page_are_those_of_the_code():
    for name in rivals.names():
        section = TEXT.split(f"## `{name}`")[1].split("\n## ")[0]
        stated = {option: int(value) for option, value in re.findall(r"`(\w+)` \(\S+ = (\d+)\)", section)}
        sizes = list(signature(rivals.find(name)).parameters.values())[3:]
        assert stated == {size.name: size.default for size in sizes}
