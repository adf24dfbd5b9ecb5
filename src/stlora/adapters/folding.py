"""Folded inference: what follows from the weights alone is computed once instead of at every call."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import torch
from torch import nn

from stlora.errors import InputError

Products = TypeVar("Products")
AnyModule = TypeVar("AnyModule", bound=nn.Module)


class Foldable(nn.Module, Generic[Products]):
    """A layer that can keep products of its weights while it is used for inference.

    They are an attribute and no buffer, so they are in no ``state_dict``; see :func:`fold` for when they are used and
    dropped. A subclass says what they are, in ``_to_fold``, and asks for them, by ``_folded_products``.
    """

    _folded: tuple[Products, list[tuple[nn.Parameter, int]]] | None = None

    def _to_fold(self) -> Products:
        raise NotImplementedError

    def fold(self) -> None:
        """Compute the products of the weights as they are now.

        Raises:
            InputError: the layer is in training mode.
        """
        if self.training:
            raise InputError("the layer is in training mode; only a model in inference is folded: call eval() first")
        with torch.no_grad():
            products = self._to_fold()
        self._folded = products, [(each, each._version) for each in self.parameters()]

    def unfold(self) -> None:
        """Forget the products."""
        self._folded = None

    def _folded_products(self) -> Products | None:
        """The products, if they are to be used: without gradients, uncompiled, and of the weights as they are."""
        if self._folded is None or torch.compiler.is_compiling():
            return None
        products, made_from = self._folded
        now = self.parameters()
        if torch.is_grad_enabled() or not all(
            new is old and new._version == version for new, (old, version) in zip(now, made_from, strict=True)
        ):
            self.unfold()  # for good: an optimizer's fused step, which no version counts, comes after gradients
            return None
        return products

    def train(self, mode: bool = True) -> Foldable[Products]:
        """Set the mode; a layer that is trained is not folded."""
        if mode:
            self.unfold()
        return super().train(mode)

    def _apply(self, *arguments: Any, **options: Any) -> Foldable[Products]:
        self.unfold()  # the weights move, or become of another type
        super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_folded": None}  # neither copied nor saved


def fold(module: AnyModule) -> AnyModule:
    """Fold every node-adaptive layer of a module that is used for inference.

    Answers are the same but for rounding. What is folded serves calls without gradients (``torch.no_grad``,
    ``torch.inference_mode``) that are not compiled or exported, and is in no ``state_dict``, copy or file. It is
    dropped by ``train()``, by ``to()``, by a call with gradients, and by the first call after a weight was changed or
    replaced. A change through ``weight.data`` is not seen: call :func:`unfold` first.

    Args:
        module: any module in ``eval()`` mode; one without such layers stays as it is.

    Returns:
        The module itself.

    Raises:
        InputError: a layer is in training mode.

    Example:
        >>> from stlora import NodeAdaptiveLowRankLayer
        >>> from stlora.adapters import fold
        >>> layer = fold(NodeAdaptiveLowRankLayer(num_nodes=7, in_features=16, out_features=12).eval())
        >>> with torch.inference_mode():
        ...     layer(torch.zeros(2, 7, 16)).shape
        torch.Size([2, 7, 12])
    """
    for layer in _layers(module):
        layer.fold()
    return module


def unfold(module: AnyModule) -> AnyModule:
    """Forget what :func:`fold` made.

    Returns:
        The module itself.
    """
    for layer in _layers(module):
        layer.unfold()
    return module


def _layers(module: nn.Module) -> list[Foldable[Any]]:
    return [layer for layer in module.modules() if isinstance(layer, Foldable)]
