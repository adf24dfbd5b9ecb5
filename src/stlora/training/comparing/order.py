"""The order of a comparison's table: it depends on what is in it, and not on the commands that put it there."""

from __future__ import annotations

from typing import get_args

from stlora import backbones, baselines, rivals
from stlora.adapters.config import AdapterName
from stlora.training.comparing.columns import Column

Place = tuple[int, int, str]
_KINDS = ("alone", "frozen", "joint", "trained-on")


def backbone_place(name: str) -> Place:
    """Backbones of the library, then your own, then baselines; each as its registry names them.

    Example:
        >>> sorted(["naive", "my.module:net", "ha", "stgcn", "lstm"], key=backbone_place)
        ['lstm', 'stgcn', 'my.module:net', 'ha', 'naive']
    """
    if name in backbones.names():
        return 0, backbones.names().index(name), ""
    if name in baselines.names():
        return 2, baselines.names().index(name), ""
    return 1, 0, name


def adapter_place(name: str) -> Place:
    """ST-LoRA's forms, then the rivals.

    Example:
        >>> sorted(["clora", "large", "bias_scale", "stlora"], key=adapter_place)
        ['stlora', 'large', 'bias_scale', 'clora']
    """
    known = ("none", *get_args(AdapterName), *rivals.names())
    return (0, known.index(name), "") if name in known else (1, 0, name)


def column_place(name: str) -> tuple[int, Place]:
    """Alone, then adapters on the frozen backbone, then those trained together with it, then trained on.

    Example:
        >>> sorted(["trained-on", "stlora-joint", "finetune", "stlora", "none"], key=column_place)
        ['none', 'stlora', 'finetune', 'stlora-joint', 'trained-on']
    """
    column = Column.named(name)
    return _KINDS.index(column.kind), adapter_place(column.adapter)
