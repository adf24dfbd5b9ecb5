"""The forecasts of a frozen backbone, computed once and kept in a file for every adapter, seed and study behind it."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stlora.adapters.files import fingerprint
from stlora.errors import InputError
from stlora.files import remove_leftovers, write_atomically, write_json
from stlora.records import Amount, Text, read_record
from stlora.training.forecasts import forecasts
from stlora.training.prepare import Prepared


@dataclass(frozen=True)
class Kept:
    """Forecasts of consecutive windows.

    Attributes:
        forecasts: ``[S, H, N, 1]`` in scaled units, on the processor; they lie in the file, which the system reads as
            it is needed.
        seconds: what it took to compute them, this time or when they were kept.
    """

    forecasts: Tensor
    seconds: float


def keep_forecasts(backbone: nn.Module, data: Prepared, starts: range, folder: Path, batch_size: int = 64) -> Kept:
    """The backbone's forecasts of the windows that begin at ``starts``.

    They are kept under a name made of the backbone's weights and all that shaped its inputs. A module may have changed
    where weights do not show it, so the first windows are computed again and compared; a file that is damaged or of
    another network is replaced. Deleting the files costs time, nothing else.

    Args:
        backbone: on the device of the windows.
        data: its windows are on the device to use.
        starts: consecutive windows, such as those that are validated on.
        folder: for the files.
        batch_size: windows computed at a time, at most.

    Raises:
        InputError: a file cannot be written.
    """
    windows = data.windows
    path = folder / f"{_key(backbone, data, starts)}.npy"
    about = path.with_suffix(".json")
    shape = (len(starts), windows.horizon, windows.num_nodes, 1)
    array = _read(path, about, shape)
    if array is None or not _is_of(backbone, data, starts[:batch_size], array):
        started = time.perf_counter()
        try:
            if folder.exists():
                remove_leftovers(folder)
            write_atomically(path, lambda temporary: _compute(backbone, data, starts, temporary, shape, batch_size))
            seconds = time.perf_counter() - started
            write_json(about, {"format_version": 1, "seconds": seconds, "sha256": _digest(path)})
        except OSError as error:
            path.unlink(missing_ok=True)  # without the file about it, it would only take room
            raise InputError(
                f"the backbone's forecasts cannot be kept in {folder} ({error.strerror or error}); they take "
                f"{4 * math.prod(shape) / 1e6:,.1f} MB there: make room, or write to another disk"
            ) from error
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    return Kept(torch.from_numpy(array), read_record(about, _About, _AGAIN).seconds)


@dataclass(frozen=True)
class _About:
    """The file beside the forecasts."""

    seconds: Amount
    sha256: Text


_AGAIN = "delete it: it is made again"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


def _read(path: Path, about: Path, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """The kept file, or None where there is none that can be used."""
    try:
        if not path.is_file() or read_record(about, _About, _AGAIN).sha256 != _digest(path):
            return None
        # copy-on-write: torch wants an array that can be written
        array: NDArray[np.float32] = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # InputError is a ValueError
        return None
    return array if array.shape == shape and array.dtype == np.float32 else None


def _is_of(backbone: nn.Module, data: Prepared, first: range, array: NDArray[np.float32]) -> bool:
    """Whether the first kept forecasts are those of this network, up to what devices and batches change."""
    _, scaled = next(forecasts(backbone, data.windows, first, len(first)))
    return bool(np.allclose(array[: len(scaled)], scaled.float().cpu().numpy(), rtol=1e-3, atol=1e-3))


def _compute(
    backbone: nn.Module, data: Prepared, starts: range, path: Path, shape: tuple[int, ...], batch_size: int
) -> None:
    """Write them as they come, in order: a full disk is an error here, and would end the process if it were mapped."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for _, scaled in forecasts(backbone, data.windows, starts, batch_size):
            file.write(np.ascontiguousarray(scaled.float().cpu().numpy(), dtype="<f4").data)


def _key(backbone: nn.Module, data: Prepared, starts: range) -> str:
    windows = data.windows
    profile = windows.filling.profile
    inputs = {
        "backbone": fingerprint(backbone),
        "data": data.series.fingerprint(),
        "scaler": asdict(windows.scaler),
        "fill": windows.filling.fill,
        "profile": None if profile is None else hashlib.sha256(profile.tobytes()).hexdigest(),
        "windows": [starts.start, starts.stop, windows.history, windows.horizon],
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
