"""The training task: a network, windows, and masked MAE in physical units, as Lightning wants them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

from stlora.adapters import STLoRA
from stlora.data.split import Split
from stlora.data.windows import Windows
from stlora.evaluation.metrics import ForecastErrors
from stlora.training.config import TrainingOptions
from stlora.training.loss import masked_mae


class IndexBatches:
    """Batches of window starts: the only thing that travels to the device in a step.

    Args:
        starts: the windows of a split.
        batch_size: windows in a batch; the last one may be smaller and is never dropped.
        seed: shuffle with this seed; in order if None.
        fraction: share of the windows to draw.
    """

    def __init__(self, starts: range, batch_size: int, seed: int | None = None, fraction: float = 1.0) -> None:
        order = torch.arange(starts.start, starts.stop)
        if seed is not None:
            keep = max(1, round(fraction * len(order)))
            order = order[torch.randperm(len(order), generator=torch.Generator().manual_seed(seed))[:keep]]
        self._batches = torch.split(order, batch_size)

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._batches)


class ForecastTask(lightning.LightningModule):
    """Trains a network on windows; validation is the exact masked MAE over the whole split.

    Every epoch has a seed of its own, made of the run's seed and its number, so that a run that was killed and
    taken up again sees the same batches and the same dropout as one that was not.

    Args:
        model: maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        windows: of the series.
        split: which windows are for what.
        options: how to train.
    """

    def __init__(self, model: nn.Module, windows: Windows, split: Split, options: TrainingOptions) -> None:
        super().__init__()
        self.model = model
        self.windows = windows
        self.split = split
        self.options = options
        num_nodes = windows.num_nodes
        self.errors = ForecastErrors(windows.horizon, num_nodes)
        self._loss = torch.zeros(())

    def forward(self, start: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` in physical units for the windows that start at ``start``."""
        return self.windows.scaler.inverse(self.scaled_forecast(start))

    def scaled_forecast(self, start: Tensor) -> Tensor:
        """Forecast ``[B, H, N, 1]`` in scaled units."""
        return network_forecast(self.model, self.windows.inputs(start))

    def train_dataloader(self) -> IndexBatches:
        """Batches of this epoch."""
        seed = self._epoch_seed()
        return IndexBatches(self.split.train, self.options.batch_size, seed, self.options.train_fraction)

    def val_dataloader(self) -> IndexBatches:
        """All validation windows, in order."""
        return IndexBatches(self.split.val, self.options.batch_size)

    def on_fit_start(self) -> None:
        """Put the array where the network is."""
        self.windows.to(self.device)

    def on_train_epoch_start(self) -> None:
        """Start the dropout of this epoch from its own seed."""
        torch.manual_seed(self._epoch_seed())
        self._loss = torch.zeros((), device=self.device)

    def training_step(self, start: Tensor, _: int) -> Tensor:
        """The loss of one batch."""
        loss = masked_mae(self(start), self.windows.targets(start))
        self._loss += loss.detach()
        return loss

    def validation_step(self, start: Tensor, _: int) -> None:
        """Add a batch to the exact sums."""
        self.errors.update(self(start), self.windows.targets(start))

    def on_validation_epoch_end(self) -> None:
        """Report the MAE over the whole split, and the mean training loss of the epoch's batches."""
        self.log("val_mae", self.errors.mae().float(), prog_bar=True)
        self.log("train_mae", self._loss / float(self.trainer.num_training_batches), prog_bar=True)
        self.errors.reset()

    def on_train_epoch_end(self) -> None:
        """Step the plateau schedule before the checkpoint of this epoch is written; Lightning does it after."""
        schedule = self.lr_schedulers()
        if isinstance(schedule, ReduceLROnPlateau):
            schedule.step(self.trainer.callback_metrics["val_mae"])

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step every other schedule when Lightning wants to."""
        if not isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step()

    def configure_optimizers(self) -> Any:
        """The optimizer of what is trainable, and its schedule."""
        options = self.options
        optimizer = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[options.optimizer](
            [parameter for parameter in self.model.parameters() if parameter.requires_grad],
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
            fused=True,  # one pass over the parameters: an adapter's step is short
        )
        if options.schedule == "cosine":
            steps = max(1, options.epochs * len(self.train_dataloader()))
            cosine = CosineAnnealingLR(optimizer, T_max=steps)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}
        if options.schedule == "plateau":
            plateau = ReduceLROnPlateau(optimizer, factor=0.5, patience=4)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val_mae"}}
        return {"optimizer": optimizer}

    def _epoch_seed(self) -> int:
        return self.options.seed * 1_000_003 + self.current_epoch


class AdaptTask(ForecastTask):
    """Trains an adapter on the kept forecasts of its frozen backbone, which is not run again.

    Args:
        model: the wrapped backbone; only its adapter is trained.
        windows: of the series.
        split: which windows are for what.
        options: how to train.
        kept: the backbone's forecasts ``[S, H, N, 1]`` of all windows, in scaled units.
    """

    def __init__(self, model: STLoRA, windows: Windows, split: Split, options: TrainingOptions, kept: Tensor) -> None:
        super().__init__(model, windows, split, options)
        self.kept = kept

    def on_fit_start(self) -> None:
        """Put the array and the kept forecasts where the network is."""
        super().on_fit_start()
        self.kept = self.kept.to(self.device)

    def scaled_forecast(self, start: Tensor) -> Tensor:
        """The kept forecasts, corrected."""
        assert isinstance(self.model, STLoRA)
        return self.model.correct(self.windows.inputs(start), self.kept[start])


def network_forecast(model: nn.Module, x: Tensor) -> Tensor:
    """Give a network the channels that it reads: an adapted one all, a bare backbone those it was built for."""
    channels = x.shape[-1] if isinstance(model, STLoRA) else int(getattr(model, "in_channels", 3))
    forecast: Tensor = model(x[..., :channels])
    return forecast
