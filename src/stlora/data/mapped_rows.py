"""An array on disk, read a batch at a time."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stlora.data.mapped import release


class MappedRows:
    """Rows of a memory-mapped array as tensors: what :class:`stlora.data.windows.Windows` needs of a tensor.

    The array stays on disk; a batch is read, copied and moved to the device.

    Args:
        values: ``[T, N]``, for which :func:`is_mapped` holds.
    """

    def __init__(self, values: NDArray[np.float32]) -> None:
        self._values = values
        self.shape = values.shape
        self.device = torch.device("cpu")

    def __len__(self) -> int:
        return len(self._values)

    def to(self, device: torch.device) -> MappedRows:
        """Make batches on ``device`` from now on."""
        self.device = device
        return self

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Rows ``index``; ``dim`` is 0."""
        assert dim == 0
        rows = torch.from_numpy(self._values[index.cpu().numpy()])
        release(self._values)
        return rows.to(self.device)
