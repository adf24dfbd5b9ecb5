"""Backbones of the user's own, made by a factory that is named."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from stlora.backbones import create
from stlora.backbones.own import build, is_factory, takes
from stlora.errors import InputError

CODE = """
import torch
from torch import nn

class Seen(nn.Module):
    def __init__(self, **given):
        super().__init__()
        self.given = given

def few(horizon, num_nodes, width=3):
    return Seen(horizon=horizon, num_nodes=num_nodes, width=width)

def everything(**given):
    return Seen(**given)

class Told(nn.Module):
    history, in_channels = 7, 1

def no_module():
    return "text"

def broken(width):
    raise RuntimeError("first line\\nsecond line")

value = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The current folder, with a module of the user's in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    (tmp_path / "users_net.py").write_text(CODE)
    yield tmp_path
    sys.modules.pop("users_net", None)


@pytest.mark.parametrize(
    ("name", "factory"),
    [
        ("net:build", True),
        ("my.package_2.net:Build", True),
        ("lstm", False),
        ("a:b:c", False),
        ("a.:b", False),
        (":b", False),
        ("a:", False),
        ("a:b; rm", False),
        ("../a:b", False),
    ],
)
def test_factories_are_told_from_names(name, factory):
    assert is_factory(name) is factory


def test_a_factory_gets_what_it_takes():
    module = build("users_net:few", num_nodes=4, horizon=6, width=5)
    assert module.given == {"horizon": 6, "num_nodes": 4, "width": 5}
    assert (module.history, module.horizon, module.in_channels) == (12, 6, 3)


def test_a_factory_that_takes_anything_gets_all():
    adjacency = np.eye(4, dtype=np.float64)
    module = build("users_net:everything", 4, adjacency, history=5, horizon=6, in_channels=4, depth=2)
    graph = module.given.pop("adjacency")
    assert graph.dtype == torch.float32
    np.testing.assert_array_equal(graph, adjacency)
    assert module.given == {"num_nodes": 4, "history": 5, "horizon": 6, "in_channels": 4, "depth": 2}
    assert build("users_net:everything", 4).given["adjacency"] is None


def test_what_a_module_says_of_itself_is_believed():
    module = build("users_net:Told", num_nodes=4, horizon=6)
    assert (module.history, module.horizon, module.in_channels) == (7, 6, 1)


def test_a_factory_says_which_options_it_takes():
    assert takes("users_net:few", "width")
    assert not takes("users_net:few", "steps_per_day")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("users_net:few", {"depth": 2}, "no option 'depth'; it takes horizon, num_nodes, width"),
        ("users_net:absent", {}, "users_net has no function or class 'absent'"),
        ("users_net:value", {}, "no function or class 'value'"),
        ("users_net:no_module", {}, "made a str; expected a torch.nn.Module"),
        ("users_net:broken", {"width": 1}, "RuntimeError: first line second line (users_net.py, line 23)"),
        ("users_net:broken", {}, "missing 1 required positional argument: 'width'"),
        ("no_such_module:build", {}, "there is no module 'no_such_module', neither installed nor in"),
        ("users_typo:build", {}, "SyntaxError"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(folder, name, options, message):
    (folder / "users_typo.py").write_text("def build(:\n")
    with pytest.raises(InputError) as caught:
        build(name, num_nodes=4, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_registry_runs_no_code_of_others():
    with pytest.raises(InputError, match="no backbone is called 'users_net:few'"):
        create("users_net:few", num_nodes=4)
    assert "users_net" not in sys.modules
