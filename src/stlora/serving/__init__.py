"""Serving: a trained run as one file that forecasts without this library."""

from typing import TYPE_CHECKING

from stlora._lazy import lazy_names

if TYPE_CHECKING:
    from stlora.serving.exporting import export
    from stlora.serving.network import ServedNetwork

__all__ = ["ServedNetwork", "export"]

__getattr__, __dir__ = lazy_names(
    __name__, {"ServedNetwork": "stlora.serving.network", "export": "stlora.serving.exporting"}
)
