"""Node-adaptive low-rank adaptation for spatio-temporal forecasting of sensor networks.

The public names are imported when they are first used, so that ``import stlora`` and ``stlora --help`` are quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stlora import backbones
from stlora._lazy import lazy_names
from stlora._version import __version__

if TYPE_CHECKING:
    from stlora.adapters import NodeAdaptiveLowRankLayer, NodeSpecificPredictor, STLoRA, STLoRAConfig
    from stlora.data import SensorSeries, load_series
    from stlora.errors import InputError

__all__ = [
    "InputError",
    "NodeAdaptiveLowRankLayer",
    "NodeSpecificPredictor",
    "STLoRA",
    "STLoRAConfig",
    "SensorSeries",
    "__version__",
    "backbones",
    "load_series",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "InputError": "stlora.errors",
        "NodeAdaptiveLowRankLayer": "stlora.adapters",
        "NodeSpecificPredictor": "stlora.adapters",
        "STLoRA": "stlora.adapters",
        "STLoRAConfig": "stlora.adapters",
        "SensorSeries": "stlora.data",
        "load_series": "stlora.data",
    },
)
