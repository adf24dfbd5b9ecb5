"""The shares of an adapter's own forecast, chosen on the validation windows when both forecasts are learned."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from stlora.adapters import STLoRA
from stlora.adapters.fusion import ShareFusion
from stlora.evaluation.errors import masked_error
from stlora.training.batches import IndexBatches
from stlora.training.task import ForecastTask

SHARES = 20  # a step's share is a multiple of 1 / 20
TRUST = 10  # a node's trust is a multiple of 1 / 10
EVIDENCE = 0.1  # a node loses its trust where that saves more than this part of the backbone's error


@torch.inference_mode()
def settle_shares(task: ForecastTask) -> float | None:
    """Give each step ahead its share of the adapter's own forecast, and each node its trust, on the validation windows.

    A step gets the share with the least MAE, the smallest of equals. A node then gets the trust t with the least
    ``e(t) + EVIDENCE (1 - t) e(0)``, where e is its error: a node by itself has few windows, so it differs from the
    others only where there is evidence. Zero, the backbone alone, is among the shares, and no trust below 1 makes an
    error larger: on these windows the mixture is never worse than the backbone.

    Args:
        task: its network is trained; an adapter without shares is left as it is.

    Returns:
        The validation MAE of the mixture, in the data's unit; None without shares.
    """
    model = task.model.eval()
    if not (isinstance(model, STLoRA) and isinstance(model.adapter, ShareFusion)):
        return None
    adapter, device = model.adapter, task.windows.device
    grid = torch.linspace(0, 1, SHARES + 1, device=device)
    by_share = _absolute_errors(task, adapter, grid.view(-1, 1, 1, 1))  # [G, H, N]
    adapter.share.copy_(grid[by_share.sum(dim=2).argmin(dim=0)])
    trust = torch.linspace(1, 0, TRUST + 1, device=device)
    by_trust = _absolute_errors(task, adapter, trust.view(-1, 1, 1, 1) * adapter.share.view(-1, 1, 1)).sum(dim=1)
    chosen = (by_trust + EVIDENCE * (1 - trust).unsqueeze(1) * by_trust[-1]).argmin(dim=0)  # [N], full trust of equals
    adapter.trust.copy_(trust[chosen])
    return float(by_trust.gather(0, chosen.unsqueeze(0)).sum()) / _observed(task)


def _absolute_errors(task: ForecastTask, adapter: ShareFusion, shares: Tensor) -> Tensor:
    """Sums of absolute errors over the validation windows, ``[G, H, N]``, for ``shares [G, H or 1, N or 1, 1]``."""
    windows = task.windows
    sums = torch.zeros(len(shares), windows.horizon, windows.num_nodes, dtype=torch.float64, device=windows.device)
    for start in _batches(task):
        x, target = windows.inputs(start), windows.targets(start)
        forecast = task.backbone_forecast(x, start)
        own = adapter.alternative(x, forecast)
        for total, share in zip(sums, shares, strict=True):
            error, _ = masked_error(windows.scaler.inverse(torch.lerp(forecast, own, share)), target)
            total += error.sum(dim=0)
    return sums


def _observed(task: ForecastTask) -> float:
    return sum(float((~task.windows.targets(start).isnan()).sum()) for start in _batches(task))


def _batches(task: ForecastTask) -> Iterator[Tensor]:
    for batch in IndexBatches(task.split.val, task.forecast_at_once):  # all, whatever other processes there are
        yield batch.to(task.windows.device)
