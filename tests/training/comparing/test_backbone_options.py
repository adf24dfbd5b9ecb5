"""Backbones of other than their published sizes in a comparison: built, kept in the protocol, never mixed."""

import json
from dataclasses import replace

import pytest

from stlora.errors import InputError
from stlora.training import CompareConfig, Run, compare

SMALL = {"lstm": {"hidden_size": 8, "input_size": 4}}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Of a comparison with a small LSTM; nothing has been run."""
    out = tmp_path_factory.mktemp("sizes")
    return CompareConfig(
        data="simulated",
        out=str(out),
        backbones="lstm,var",
        adapters="none",
        seeds="0",
        epochs=1,
        train_fraction=0.2,
        backbone_options={**SMALL, "var": {"order": 2}},
        device="cpu",
    )


@pytest.fixture(scope="module")
def folder(config, tiny):
    """The finished comparison; no test may change it."""
    comparison = compare(config, tiny.series)
    assert comparison.failed == {}
    return config.out


def results(folder):
    with open(f"{folder}/results.json", encoding="utf-8") as file:
        return json.load(file)


def test_backbones_are_built_with_them(folder):
    lstm = Run(f"{folder}/runs/lstm-0/none").load_backbone()
    assert (lstm.recurrent.hidden_size, lstm.recurrent.input_size) == (8, 4)
    assert Run(f"{folder}/runs/var-0/none").load_backbone().order == 2


def test_they_stand_in_the_protocol_and_below_the_table(config, folder):
    assert results(folder)["protocol"]["backbone_options"] == config.backbone_options
    for name in ("table.md", "table.tex"):
        with open(f"{folder}/{name}", encoding="utf-8") as file:
            page = file.read().replace("\\_", "_")
        assert "lstm with hidden_size 8, input_size 4. var with order 2." in page


def test_other_sizes_are_refused_and_more_backbones_may_come(config, folder, tiny, tmp_path):
    before = results(folder)
    for options in ({}, {"lstm": {"hidden_size": 9}}):
        with pytest.raises(InputError, match=r"holds a comparison with backbone_options of (lstm|var)="):
            compare(replace(config, backbone_options=options), tiny.series)
    assert results(folder) == before
    more = replace(config, out=str(tmp_path), backbones="lstm", backbone_options=SMALL)
    compare(more, tiny.series)
    compare(replace(more, backbones="naive", backbone_options={}), tiny.series)
    protocol = results(tmp_path)["protocol"]
    assert protocol["backbone_options"] == SMALL
    assert protocol["options"]["backbones"] == "naive,lstm"


def test_sizes_with_which_nothing_was_finished_can_be_mended(config, tiny, tmp_path):
    wrong = replace(config, out=str(tmp_path), backbones="lstm", backbone_options={"lstm": {"hidden_size": -3}})
    assert len(compare(wrong, tiny.series).failed) == 1
    assert compare(replace(wrong, backbone_options=SMALL), tiny.series).failed == {}
    assert results(tmp_path)["protocol"]["backbone_options"] == SMALL


def test_a_killed_command_leaves_cells_that_are_known_by_their_sizes(config, tiny, tmp_path):
    small = replace(config, out=str(tmp_path), backbones="lstm", backbone_options=SMALL)
    compare(small, tiny.series)
    (tmp_path / "results.json").unlink()
    others = replace(small, backbones="naive", backbone_options={})
    assert [row.backbone for row in compare(others, tiny.series).rows] == ["naive"]
    (tmp_path / "results.json").unlink()
    same = replace(small, seeds="1")
    assert [row.seeds for row in compare(same, tiny.series).rows if row.backbone == "lstm"] == [(0, 1)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"stgcn": {"order": 2}}, "backbone_options are given for 'stgcn'; expected one of the backbones, lstm, var"),
        ({"lstm": {"hidden": 2}}, "lstm has no option 'hidden'; it has in_channels, input_size, hidden_size"),
        ({"var": {"order": "two"}}, "order of var is 'two'; expected a whole number"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(config, tiny, tmp_path, options, told):
    with pytest.raises(InputError, match=told):
        compare(replace(config, out=str(tmp_path / "new"), backbone_options=options), tiny.series)
    assert not (tmp_path / "new").exists()
