"""Node-adaptive low-rank adaptation: the layer, the predictor, and their fusion with any backbone."""

from stlora.adapters.config import STLoRAConfig
from stlora.adapters.folding import fold, unfold
from stlora.adapters.nall import NodeAdaptiveLowRankLayer
from stlora.adapters.predictor import NodeSpecificPredictor
from stlora.adapters.stlora import STLoRA
from stlora.adapters.wrapped import ParameterReport, WrappedBackbone

__all__ = [
    "NodeAdaptiveLowRankLayer",
    "NodeSpecificPredictor",
    "ParameterReport",
    "STLoRA",
    "STLoRAConfig",
    "WrappedBackbone",
    "fold",
    "unfold",
]
