"""Forecasts of a network over many windows, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from stlora.adapters import WrappedBackbone
from stlora.data.split import Split
from stlora.data.windows import Windows
from stlora.errors import InputError
from stlora.evaluation.errors import WindowSums
from stlora.training.batches import IndexBatches, windows_at_once


def choose_device(device: str) -> torch.device:
    """The device behind ``auto``, ``cpu`` or ``cuda``.

    Raises:
        InputError: a GPU is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda and no GPU is usable here; use --device cpu or auto")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


@torch.inference_mode()
def forecasts(
    model: nn.Module, windows: Windows, starts: range, batch_size: int = 64
) -> Iterator[tuple[Tensor, Tensor]]:
    """Window starts ``[B]`` and the network's forecasts ``[B, H, N, 1]`` in scaled units, in order.

    The network and the windows must be on one device; the network is put into evaluation mode.

    Args:
        model: the network.
        windows: on the device of the network.
        starts: the windows to forecast.
        batch_size: windows in a step at most; see :func:`stlora.training.batches.windows_at_once`.

    Raises:
        InputError: a forecast is NaN or infinite.
    """
    model.eval()
    for batch in IndexBatches(starts, windows_at_once(batch_size, windows.num_nodes, windows.device)):
        start = batch.to(windows.device)
        scaled = network_forecast(model, windows.inputs(start))
        check_finite(windows.scaler.inverse(scaled))
        yield start, scaled


def check_finite(forecast: Tensor) -> None:
    """Refuse forecasts that are none.

    Args:
        forecast: in physical units, of any shape.

    Raises:
        InputError: one is NaN or infinite.
    """
    wrong = forecast.numel() - int(forecast.isfinite().sum())
    if wrong:
        raise InputError(
            f"{wrong} of {forecast.numel()} forecasts are NaN or infinite; look for measurements beyond all others "
            "with stlora data check, or train again with a lower learning rate"
        )


def measure(
    model: nn.Module, windows: Windows, starts: range, batch_size: int = 64, kept: WindowSums | None = None
) -> dict[str, Any]:
    """The exact errors of a network over ``starts``; see :class:`ForecastErrors`.

    Args:
        model: the network.
        windows: on the device of the network.
        starts: the windows to measure.
        batch_size: windows in a step at most; the errors do not depend on it.
        kept: is given the errors of each window in the same pass.

    Raises:
        InputError: the split holds no observed value, or a forecast is NaN or infinite.
    """
    # one process measures, whoever trained
    from stlora.evaluation.metrics import ForecastErrors  # torchmetrics takes a second, which a forecast has not

    errors = ForecastErrors(windows.horizon, windows.num_nodes, sync_on_compute=False).to(windows.device)
    for start, scaled in forecasts(model, windows, starts, batch_size):
        forecast, target = windows.scaler.inverse(scaled), windows.targets(start)
        errors.update(forecast, target)
        if kept is not None:
            kept.add(forecast, target)
    result = errors.compute()
    if math.isnan(result["pooled"]["mae"]):
        raise InputError("the split holds no observed value to compare with; choose another period or split")
    return result


def mean_error(windows: Windows, split: Split) -> float:
    """The MAE over the validation windows of forecasting each sensor's training mean; NaN where there is no target."""
    device = windows.device
    total = torch.zeros(windows.num_nodes, dtype=torch.float64, device=device)
    count = torch.zeros_like(total)
    for _, values in windows.blocks(range(split.train.start, split.train.stop + windows.history - 1)):
        total += values.double().nansum(dim=0)
        count += (~values.isnan()).sum(dim=0)
    mean = total / count
    error = torch.zeros((), dtype=torch.float64, device=device)
    number = torch.zeros_like(error)
    first, windows_of = split.val.start + windows.history, len(split.val)
    for rows, values in windows.blocks(range(first, first + windows_of + windows.horizon - 1)):
        place = rows - first  # how many windows have this step as a target
        often = torch.minimum(place + 1, windows_of + windows.horizon - 1 - place).clamp(
            max=min(windows.horizon, windows_of)
        )
        errors = (values.double() - mean).abs()
        error += (often.unsqueeze(1) * errors).nansum()
        number += (often.unsqueeze(1) * ~errors.isnan()).sum()
    return float(error / number)


def network_forecast(model: nn.Module, x: Tensor, truth: Tensor | None = None) -> Tensor:
    """Give a network the channels that it reads: an adapted one all, a bare backbone those it was built for.

    Args:
        model: a backbone, alone or adapted.
        x: ``[B, T, N, C]`` in scaled units.
        truth: ``[B, H, N, 1]`` that a backbone's decoder is shown while it trains.
    """
    forecast: Tensor
    if isinstance(model, WrappedBackbone):
        forecast = model(x) if truth is None else model.correct(x, backbone_forecast(model, x, truth))
    else:
        shown = {} if truth is None else {"truth": truth}
        forecast = model(x[..., : int(getattr(model, "in_channels", 3))], **shown)
    return forecast


def backbone_forecast(model: WrappedBackbone, x: Tensor, truth: Tensor | None = None) -> Tensor:
    """The forecast of a wrapped backbone alone; see :func:`network_forecast`."""
    return model.backbone_forecast(x) if truth is None else model.backbone_forecast(x, truth=truth)
