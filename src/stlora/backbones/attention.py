"""Multi-head attention without materialised scores."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_ROWS = 65_535  # the launch grid of the fused CUDA kernels takes no more sequences


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, dropout: float = 0.0) -> Tensor:
    """Softmax(Q Kᵀ / √d) V per head (Vaswani et al. 2017).

    Args:
        query: ``[R, S, heads · d]``, R independent sequences.
        key: ``[R, S', heads · d]``.
        value: ``[R, S', heads · d]``.
        heads: the number of heads; head k reads the k-th d channels.
        dropout: of the attention weights; the caller gives 0 in evaluation.

    Returns:
        ``[R, S, heads · d]``.

    Example:
        >>> one = torch.ones(2, 3, 4)
        >>> attend(one, one, one, heads=2).shape
        torch.Size([2, 3, 4])
    """
    per_head = [_launches(t.view(*t.shape[:-1], heads, -1).transpose(1, 2)) for t in (query, key, value)]
    parts = [
        functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout) for q, k, v in zip(*per_head, strict=True)
    ]
    mixed = parts[0] if len(parts) == 1 else torch.cat(parts)
    return mixed.transpose(1, 2).flatten(-2)


def _launches(sequences: Tensor) -> tuple[Tensor, ...]:
    """The sequences in as many parts as kernel launches are needed: one, except for very many on a GPU."""
    return torch.split(sequences, _ROWS) if sequences.is_cuda else (sequences,)
