from __future__ import annotations

import math

import pytest
import torch

from stlora.backbones import attention


@pytest.fixture
def tensors():
    torch.manual_seed(0)
    query = torch.randn(5, 3, 8, dtype=torch.float64)
    return query, torch.randn(5, 4, 8, dtype=torch.float64), torch.randn(5, 4, 8, dtype=torch.float64)


def test_equals_explicit_scores_head_by_head(tensors):
    query, key, value = tensors
    expected = []
    for head in (slice(0, 4), slice(4, 8)):
        scores = query[..., head] @ key[..., head].transpose(1, 2) / math.sqrt(4)
        expected.append(scores.softmax(dim=-1) @ value[..., head])
    torch.testing.assert_close(attention.attend(query, key, value, heads=2), torch.cat(expected, dim=-1))


def test_more_sequences_than_a_kernel_takes_are_split(tensors, monkeypatch):
    whole = attention.attend(*tensors, heads=2)
    monkeypatch.setattr(attention, "_launches", lambda sequences: torch.split(sequences, 2))
    torch.testing.assert_close(attention.attend(*tensors, heads=2), whole)
