"""What watches a training run: the log, checkpoints that are written whole and read without pickled objects."""

from __future__ import annotations

import hashlib
import io
import time
from math import isfinite
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from stlora.errors import InputError
from stlora.files import write_atomically, write_text
from stlora.progress import say
from stlora.training.restored import check_restored


class SafeCheckpoints(TorchCheckpointIO):
    """Checkpoints of tensors and plain types alone, each written whole or not at all."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write through a temporary file, with a digest at its end."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        content = buffer.getvalue()
        write_atomically(Path(path), lambda temporary: temporary.write_bytes(content + _digest(content)))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        """Read tensors and plain types, whatever the caller allows.

        Raises:
            InputError: the file is damaged or holds anything else.
        """
        return read_checkpoint(Path(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of tensors and plain types.

    Raises:
        InputError: the file is damaged or holds anything else.
    """
    try:
        if not path.is_file():
            raise ValueError("it is no file")
        stored = path.read_bytes()
        content, digest = stored[:-_DIGEST], stored[-_DIGEST:]
        if digest != _digest(content):
            raise ValueError("it is not as it was written")
        checkpoint: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if not {"state_dict", "pytorch-lightning_version"} <= set(checkpoint):
            raise ValueError("no checkpoint of Lightning")
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(
            f"{path} is damaged or no checkpoint of this library; delete {path.parent} to start the run again"
        ) from error
    return checkpoint


_DIGEST = 32  # bytes


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class BestCheckpoint(ModelCheckpoint):
    """Knows the best epoch so far in a run folder that was moved, too."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The scores of the interrupted part, wherever it lay."""
        super().load_state_dict({**state_dict, "dirpath": self.dirpath})


class Patience(EarlyStopping):
    """Stops when validation no longer improves, and stays stopped when such a run is taken up again."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop at once if the interrupted part had stopped already."""
        if self.stopped_epoch:
            trainer.should_stop = True


class TrainingLog(Callback):
    """Keeps a row for each epoch: in ``log.csv``, in the checkpoint, and on the terminal.

    An epoch with a loss or an error that is not finite ends the training.

    Args:
        path: the CSV file.
        show: print a line for each epoch.
    """

    COLUMNS = ("epoch", "train_mae", "val_mae", "learning_rate", "seconds")

    def __init__(self, path: Path, show: bool) -> None:
        self.path = path
        self.show = show
        self.rows: list[list[float]] = []
        self._before = 0.0
        self._started: float | None = None

    @property
    def began(self) -> bool:
        """Whether the training began, with all that an interrupted part left in its place."""
        return self._started is not None

    @property
    def broken(self) -> int | None:
        """The epoch, from 1, whose loss or error was not finite; None if there is none."""
        return next((int(row[0]) + 1 for row in self.rows if not (isfinite(row[1]) and isfinite(row[2]))), None)

    @property
    def seconds(self) -> float:
        """Training time so far, that of an interrupted part included."""
        return self.rows[-1][-1] if self.rows else 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock, once all is in its place."""
        if trainer.ckpt_path is not None:
            check_restored(trainer, pl_module, self.rows)
        self._before = self.seconds
        self._started = time.perf_counter()
        if self.broken is not None:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Add a row."""
        assert self._started is not None, "training has started"
        metrics = trainer.callback_metrics
        row = [
            float(trainer.current_epoch),
            float(metrics.get("train_mae", float("nan"))),
            float(metrics.get("val_mae", float("nan"))),
            float(trainer.optimizers[0].param_groups[0]["lr"]),
            self._before + time.perf_counter() - self._started,
        ]
        self.rows.append(row)
        if self.broken is not None:
            trainer.should_stop = True
        if not trainer.is_global_zero:
            return
        lines = [",".join(self.COLUMNS)]
        lines += [f"{int(epoch)},{train:.6f},{val:.6f},{rate:.3e},{s:.2f}" for epoch, train, val, rate, s in self.rows]
        write_text(self.path, "\n".join(lines) + "\n")
        if self.show:
            epoch, train, val, rate, seconds = row
            say(
                f"epoch {int(epoch) + 1:3d}  train {train:8.4f}  validation {val:8.4f}  rate {rate:.1e}  "
                f"{seconds:6.0f} s"
            )

    def state_dict(self) -> dict[str, Any]:
        """The rows, for the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The rows of the interrupted part."""
        rows = state_dict["rows"]
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise ValueError("its log has no rows")
        self.rows = [list(row) for row in rows]
