"""A run as one file, put in place only if it answers as the run's own network does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stlora._version import __version__
from stlora.errors import InputError
from stlora.files import write_atomically
from stlora.paths import NETWORKS, check_output
from stlora.serving.formats import Answer, read, write
from stlora.serving.network import ServedNetwork
from stlora.training.forecasts import check_finite
from stlora.training.run import BackboneRecord, Run
from stlora.training.surroundings import undisturbed

FORMAT_VERSION = 1
TOLERANCE = 1e-4  # of the standard deviation of the training values
EXAMPLE = 3  # windows that are traced; a batch of one would be taken for a constant


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: of the file.
        facts: what the file says of itself.
        difference: the largest one between its forecasts and the run's own, in physical units.
    """

    path: Path
    facts: dict[str, Any]
    difference: float


@undisturbed()
def export(run: Run | str | Path, output: str | Path, module: nn.Module | str | None = None) -> Exported:
    """Write the network of a run as one file that needs no stlora.

    Args:
        run: a finished run, or its folder.
        output: a .pt2 file for torch or an .onnx file.
        module: the backbone of your own, or ``package.module:factory`` to run that code, if the run has one.

    Raises:
        InputError: the output cannot be written, a forecast is NaN or infinite, the network cannot be exported, or the
            file answers otherwise.
    """
    run = Run(run)
    path = check_output(output, NETWORKS)
    run.check_not_own(path)
    record = run.record()
    network = run.load(module).cpu().eval().requires_grad_(False)
    served = ServedNetwork(network, record.scaler, run.filling(), record.zero_is_missing).eval()
    facts = _facts(run, record)
    with torch.no_grad():
        check_finite(served(*windows(record, EXAMPLE)))
    difference = 0.0

    def write_checked(temporary: Path) -> None:
        nonlocal difference
        try:
            write(served, windows(record, EXAMPLE), json.dumps(facts, ensure_ascii=False), temporary)
            answer = read(temporary)
        except OSError:  # such as a full disk, which is no fault of the network
            raise
        except Exception as error:  # of many kinds, by what the network is made of
            reason = next(iter(str(error).strip().splitlines()), "")
            raise InputError(
                f"{record.name} cannot be exported as {path.suffix} ({type(error).__name__}: {reason}); "
                "try the other of .pt2 and .onnx, or serve it with stlora.training.predict"
            ) from error
        difference = _difference(served, answer, [windows(record, batch, seed=batch) for batch in (1, 3)])
        if not difference <= TOLERANCE * record.scaler.std:
            raise InputError(
                f"{path.name} would answer otherwise than {record.name} itself, by up to {difference:g}; expected "
                f"{TOLERANCE * record.scaler.std:g} or less; nothing was written: try the other of .pt2 and .onnx"
            )

    write_atomically(path, write_checked)
    return Exported(path, facts, difference)


def windows(record: BackboneRecord, batch: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Made-up measurements ``[B, T, N]`` of the run's spread, a tenth of them missing, and their times ``[B, T]``."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, record.history, len(record.node_ids))
    values = record.scaler.inverse(torch.randn(shape, generator=generator))
    values[torch.rand(shape, generator=generator) < 0.1] = torch.nan
    first = torch.randint(2_000_000_000 // 60, (batch, 1), generator=generator) * 60
    return values, first + (torch.arange(record.history) * record.interval_seconds).long()


def _difference(served: ServedNetwork, answer: Answer, each: list[tuple[Tensor, Tensor]]) -> float:
    """The largest one, NaN if an answer is."""
    with torch.no_grad():
        return float(torch.stack([(answer(*given) - served(*given)).abs().max() for given in each]).max())


def _facts(run: Run, record: BackboneRecord) -> dict[str, Any]:
    nodes = len(record.node_ids)
    return {
        "format_version": FORMAT_VERSION,
        "stlora_version": __version__,
        "backbone": record.name,
        "adapter": run.metrics["adapter"],
        "inputs": {
            "values": f"[batch, {record.history}, {nodes}] float32, measurements in the data's unit, oldest first, "
            "NaN where nothing was observed" + (", or zero, as in the run's data" if record.zero_is_missing else ""),
            "time": f"[batch, {record.history}] int64, seconds from 1970-01-01 00:00 to each step, as wall clocks "
            "at the sensors show both",
        },
        "outputs": {"forecast": f"[batch, {record.horizon}, {nodes}] float32, in the data's unit, next step first"},
        "unit": record.unit,
        "interval_seconds": record.interval_seconds,
        "timezone": record.timezone,
        "zero_is_missing": record.zero_is_missing,
        "fill": run.filling().fill,
        "scaler": {"mean": record.scaler.mean, "std": record.scaler.std},
        "node_ids": record.node_ids,
    }
