"""Other ways to adapt a backbone, around the same backbones and under the same protocol as ST-LoRA."""

from stlora.rivals.base import Rival
from stlora.rivals.files import is_rival
from stlora.rivals.loading import load
from stlora.rivals.registry import create, find, names

__all__ = ["Rival", "create", "find", "is_rival", "load", "names"]
