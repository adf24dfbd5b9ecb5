"""Backbones: plain modules that map ``[B, T, N, C]`` to ``[B, H, N, 1]`` with weights that all nodes share.

The classes are imported when they are first used.
"""

from typing import TYPE_CHECKING

from stlora._lazy import lazy_names
from stlora.backbones.registry import CLASSES, create, names, takes

if TYPE_CHECKING:
    from stlora.backbones.agcrn import AGCRN
    from stlora.backbones.d2stgnn import D2STGNN
    from stlora.backbones.dcrnn import DCRNN
    from stlora.backbones.gwnet import GraphWaveNet
    from stlora.backbones.lstm import LSTM
    from stlora.backbones.staeformer import STAEformer
    from stlora.backbones.stgcn import STGCN
    from stlora.backbones.stid import STID

__all__ = [
    "AGCRN",
    "D2STGNN",
    "DCRNN",
    "LSTM",
    "STGCN",
    "STID",
    "GraphWaveNet",
    "STAEformer",
    "create",
    "names",
    "takes",
]

__getattr__, __dir__ = lazy_names(__name__, CLASSES)
