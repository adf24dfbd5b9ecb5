"""Backbones: plain modules that map ``[B, T, N, C]`` to ``[B, H, N, 1]`` with weights that all nodes share."""

from stlora.backbones.registry import create, names, takes

__all__ = ["create", "names", "takes"]
