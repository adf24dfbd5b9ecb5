"""Adapter folders: what is in them, what comes back, what is refused."""

import copy
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from stlora import InputError, STLoRA, STLoRAConfig

NODES = 5
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@pytest.fixture
def model(backbone):
    torch.manual_seed(2)
    model = STLoRA(backbone, NODES, STLoRAConfig(width=6, freeze_backbone=True))
    with torch.no_grad():
        for parameter in model.adapter.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return model.eval()


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path / "adapter", {"node_ids": ["c", "a", "b", "e", "d"], "unit": "km/h"})
    return tmp_path / "adapter"


def edit(folder, **changes):
    content = json.loads((folder / CONFIG).read_text())
    for name, value in changes.items():
        if value is None:
            del content[name]
        else:
            content[name] = value
    (folder / CONFIG).write_text(json.dumps(content))


def test_saved_adapter_comes_back_to_the_bit(model, backbone, folder, history):
    x = history()
    again = STLoRA.from_pretrained(copy.deepcopy(backbone), folder)
    assert torch.equal(again.eval()(x), model(x))
    assert again.config == model.config
    assert not any(parameter.requires_grad for parameter in again.backbone.parameters())


@pytest.mark.parametrize("factor", ["full", "diagonal", "none"])
def test_published_form_comes_back_with_every_factor(backbone, tmp_path, history, factor):
    torch.manual_seed(3)
    model = STLoRA(backbone, NODES, STLoRAConfig.paper(node_factor=factor, predictors=2, width=6)).eval()
    model.save_pretrained(tmp_path)
    x = history()
    assert torch.equal(STLoRA.from_pretrained(backbone, tmp_path).eval()(x), model(x))


def test_folder_holds_the_adapter_alone(model, folder):
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", CONFIG, WEIGHTS]
    tensors = load_file(folder / WEIGHTS)
    assert set(tensors) == set(model.adapter.state_dict())
    assert sum(tensor.numel() for tensor in tensors.values()) == (
        model.parameter_report().adapter + model.parameter_report().measured
    )
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        assert file.metadata()["format"] == "pt"


def test_configuration_is_plain_and_keeps_the_node_order(folder):
    content = json.loads((folder / CONFIG).read_text())
    assert content["peft_type"] == "STLORA"
    assert content["format_version"] == 1
    assert (content["num_nodes"], content["history"], content["horizon"], content["in_channels"]) == (5, 4, 3, 3)
    assert content["extra"] == {"node_ids": ["c", "a", "b", "e", "d"], "unit": "km/h"}
    assert len(content["backbone_fingerprint"]) == 64


def test_card_says_what_it_is_and_how_to_load_it(folder, model):
    card = (folder / "README.md").read_text()
    assert "`Flat` over 5 sensors" in card
    assert str(model.parameter_report()) in card
    assert "STLoRA.from_pretrained" in card
    assert "| unit | km/h |" in card


def test_other_backbone_weights_are_refused_unless_wanted(folder, backbone, model, history):
    other = copy.deepcopy(backbone)
    with torch.no_grad():
        other.map.bias[0] += 1e-3
    with pytest.raises(InputError, match=r"other weights.*check_backbone=False"):
        STLoRA.from_pretrained(other, folder)
    loaded = STLoRA.from_pretrained(other, folder, check_backbone=False).eval()
    assert not torch.equal(loaded(history()), model(history()))


def test_other_backbone_statistics_are_refused(folder, backbone):
    backbone.norm.running_mean[0] += 1
    with pytest.raises(InputError, match="other weights"):
        STLoRA.from_pretrained(backbone, folder)


@pytest.mark.parametrize("size", ["history", "horizon", "in_channels"])
def test_backbone_of_other_sizes_is_refused(folder, backbone, size):
    setattr(backbone, size, 7)
    with pytest.raises(InputError, match=f"{size}=[34] and the backbone has 7"):
        STLoRA.from_pretrained(backbone, folder, check_backbone=False)


def test_extra_tensor_is_refused(folder, backbone):
    save_file({**load_file(folder / WEIGHTS), "stray": torch.zeros(1)}, folder / WEIGHTS)
    with pytest.raises(InputError, match="stray"):
        STLoRA.from_pretrained(backbone, folder)


def test_missing_tensor_is_refused(folder, backbone):
    tensors = load_file(folder / WEIGHTS)
    del tensors["predictors.0.head.node_scale"]
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(InputError, match=r"predictors\.0\.head\.node_scale"):
        STLoRA.from_pretrained(backbone, folder)


def test_tensor_of_another_shape_is_refused(folder, backbone):
    tensors = load_file(folder / WEIGHTS)
    tensors["predictors.0.head.bias"] = torch.zeros(4)
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(InputError, match=r"predictors\.0\.head\.bias has shape \[4\]"):
        STLoRA.from_pretrained(backbone, folder)


@pytest.mark.parametrize("keep", [0, 3, 0.5, 0.99])
def test_truncated_weights_are_refused(folder, backbone, keep):
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(InputError, match="not a safetensors file"):
        STLoRA.from_pretrained(backbone, folder)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_missing_file_is_named(folder, backbone, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"there is no {name}"):
        STLoRA.from_pretrained(backbone, folder)


def test_later_format_is_refused(folder, backbone):
    edit(folder, format_version=2)
    with pytest.raises(InputError, match="format_version 2; this library reads 1; upgrade"):
        STLoRA.from_pretrained(backbone, folder)


@pytest.mark.parametrize(
    "changes", [{"rank": None}, {"num_nodes": None}, {"num_nodes": "many"}, {"layers": -1}, {"rank": "x"}]
)
def test_damaged_configuration_is_refused(folder, backbone, changes):
    edit(folder, **changes)
    with pytest.raises(InputError, match="incomplete or damaged"):
        STLoRA.from_pretrained(backbone, folder)


def test_truncated_configuration_is_refused(folder, backbone):
    text = (folder / CONFIG).read_text()
    (folder / CONFIG).write_text(text[: len(text) // 2])
    with pytest.raises(InputError, match="cannot be read as JSON"):
        STLoRA.from_pretrained(backbone, folder)


def test_unknown_entries_warn_and_are_ignored(folder, backbone, model, history):
    edit(folder, colour="blue")
    with pytest.warns(UserWarning, match="unknown entries colour"):
        again = STLoRA.from_pretrained(backbone, folder)
    assert torch.equal(again.eval()(history()), model(history()))


def test_saving_again_replaces_the_whole_adapter(folder, model, backbone, history):
    with torch.no_grad():
        model.adapter.predictors[0].head.bias += 1
    model.save_pretrained(folder)
    again = STLoRA.from_pretrained(backbone, folder).eval()
    assert torch.equal(again(history()), model(history()))
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("stored", [torch.bfloat16, torch.float64])
@pytest.mark.parametrize("wanted", [torch.float32, torch.bfloat16, torch.float64])
def test_an_adapter_of_any_width_takes_that_of_its_backbone(model, backbone, tmp_path, history, stored, wanted):
    expected = model(history())
    model.to(stored).save_pretrained(tmp_path)
    again = STLoRA.from_pretrained(backbone.to(wanted), tmp_path, check_backbone=False).eval()
    assert {tensor.dtype for tensor in again.adapter.parameters()} == {wanted}
    found = again(history().to(wanted))
    assert found.dtype == wanted
    torch.testing.assert_close(found.float(), expected, rtol=0.1, atol=0.5)
