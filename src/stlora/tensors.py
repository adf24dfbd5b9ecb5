"""Stored tensors on their way into the module that they are of: nothing is taken that is not exactly right."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from stlora.errors import InputError

_COMPILED = "_orig_mod."  # what torch.compile puts before the names of what it compiles
_PARALLEL = "module."  # and DataParallel and DistributedDataParallel


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside of what torch.compile, DataParallel and DistributedDataParallel make of one.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> unwrapped(nn.DataParallel(layer)) is layer, unwrapped(layer) is layer
        (True, True)
    """
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """The state dict of a module, by the names that it has before it is compiled or made parallel."""
    return {name.replace(_COMPILED, ""): tensor for name, tensor in unwrapped(module).state_dict().items()}


def put(module: nn.Module, tensors: Mapping[str, Tensor], called: str, remedy: str) -> None:
    """Give a module its tensors.

    Every name and shape must be the module's. Floating numbers of another width are cast to the module's, and all must
    be finite; only where the module as it was built has NaN or infinity, as a mask does, the file may have the same.
    Whole numbers must be of the module's type. Names may be those of a module that was compiled or made parallel.

    Args:
        module: gets them; it stays as it is if one is refused.
        tensors: as they were stored.
        called: what they are, with their file, for messages.
        remedy: what the user can do.

    Raises:
        InputError: a name, shape, type or value is not right.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> put(layer, {"weight": torch.ones(1, 2).double(), "bias": torch.zeros(1)}, "the weights", "fit again")
        >>> layer.weight.dtype, layer.weight.tolist()
        (torch.float32, [[1.0, 1.0]])
    """
    module = unwrapped(module)
    called_here = {name.replace(_COMPILED, ""): name for name in module.state_dict()}
    own = weights_of(module)
    tensors = {name.replace(_COMPILED, ""): tensor for name, tensor in tensors.items()}
    if not any(name in own for name in tensors) and all(name.startswith(_PARALLEL) for name in tensors):
        tensors = {name.removeprefix(_PARALLEL): tensor for name, tensor in tensors.items()}
    groups = {
        "missing": [name for name in own if name not in tensors],
        "unexpected": [name for name in tensors if name not in own],
    }
    problems = [f"{len(names)} {what} (first: {names[0]!r})" for what, names in groups.items() if names]
    if problems:
        raise InputError(f"{called} do not fit: of {len(own)} tensors {' and '.join(problems)}; {remedy}")
    ready = {}
    for name, tensor in tensors.items():
        try:
            ready[called_here[name]] = _fitting(tensor, own[name])
        except ValueError as error:
            raise InputError(f"{called} do not fit: {name} {error}; {remedy}") from error
    try:
        module.load_state_dict(ready, strict=True)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip().rstrip(".")
        raise InputError(f"{called} do not fit: {reason}; {remedy}") from error


def _fitting(tensor: Tensor, own: Tensor) -> Tensor:
    """The tensor in the module's type."""
    if tensor.shape != own.shape:
        raise ValueError(f"has shape {list(tensor.shape)}; expected {list(own.shape)}")
    if own.is_floating_point() and not tensor.is_floating_point():
        raise ValueError(f"is of type {tensor.dtype}; expected a floating type such as {own.dtype}")
    if not own.is_floating_point() and tensor.dtype != own.dtype:
        raise ValueError(f"is of type {tensor.dtype}; expected {own.dtype}")
    if tensor.layout is not torch.strided or tensor.is_meta or tensor.is_quantized:
        raise ValueError(f"is stored as {tensor.layout} of {tensor.dtype}; expected plain numbers")
    ready = tensor.to(own.dtype)
    if own.is_floating_point() or own.is_complex():
        wrong = ~ready.isfinite()
        if wrong.any():
            built = own.to(ready.device)
            meant = (ready == built) | (ready.isnan() & built.isnan())
            if not meant[wrong].all():
                count = int((wrong & ~meant).sum())
                kind = "NaN or infinite" if not tensor.isfinite().all() else f"beyond what {own.dtype} holds"
                raise ValueError(f"has {count} of {tensor.numel()} values that are {kind}; expected finite numbers")
    return ready


class Within(TorchFunctionMode):
    """While a module is built from a stored record: its sizes can ask for little more than what was stored with them.

    A damaged size would otherwise ask for any amount of memory or time before a tensor could be found not to fit.

    Args:
        tensors: that the module will be given.
        nodes: N; graphs take some N².
        path: of the record, for messages.

    Raises:
        InputError: more is asked for.

    Example:
        >>> with Within({"weight": torch.zeros(1)}, 5, Path("config.json")):
        ...     layer = nn.Linear(100_000, 100_000)
        Traceback (most recent call last):
        ...
        stlora.errors.InputError: config.json is damaged: its sizes ask for a tensor of [100000, 100000] ...
    """

    def __init__(self, tensors: Mapping[str, Tensor], nodes: int, path: Path) -> None:
        super().__init__()
        self.path = path
        stored = sum(tensor.numel() for tensor in tensors.values())
        self.numbers = 2**26 + 16 * (stored + nodes**2)
        self.calls = 100_000 + 1_000 * len(tensors)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Count, then do it."""
        kwargs = kwargs or {}
        self.calls -= 1
        if func in _MAKERS:
            size = _size(func, args, kwargs)
            self.numbers -= math.prod(size)
            if self.numbers < 0:
                self._refuse(f"a tensor of {list(size)}")
        if self.calls < 0:
            self._refuse("millions of operations")
        return func(*args, **kwargs)

    def _refuse(self, what: str) -> None:
        raise InputError(
            f"{self.path} is damaged: its sizes ask for {what} and the tensors stored with it are far smaller; restore "
            "the file, or make the run again"
        )


_MAKERS = {torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.full, torch.eye, torch.arange}


def _size(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[int]:
    """Of the tensor that such a call makes."""
    if func is torch.arange:
        return [int(max((abs(arg) for arg in args if isinstance(arg, (int, float))), default=0))]
    given = kwargs.get("size", args[0] if func is torch.full or (args and not isinstance(args[0], int)) else args)
    size = [int(each) for each in given]
    return size * 2 if func is torch.eye and len(size) == 1 else size
