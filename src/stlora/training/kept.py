"""The forecasts of a frozen backbone, computed once and kept in a file for every adapter, seed and study behind it."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from stlora.adapters.files import fingerprint
from stlora.files import read_json, write_atomically, write_json
from stlora.training.forecasts import forecasts
from stlora.training.prepare import Prepared


@dataclass(frozen=True)
class Kept:
    """Forecasts of the training and validation windows.

    Attributes:
        forecasts: ``[S, H, N, 1]`` in scaled units, by window start; on the processor they lie in the file, which the
            system reads as it is needed.
        seconds: what it took to compute them, this time or when they were kept.
    """

    forecasts: Tensor
    seconds: float


def keep_forecasts(backbone: nn.Module, data: Prepared, folder: Path, batch_size: int = 64) -> Kept:
    """The backbone's forecasts of all windows that are trained or validated on.

    They are kept under a name made of the backbone's weights and all that shaped its inputs, so a file is used again
    for the same backbone on the same data, and for nothing else. Deleting the files costs time, nothing else.

    Args:
        backbone: on the device of the windows.
        data: its windows are on the device to use.
        folder: for the files.
        batch_size: windows computed at a time.
    """
    windows = data.windows
    path = folder / f"{_key(backbone, data)}.npy"
    about = path.with_suffix(".json")
    shape = (data.split.val.stop, windows.horizon, windows.num_nodes, 1)
    if not (path.exists() and about.exists()):
        started = time.perf_counter()
        write_atomically(path, lambda temporary: _compute(backbone, data, temporary, shape, batch_size))
        write_json(about, {"format_version": 1, "seconds": time.perf_counter() - started})
    array = np.load(path, mmap_mode="c", allow_pickle=False)  # copy-on-write: torch wants an array that can be written
    return Kept(torch.from_numpy(array).to(windows.device), float(read_json(about)["seconds"]))


def _compute(backbone: nn.Module, data: Prepared, path: Path, shape: tuple[int, ...], batch_size: int) -> None:
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for start, scaled in forecasts(backbone, data.windows, range(shape[0]), batch_size):
        array[start.cpu().numpy()] = scaled.float().cpu().numpy()
    array.flush()


def _key(backbone: nn.Module, data: Prepared) -> str:
    windows = data.windows
    profile = windows.filling.profile
    inputs = {
        "backbone": fingerprint(backbone),
        "data": data.series.fingerprint(),
        "scaler": asdict(windows.scaler),
        "fill": windows.filling.fill,
        "profile": None if profile is None else hashlib.sha256(profile.tobytes()).hexdigest(),
        "windows": [data.split.val.stop, windows.history, windows.horizon],
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
