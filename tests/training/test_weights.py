"""Weights that were trained elsewhere."""

from __future__ import annotations

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from stlora.backbones.layouts import from_btn
from stlora.errors import InputError
from stlora.training.weights import load_weights


class Trap:
    """Raises if it is ever unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("the file was run",))


def net():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


@pytest.fixture
def trained():
    torch.manual_seed(1)
    return {name: torch.rand_like(value.float()).to(value.dtype) for name, value in net().state_dict().items()}


def equal(module, tensors):
    state = module.state_dict()
    return state.keys() == tensors.keys() and all(torch.equal(state[name], tensors[name]) for name in state)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "w.pth"])
def test_every_tensor_is_put_in_its_place(tmp_path, trained, name):
    save = save_file if name.endswith("safetensors") else torch.save
    save(trained, tmp_path / name)
    module = net()
    load_weights(module, tmp_path / name)
    assert equal(module, trained)


def test_a_wrapped_module_takes_its_own_names_and_those_of_a_run_folder(tmp_path, trained):
    torch.save(trained, tmp_path / "own.pt")
    wrapped = {f"module.{name}": value for name, value in trained.items()}
    save_file({**wrapped, "adjacency.edges": torch.zeros(2, 0)}, tmp_path / "run.safetensors")
    for file in ("own.pt", "run.safetensors"):
        module = net()
        load_weights(from_btn(module), tmp_path / file)
        assert equal(module, trained)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("0.bias"), "of 7 tensors 1 missing (first: '0.bias')"),
        (lambda w: w.update(more=torch.zeros(1)), "1 unexpected (first: 'more')"),
        (lambda w: w.update({"0.wait": w.pop("0.weight")}), "1 missing (first: '0.weight') and 1 unexpected"),
        (lambda w: w.update({"0.weight": torch.zeros(4, 5)}), "0.weight has shape [4, 5]; expected"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(tmp_path, trained, change, message):
    change(trained)
    torch.save(trained, tmp_path / "w.pt")
    with pytest.raises(InputError) as caught:
        load_weights(net(), tmp_path / "w.pt")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"0.bias": Trap()}, tmp_path / "w.pt")
    (tmp_path / "v.pth").write_bytes(pickle.dumps(Trap(), protocol=2))
    for name in ("w.pt", "v.pth"):
        with pytest.raises(InputError, match="more than tensors and plain types"):
            load_weights(net(), tmp_path / name)


def test_a_whole_checkpoint_is_refused_with_what_it_holds(tmp_path, trained):
    torch.save({"epoch": 3, "model_state_dict": trained}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="holds epoch, model_state_dict; expected tensors by name"):
        load_weights(net(), tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("w.bin", b"x", "end in .bin"),
        ("absent.pt", None, "there is no file"),
        ("w.safetensors", b"x", "not a safetensors file"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_weights(net(), tmp_path / name)
