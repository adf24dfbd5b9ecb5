"""Networks that are compiled while they are trained, and as they were before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from stlora.adapters import NodeSpecificPredictor, WrappedBackbone
from stlora.errors import InputError

BACKEND = "inductor"


@contextmanager
def compiled(model: nn.Module, wanted: bool) -> Iterator[None]:
    """A block in which steps with gradients run compiled; forecasts without them, as for validation, do not.

    Each part is compiled at its first call, and again for another shape such as that of the last batch. Names of
    weights, copies and files are as ever. Afterwards nothing is left; whatever else was compiled in this process is
    compiled again at its next call.

    Args:
        model: the network that is trained.
        wanted: otherwise nothing happens.

    Raises:
        InputError: a part cannot be compiled, for want of a C++ compiler perhaps.
    """
    if not wanted:
        yield
        return
    parts = parts_that_learn(model)
    before = [part._compiled_call_impl for part in parts]
    for part in parts:
        part.compile(backend=BACKEND)
        part._compiled_call_impl = _with_gradients(part._compiled_call_impl, part._call_impl)  # type: ignore[arg-type]
    try:
        yield
    except _failures() as error:
        raise InputError(
            f"the network cannot be compiled ({_reason(error)}); it takes a C++ compiler that works, such as g++; "
            "set --compile false and choose another --out"
        ) from error
    finally:
        for part, call in zip(parts, before, strict=True):
            part._compiled_call_impl = call
        torch.compiler.reset()  # otherwise the next network of this kind counts as one more shape of it


def parts_that_learn(model: nn.Module) -> list[nn.Module]:
    """What a training step calls: the network, or the predictors of an adapter and the backbone if that runs too.

    Rivals that are a few products with parameters, ``bias_scale`` and ``node_head``, have no such part of their own.
    """
    if not isinstance(model, WrappedBackbone):
        return [model]
    backbone = [] if model.freeze_backbone and model.corrects_only else [model.backbone]
    return [*backbone, *(part for part in model.adapter.modules() if isinstance(part, NodeSpecificPredictor))]


def _with_gradients(fast: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """The one call where gradients are wanted, the other elsewhere."""

    def call(*arguments: Any, **options: Any) -> Any:
        return (fast if torch.is_grad_enabled() else plain)(*arguments, **options)

    return call


def _failures() -> tuple[type[Exception], ...]:
    """What torch raises when it cannot compile; only looked for when something was raised."""
    from torch._dynamo.exc import TorchDynamoException
    from torch._inductor.exc import CppCompileError, InvalidCxxCompiler, OperatorIssue

    return (TorchDynamoException, CppCompileError, InvalidCxxCompiler, OperatorIssue)


def _reason(error: Exception) -> str:
    """The first line of what was wrong, without what wrapped it."""
    inner = getattr(error, "inner_exception", error)
    return f"{type(inner).__name__}: {str(inner).strip().splitlines()[0] if str(inner).strip() else 'no reason given'}"
