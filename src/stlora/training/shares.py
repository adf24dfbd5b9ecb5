"""The shares of an adapter's own forecast, chosen on the validation windows when both forecasts are learned."""

from __future__ import annotations

import torch

from stlora.adapters import STLoRA
from stlora.adapters.fusion import ShareFusion
from stlora.evaluation.errors import masked_error
from stlora.training.task import ForecastTask, IndexBatches

STEPS = 20  # shares are multiples of 1 / 20


@torch.inference_mode()
def settle_shares(task: ForecastTask) -> float | None:
    """Give each step ahead the share with the least MAE on the validation windows, the smallest of equals.

    A share of zero, the backbone alone, is among them: on these windows the mixture is never worse than it.

    Args:
        task: its network is trained; an adapter without shares is left as it is.

    Returns:
        The validation MAE of the mixture, in the data's unit; None without shares.
    """
    model, windows = task.model.eval(), task.windows
    if not (isinstance(model, STLoRA) and isinstance(model.adapter, ShareFusion)):
        return None
    grid = torch.linspace(0, 1, STEPS + 1, device=windows.device)
    absolute = torch.zeros(len(grid), windows.horizon, dtype=torch.float64, device=windows.device)
    observed = 0.0
    for batch in IndexBatches(task.split.val, task.options.batch_size):
        start = batch.to(windows.device)
        x, target = windows.inputs(start), windows.targets(start)
        forecast, own = task.backbone_forecast(x, start), model.adapter.own_forecast(x)
        observed += float((~target.isnan()).sum())
        for sums, share in zip(absolute, grid, strict=True):
            error, _ = masked_error(windows.scaler.inverse(torch.lerp(forecast, own, share)), target)
            sums += error.sum(dim=(0, 2))
    model.adapter.share.copy_(grid[absolute.argmin(dim=0)])
    return float(absolute.amin(dim=0).sum() / observed)
