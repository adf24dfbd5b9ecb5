"""The pages on the backbones say what the code does."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path

import pytest
import torch
from torch import nn

from stlora import backbones
from stlora.errors import InputError

PAGES = Path(__file__).parents[2] / "docs" / "backbones"
NODES = (60, 207, 307)
COMMON = ("num_nodes", "adjacency", "history", "horizon", "in_channels")

pytestmark = pytest.mark.skipif(not PAGES.is_dir(), reason="the documentation does not lie beside the tests")


def _page(name):
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def _table(page, first):
    """The rows of the table whose first column is headed ``first``, as lists of cells without backticks."""
    match = re.search(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert match, f"no table that starts with {first}"
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in match[1].splitlines()]


def _number(cell):
    return int(cell.replace(",", ""))


@lru_cache
def _counts(name, nodes):
    """Trainable parameters, and those of the published code that are left out."""
    backbone = backbones.create(name, num_nodes=nodes, adjacency=torch.eye(nodes))
    assert isinstance(backbone, nn.Module)
    return sum(p.numel() for p in backbone.parameters() if p.requires_grad), backbone.unused_published_parameters


def _refuses(name, **arguments):
    try:
        backbones.create(name, **{"num_nodes": 4, "adjacency": torch.eye(4), **arguments})
    except InputError:
        return True
    return False


def _arguments(name):
    built = type(backbones.create(name, num_nodes=2, adjacency=torch.eye(2)))
    return signature(built).parameters


def test_every_backbone_has_a_page_and_a_row():
    written = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    linked = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.md\) \|", _page("README"), re.MULTILINE)
    assert written == set(backbones.names())
    assert linked == [(name, name) for name in backbones.names()]


@pytest.mark.parametrize("name", backbones.names())
def test_the_row_of_the_index_is_true(name):
    row = next(row for row in _table(_page("README"), "name") if f"[`{name}`]" in row[0])
    _, cls, graph, history, channels, parameters, added = row
    assert hasattr(import_module(f"stlora.backbones.{name}"), cls)
    assert {"yes": True, "no": False}[graph] == _refuses(name, adjacency=None)
    assert not _refuses(name, history=int(history))
    assert _refuses(name, history=int(history) - 1)
    assert not _refuses(name, in_channels=int(channels))
    assert _refuses(name, in_channels=int(channels) - 1)
    assert _number(parameters) == _counts(name, 307)[0]
    assert _number(added) * 100 == _counts(name, 307)[0] - _counts(name, 207)[0]


@pytest.mark.parametrize("name", backbones.names())
def test_a_page_counts_parameters_as_the_code_does(name):
    rows = [[_number(cell) for cell in row] for row in _table(_page(name), "N")]
    expected = []
    for nodes in NODES:
        trainable, left_out = _counts(name, nodes)
        expected.append([nodes, trainable, left_out, trainable + left_out])
    assert rows == expected


@pytest.mark.parametrize("name", backbones.names())
def test_a_page_lists_every_option_with_its_default(name):
    listed = {option: default for option, default, _ in _table(_page(name), "option")}
    arguments = {key: repr(value.default) for key, value in _arguments(name).items() if key not in COMMON}
    assert listed == arguments


@pytest.mark.parametrize("name", backbones.names())
def test_a_page_names_no_other_option(name):
    named = re.findall(r"`([a-z_]+)(?:=[^`]*)?`", _page(name).partition("\n")[2])
    assert named
    assert set(named) <= set(_arguments(name)), name


def test_the_index_lists_what_all_have():
    rows = _table(_page("README"), "option")
    assert tuple(row[0] for row in rows) == COMMON
    for name in backbones.names():
        for option, default, _ in rows:
            found = _arguments(name)[option].default
            assert (option == "num_nodes") if found is Parameter.empty else (repr(found) == default)


def test_the_examples_of_the_index_run(capsys):
    example, counting = re.findall(r"```python\n(.*?)```", _page("README"), re.DOTALL)
    variables = {}
    exec(example, variables)
    assert variables["backbone"].slots.num_embeddings == 96
    exec(counting, {})
    expected = [[name, str(nodes), *map(str, _counts(name, nodes))] for name in backbones.names() for nodes in NODES]
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == expected
