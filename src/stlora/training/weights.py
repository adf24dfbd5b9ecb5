"""Weights that were trained elsewhere, put into a backbone name by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from stlora.backbones.layouts import Layout
from stlora.errors import InputError
from stlora.files import read_tensors
from stlora.tensors import put, unwrapped
from stlora.training.run import NOT_WEIGHTS


def load_weights(backbone: nn.Module, path: Path) -> None:
    """Put the tensors of a file into a backbone; every name and every shape must fit.

    Behind an adapter of the call the names are those of the module itself, as it was trained elsewhere, or those of
    the wrapped one, as a run folder has them.

    Args:
        backbone: gets the weights.
        path: ``.safetensors``, or ``.pt`` or ``.pth`` with a state dict, read without running anything in it.

    Raises:
        InputError: the file cannot be read, or does not fit.
    """
    tensors = _read(path)
    target = backbone = unwrapped(backbone)
    if isinstance(backbone, Layout) and tensors.keys() != backbone.state_dict().keys():
        target = backbone.module
    put(target, tensors, f"the weights in {path}", "build the backbone with the options it was trained with")


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (".safetensors", ".pt", ".pth"):
        raise InputError(f"the weights {path} end in {path.suffix or 'nothing'}; name a .safetensors, .pt or .pth file")
    if not path.is_file():
        raise InputError(f"there is no file {path} with weights; check --backbone_weights")
    if path.suffix == ".safetensors":
        return {name: tensor for name, tensor in read_tensors(path).items() if name not in NOT_WEIGHTS}
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or unsafe file
        raise InputError(
            f"{path} is damaged or holds more than tensors and plain types, which is not loaded; save the weights with "
            "torch.save(module.state_dict(), ...) or as safetensors"
        ) from error
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        holds = ", ".join(map(str, list(content)[:4])) if isinstance(content, Mapping) else type(content).__name__
        raise InputError(f"{path} holds {holds}; expected tensors by name alone, as module.state_dict() gives them")
    return dict(content)
