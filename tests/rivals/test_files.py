"""Rival folders: what is in them, what comes back, what is refused."""

import copy
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from stlora import InputError, STLoRA, rivals

NODES = 5
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@pytest.fixture
def folder(backbone, train, tmp_path):
    model = train(rivals.create("clora", backbone, NODES, rank=2))
    model.save_pretrained(tmp_path / "adapter", {"unit": "km/h", "node_ids": ["c", "a", "b", "e", "d"]})
    return tmp_path / "adapter"


def edit(folder, **changes):
    content = json.loads((folder / CONFIG).read_text()) | changes
    (folder / CONFIG).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def test_saved_one_comes_back_to_the_bit(backbone, history, train, tmp_path, name):
    model = train(rivals.create(name, backbone, NODES)).eval()
    model.save_pretrained(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", CONFIG, WEIGHTS]
    assert sum(tensor.numel() for tensor in load_file(tmp_path / WEIGHTS).values()) == model.parameter_report().adapter
    again = rivals.load(copy.deepcopy(backbone), tmp_path).eval()
    assert type(again) is type(model)
    assert torch.equal(again(history()), model(history()))
    assert again.freeze_backbone == model.freeze_backbone


def test_configuration_and_card_say_what_it_is(folder, backbone):
    content = json.loads((folder / CONFIG).read_text())
    assert content["method"] == "clora"
    assert content["options"] == {"width": 16, "rank": 2, "size": 8}
    assert content["extra"]["node_ids"] == ["c", "a", "b", "e", "d"]
    card = (folder / "README.md").read_text()
    assert "`Flat` over 5 sensors" in card
    assert "width 16, rank 2, size 8" in card
    assert "| unit | km/h |" in card


def test_rivals_are_told_from_adapters(folder, backbone, tmp_path):
    STLoRA(backbone, NODES).save_pretrained(tmp_path / "other")
    assert rivals.is_rival(folder)
    assert not rivals.is_rival(tmp_path / "other")
    with pytest.raises(InputError, match=r"holds the rival clora; load it with stlora.rivals.load"):
        STLoRA.from_pretrained(backbone, folder)
    with pytest.raises(InputError, match=r"holds an ST-LoRA adapter; load it with STLoRA.from_pretrained"):
        rivals.load(backbone, tmp_path / "other")


def test_other_backbone_weights_are_refused_unless_wanted(folder, backbone):
    with torch.no_grad():
        backbone.map.bias[0] += 1e-3
    with pytest.raises(InputError, match=r"other weights.*check_backbone=False"):
        rivals.load(backbone, folder)
    assert rivals.load(backbone, folder, check_backbone=False).method == "clora"


def test_backbone_of_other_sizes_is_refused(folder, backbone):
    backbone.horizon = 7
    with pytest.raises(InputError, match="horizon=3 and the backbone has 7"):
        rivals.load(backbone, folder, check_backbone=False)


def test_missing_tensor_is_refused(folder, backbone):
    tensors = load_file(folder / WEIGHTS)
    del tensors["own.factor"]
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(InputError, match=r"own\.factor"):
        rivals.load(backbone, folder)


def test_later_format_is_refused(folder, backbone):
    edit(folder, format_version=2)
    with pytest.raises(InputError, match="format_version 2; this library reads 1; upgrade"):
        rivals.load(backbone, folder)


@pytest.mark.parametrize("changes", [{"options": None}, {"num_nodes": "many"}, {"options": 3}, {"horizon": None}])
def test_damaged_configuration_is_refused(folder, backbone, changes):
    edit(folder, **changes)
    with pytest.raises(InputError, match="incomplete or damaged"):
        rivals.load(backbone, folder)


@pytest.mark.parametrize("changes", [{"method": "nobody"}, {"options": {"colour": 3}}, {"options": {"rank": "x"}}])
def test_configuration_of_no_known_method_is_refused(folder, backbone, changes):
    edit(folder, **changes)
    with pytest.raises(InputError, match=r"nobody|colour|options.*expected int, got str"):
        rivals.load(backbone, folder)
