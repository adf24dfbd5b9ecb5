"""What a call from Python leaves as it was: random numbers, Lightning's loggers, and the environment."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_LOGGERS = ("lightning.pytorch", "lightning.fabric", "lightning")
_VARIABLES = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS")  # set by Lightning's seed_everything


@contextmanager
def undisturbed() -> Iterator[None]:
    """Seed random numbers and keep Lightning silent in the block, and leave all as it was before.

    Example:
        >>> before = torch.get_rng_state()
        >>> with undisturbed():
        ...     _ = torch.manual_seed(0)
        >>> bool((torch.get_rng_state() == before).all())
        True
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the state that others may use
    variables = {name: os.environ.get(name) for name in _VARIABLES}
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices):
        try:
            for name in _LOGGERS:  # its remarks on hardware and workers are of no use here
                logging.getLogger(name).setLevel(logging.ERROR)
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            for name, value in variables.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
