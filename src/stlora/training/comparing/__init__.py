"""Comparing: backbones × adapters × seeds, one table of many runs that are all made alike."""
