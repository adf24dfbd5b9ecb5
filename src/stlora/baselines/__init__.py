"""Classical baselines: what a forecast costs nothing to reach, as modules like any backbone."""

from typing import TYPE_CHECKING

from stlora._lazy import lazy_names
from stlora.baselines.registry import create, names, takes

if TYPE_CHECKING:
    from stlora.baselines.fitting import fit_baseline

__all__ = ["create", "fit_baseline", "names", "takes"]

__getattr__, __dir__ = lazy_names(__name__, {"fit_baseline": "stlora.baselines.fitting"})
