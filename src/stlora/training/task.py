"""The training task: a network, windows, and masked MAE in physical units, as Lightning wants them."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from inspect import signature
from math import ceil
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from stlora.adapters import WrappedBackbone
from stlora.data.rows import Rows
from stlora.data.split import Split
from stlora.data.windows import Windows
from stlora.errors import InputError
from stlora.evaluation.metrics import AbsoluteErrors
from stlora.training import together
from stlora.training.batches import IndexBatches, windows_at_once
from stlora.training.config import TrainingOptions
from stlora.training.curriculum import shown_truth, steps_in_loss, truth_probability
from stlora.training.forecasts import backbone_forecast, network_forecast
from stlora.training.loss import masked_mae
from stlora.training.parts import Parts
from stlora.training.schedules import after_epoch, after_step, make_optimizer, make_schedule
from stlora.training.seen import SeenWindows, keep_seen


class ForecastTask(lightning.LightningModule):
    """Trains a network on windows; validation is the exact masked MAE over the whole split.

    Every epoch has a seed of its own, made of the run's seed and its number, so that a run that was killed and
    taken up again sees the same batches and the same dropout as one that was not.

    Args:
        model: maps ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        windows: of the series.
        split: which windows are for what.
        options: how to train.

    Raises:
        InputError: the network cannot be shown true values and the options want that.
    """

    def __init__(self, model: nn.Module, windows: Windows, split: Split, options: TrainingOptions) -> None:
        super().__init__()
        if options.sampling and not can_be_shown_truth(model):
            raise InputError(
                f"sampling is {options.sampling:g} and this network has no decoder that is trained on true values; "
                "set --sampling 0"
            )
        self.model = model
        self.windows = windows
        self.split = split
        self.options = options
        num_nodes = windows.num_nodes
        self.errors = AbsoluteErrors(windows.horizon, num_nodes)
        self._loss = torch.zeros(())
        self._weights: list[float] | None = None  # of this epoch's batches, where several make a step

    def forward(self, start: Tensor, truth: Tensor | None = None) -> tuple[Tensor, ...]:
        """The forecasts ``[B, H, N, 1]`` that are trained, in physical units, for the windows that start at ``start``.

        It is one, unless an adapter and the backbone that it wraps are trained side by side. Where gradients are wanted
        the network computes in the precision of the options; its forecasts are float32 all the same, because in
        bfloat16 a speed of 64 would have steps of half a mile.
        """
        low = self.options.precision == "bf16" and torch.is_grad_enabled()
        with torch.autocast(start.device.type, torch.bfloat16) if low else nullcontext():
            forecasts = self.scaled_forecasts(start, truth)
        return tuple(self.windows.scaler.inverse(scaled.float()) for scaled in forecasts)

    def scaled_forecasts(self, start: Tensor, truth: Tensor | None = None) -> tuple[Tensor, ...]:
        """The forecasts in scaled units; a decoder that trains may read ``truth``."""
        x = self.windows.inputs(start)
        if not isinstance(self.model, WrappedBackbone):
            return (network_forecast(self.model, x, truth),)
        return self.model.learned(x, backbone_forecast(self.model, x, truth))

    def backbone_forecast(self, x: Tensor, start: Tensor) -> Tensor:
        """The forecasts of the wrapped backbone, in scaled units, for histories ``x`` that start at ``start``."""
        assert isinstance(self.model, WrappedBackbone)
        return backbone_forecast(self.model, x)

    @property
    def forecast_at_once(self) -> int:
        """Windows that are forecast at once where no gradients are wanted."""
        return windows_at_once(self.options.batch_size, self.windows.num_nodes, self.device)

    def train_dataloader(self) -> IndexBatches | Parts:
        """Batches of this epoch; where several of them or several processes make a step, this process's parts."""
        seed = self._epoch_seed()
        batches = IndexBatches(self.split.train, self.options.batch_size, seed, self.options.train_fraction)
        if self.options.accumulate == 1 and together.processes() == 1:
            return batches
        steps = steps_in_loss(self.current_epoch, self.windows.horizon, self.options)
        observed = partial(self.windows.observed_targets, steps=steps)
        parts = Parts(batches, observed, self.options.accumulate, together.processes(), together.rank())
        self._weights = parts.weights
        return parts

    def val_dataloader(self) -> IndexBatches:
        """All validation windows, in order; each process has a stretch of them."""
        windows, count, rank = self.split.val, together.processes(), together.rank()
        own = windows[len(windows) * rank // count : len(windows) * (rank + 1) // count]
        return IndexBatches(own, self.forecast_at_once)

    def on_fit_start(self) -> None:
        """Put the array where the network is."""
        self.windows.to(self.device)

    def on_train_epoch_start(self) -> None:
        """Start the dropout of this epoch, and of this process, from its own seed."""
        torch.manual_seed(self._epoch_seed() + 500_009 * together.rank())
        self._loss = torch.zeros((), device=self.device)

    def training_step(self, start: Tensor, number: int) -> Tensor:
        """The loss of one batch, over the steps ahead that the curriculum has come to."""
        target = self.windows.targets(start)
        truth = None
        if self.options.sampling:
            probability = truth_probability(self.global_step, self.options.sampling)
            truth = shown_truth(self.windows.scaler.transform(target), probability)
        steps = steps_in_loss(self.current_epoch, self.windows.horizon, self.options)
        losses = [masked_mae(forecast[:, :steps], target[:, :steps]) for forecast in self(start, truth)]
        loss = torch.stack(losses).sum()
        if self._weights is not None:
            loss = self._weights[number] * loss
        self._loss += loss.detach() / len(losses)
        return loss

    def validation_step(self, start: Tensor, _: int) -> None:
        """Add a batch to the exact sums; forecasts that are trained side by side count in equal shares."""
        self.errors.update(torch.stack(self(start)).mean(dim=0), self.windows.targets(start))

    def on_validation_epoch_end(self) -> None:
        """Report the MAE over the whole split, and the mean training loss of the epoch's batches."""
        with self.errors.sync_context():
            self.log("val_mae", self.errors.mae().float(), prog_bar=True)
        loss = self.trainer.strategy.reduce(self._loss, reduce_op="sum")
        counted = together.processes() * self.options.accumulate * self._steps(int(self.trainer.num_training_batches))
        self.log("train_mae", loss / float(counted), prog_bar=True)
        self.errors.reset()

    def on_train_epoch_end(self) -> None:
        """Step a schedule of epochs before the checkpoint of this epoch is written, and after its rate was logged."""
        after_epoch(self.lr_schedulers(), self.trainer.callback_metrics["val_mae"])

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step a schedule of optimizer steps when Lightning wants to."""
        after_step(scheduler)

    def configure_optimizers(self) -> Any:
        """The optimizer of what is trainable, and its schedule."""
        optimizer = make_optimizer(self.model.parameters(), self.options)
        schedule = make_schedule(optimizer, self.options, self._steps(len(self.train_dataloader())))
        return {"optimizer": optimizer} if schedule is None else {"optimizer": optimizer, "lr_scheduler": schedule}

    def _steps(self, batches: int) -> int:
        """Optimizer steps of so many batches."""
        return ceil(batches / self.options.accumulate)

    def _epoch_seed(self) -> int:
        return self.options.seed * 1_000_003 + self.current_epoch


class AdaptTask(ForecastTask):
    """Trains an adapter on the kept forecasts of its frozen backbone, which is not run again.

    Args:
        model: the wrapped backbone; only its adapter is trained.
        windows: of the series.
        split: which windows are for what.
        options: how to train.
        val: the backbone's forecasts ``[S, H, N, 1]`` of the validation windows, in scaled units, on the processor.
        train: those of the training windows; None for an adapter that learns without them.
    """

    def __init__(
        self,
        model: WrappedBackbone,
        windows: Windows,
        split: Split,
        options: TrainingOptions,
        val: Tensor,
        train: Tensor | None,
    ) -> None:
        super().__init__(model, windows, split, options)
        kept = {False: val} if train is None else {False: val, True: train}
        # by whether the network is trained
        self.kept = {trained: Rows(forecasts.numpy()).to(windows.device) for trained, forecasts in kept.items()}
        self.seen: dict[bool, SeenWindows] = {}

    @property
    def forecast_at_once(self) -> int:
        """As many as in training: an adapter's arrays are small."""
        return self.options.batch_size

    def on_fit_start(self) -> None:
        """Put the array and the kept forecasts where the network is."""
        super().on_fit_start()
        for forecasts in self.kept.values():
            forecasts.to(self.device)
        splits = {False: self.split.val, True: self.split.train}
        self.seen = keep_seen(
            self.model, self.windows, splits, passes=self.options.epochs * self.options.train_fraction
        )

    def on_fit_end(self) -> None:
        """Make room for what comes next."""
        self.seen = {}

    def scaled_forecasts(self, start: Tensor, truth: Tensor | None = None) -> tuple[Tensor, ...]:
        """What the adapter makes of the kept forecasts, or of what it sees of the windows, if that is kept."""
        assert isinstance(self.model, WrappedBackbone)
        if self.seen:
            return (self.seen[self.model.training].forecast(start),)
        x = self.windows.inputs(start)
        return self.model.learned(x, None if self.model.learns_alone else self.backbone_forecast(x, start))

    def backbone_forecast(self, x: Tensor, start: Tensor) -> Tensor:
        """The kept ones: of the training windows while the network is trained, of the validation windows else."""
        trained = self.model.training
        return self.kept[trained][start - (self.split.train if trained else self.split.val).start]


def can_be_shown_truth(model: nn.Module) -> bool:
    """Whether the backbone takes ``truth`` beside a history; see :class:`stlora.backbones.dcrnn.DCRNN`."""
    backbone = model.backbone if isinstance(model, WrappedBackbone) else model
    return "truth" in signature(backbone.forward).parameters
