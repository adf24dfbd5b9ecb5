"""All of the backbone, trained on."""

from __future__ import annotations

from torch import nn

from stlora.rivals.base import Rival


class FineTune(Rival):
    """The backbone alone, every weight trained on at a tenth of the learning rate; it adds nothing.

    Shows what more epochs on all weights reach, without anything of a node's own. 0 parameters added; all of the
    backbone's are changed.

    Args:
        backbone: any module that maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        num_nodes: N.
        freeze_backbone: can only be False.

    Example:
        >>> from stlora.backbones import create
        >>> print(FineTune(create("lstm", num_nodes=5), num_nodes=5).parameter_report())
        trainable: 97,932 | adapter: 0 | backbone: 97,932 | added: 0.00 % | measured: 0
    """

    method = "finetune"
    corrects_only = False
    adapts = "joint"
    from_scratch = False
    rate = 0.1

    def __init__(self, backbone: nn.Module, num_nodes: int, freeze_backbone: bool = False) -> None:
        super().__init__(backbone, num_nodes, freeze_backbone)
        self.adapter = nn.Module()
