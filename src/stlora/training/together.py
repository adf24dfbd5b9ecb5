"""Several processes that train one network, as ``torchrun`` starts them; in a lone process nothing of it happens."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed

from stlora.errors import InputError
from stlora.folders import claimed

_PATIENCE = timedelta(days=7)  # the others wait while the first one keeps forecasts, measures and writes


def processes() -> int:
    """How many train together.

    Example:
        >>> processes(), rank(), is_first()
        (1, 0, True)
    """
    return int(os.environ["WORLD_SIZE"]) if _started_by_torchrun() else 1


def rank() -> int:
    """The number of this one, from 0."""
    return int(os.environ["RANK"]) if _started_by_torchrun() else 0


def is_first() -> bool:
    """Whether this is the process that measures, prints and writes files."""
    return rank() == 0


def join() -> None:
    """Find the other processes, and this one's GPU where there are some."""
    if processes() == 1 or distributed.is_initialized():
        return
    gpus = torch.cuda.is_available()
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", timeout=_PATIENCE)
    atexit.register(distributed.destroy_process_group)


def wait() -> None:
    """Go on when all processes have come to this point."""
    if processes() > 1:
        distributed.all_reduce(torch.zeros(1))  # unlike a barrier it needs no GPU where there are some


@contextmanager
def first_then_others() -> Iterator[None]:
    """A block that the first process runs before the others, which find the files that it wrote."""
    if not is_first():
        wait()
    yield
    if is_first():
        wait()


def claim(folder: str) -> AbstractContextManager[object]:
    """Hold the folder of a run for as long as a block lasts; processes that train together hold it as one.

    Raises:
        InputError: other processes hold it.
    """
    return claimed(folder) if is_first() else nullcontext()


def refuse(what: str) -> None:
    """Refuse what one process alone can do.

    Raises:
        InputError: there are several.
    """
    if processes() > 1:
        raise InputError(
            f"{what} is work for one process and torchrun started {processes()}; start it without torchrun"
        )


def trainer_options() -> dict[str, Any]:
    """What Lightning's trainer has to know of the processes.

    Parameters without a gradient are looked for in every step, because the shares of an adapter have none.
    """
    if processes() == 1:
        return {"devices": 1}
    beside = int(os.environ["LOCAL_WORLD_SIZE"])
    return {
        "devices": beside,
        "num_nodes": processes() // beside,
        "strategy": DDPStrategy(find_unused_parameters=True),
        "use_distributed_sampler": False,
    }


def _started_by_torchrun() -> bool:
    return distributed.is_available() and distributed.is_torchelastic_launched()
