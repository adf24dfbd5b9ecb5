"""A rival from its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stlora.adapters.files import CONFIG
from stlora.adapters.wrapped import check_same_backbone
from stlora.rivals.files import read
from stlora.rivals.registry import create
from stlora.tensors import Within

if TYPE_CHECKING:
    from torch import nn

    from stlora.rivals.base import Rival


def load(backbone: nn.Module, folder: str | Path, check_backbone: bool = True) -> Rival:
    """Put a saved rival around the backbone that it was fitted to.

    Args:
        backbone: the backbone, with its weights.
        folder: what :meth:`Rival.save_pretrained` wrote.
        check_backbone: refuse a backbone with other weights than the rival was fitted to.

    Raises:
        InputError: a file is missing, damaged, of a later format, or does not fit the backbone.
    """
    folder = Path(folder)
    saved = read(folder)
    if check_backbone:
        check_same_backbone(backbone, saved.fit, folder)
    with Within(saved.tensors, saved.fit.num_nodes, folder / CONFIG):
        rival = create(saved.method, backbone, saved.fit.num_nodes, saved.frozen, **saved.options)
    rival._take(saved.tensors, saved.fit, folder)
    return rival
