"""The rivals by name; each is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stlora.errors import InputError
from stlora.named_options import check_options, explained

if TYPE_CHECKING:
    from torch import nn

    from stlora.rivals.base import Rival

_RIVALS = {
    "bias_scale": "stlora.rivals.bias_scale:BiasScale",
    "node_head": "stlora.rivals.node_head:NodeHead",
    "embedding": "stlora.rivals.embedding:NodeEmbedding",
    "clora": "stlora.rivals.clora:CLoRA",
    "peft": "stlora.rivals.lora:PeftLoRA",
    "finetune": "stlora.rivals.finetune:FineTune",
}


def names() -> list[str]:
    """The names that :func:`create` takes.

    Example:
        >>> names()
        ['bias_scale', 'node_head', 'embedding', 'clora', 'peft', 'finetune']
    """
    return list(_RIVALS)


def create(
    name: str, backbone: nn.Module, num_nodes: int, freeze_backbone: bool | None = None, **options: Any
) -> Rival:
    """Put a rival around a backbone.

    Args:
        name: one of :func:`names`.
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        num_nodes: N.
        freeze_backbone: keep the backbone as it is; if None, as the method is meant.
        options: sizes of this method; see its class.

    Raises:
        InputError: the name or an option is unknown, or the method is not meant for that.

    Example:
        >>> from stlora.backbones import create as create_backbone
        >>> rival = create("bias_scale", create_backbone("lstm", num_nodes=5), num_nodes=5)
        >>> print(rival.parameter_report())
        trainable: 120 | adapter: 120 | backbone: 97,932 | added: 0.12 % | measured: 0
    """
    method = find(name)
    check_options(name, method, 3, options)
    if freeze_backbone is None:
        freeze_backbone = method.adapts != "joint"
    if method.adapts == ("joint" if freeze_backbone else "frozen"):
        kept = "trains all of the backbone" if freeze_backbone else "keeps the backbone as it is"
        raise InputError(f"{name} {kept}, so it cannot be made with freeze_backbone={freeze_backbone}; leave it out")
    with explained(name, options):
        return method(backbone, num_nodes, freeze_backbone, **options)


def find(name: str) -> type[Rival]:
    """The class behind a name.

    Raises:
        InputError: the name is unknown.

    Example:
        >>> find("node_head").corrects_only, find("embedding").corrects_only
        (True, False)
    """
    if name not in _RIVALS:
        raise InputError(f"no rival is called {name!r}; choose one of {', '.join(_RIVALS)}")
    module, _, cls = _RIVALS[name].partition(":")
    method: type[Rival] = getattr(import_module(module), cls)
    return method
