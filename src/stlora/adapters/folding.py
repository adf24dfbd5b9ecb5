"""Folded inference: what follows from the weights alone is computed once instead of at every call."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from stlora.errors import InputError

Products = TypeVar("Products")
AnyModule = TypeVar("AnyModule", bound=nn.Module)


class _Origin(NamedTuple):
    """A parameter as it was when products were made of it.

    Its memory is held, so that no other tensor comes to lie at the same address.
    """

    parameter: nn.Parameter
    version: int
    memory: Tensor

    @classmethod
    def of(cls, parameter: nn.Parameter) -> _Origin:
        return cls(parameter, parameter._version, parameter.detach())

    def is_still(self, now: nn.Parameter) -> bool:
        """Whether nothing was written to it, and neither it nor its memory was replaced."""
        return now is self.parameter and now._version == self.version and now.data_ptr() == self.memory.data_ptr()


class Foldable(nn.Module, Generic[Products]):
    """A layer that can keep products of its weights while it is used for inference.

    They are an attribute and no buffer, so they are in no ``state_dict``; see :func:`fold` for when they are used and
    dropped. A subclass says what they are, in ``_to_fold``, and asks for them, by ``_folded_products``.
    """

    _folded: tuple[Products, list[_Origin], tuple[float, ...]] | None = None

    def _to_fold(self) -> Products:
        raise NotImplementedError

    def _numbers(self) -> tuple[float, ...]:
        """What the products are made of besides parameters, and may be changed."""
        return ()

    def fold(self) -> None:
        """Compute the products of the weights as they are now; none of weights whose changes cannot be seen.

        Raises:
            InputError: the layer is in training mode.
        """
        if self.training:
            raise InputError("the layer is in training mode; only a model in inference is folded: call eval() first")
        self.unfold()
        if any(each.is_inference() for each in self.parameters()):
            return
        with torch.no_grad():
            products = self._to_fold()
        self._folded = products, [_Origin.of(each) for each in self.parameters()], self._numbers()

    def unfold(self) -> None:
        """Forget the products."""
        self._folded = None

    def _folded_products(self) -> Products | None:
        """The products, if they are to be used: without gradients, uncompiled, and of the weights as they are."""
        if self._folded is None or torch.compiler.is_compiling():
            return None
        products, origins, numbers = self._folded
        same = map(_Origin.is_still, origins, self.parameters())
        if torch.is_grad_enabled() or numbers != self._numbers() or not all(same):
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
    replaced or ``alpha`` was set. Two changes are not seen, so call :func:`unfold` before them: one that is written
    through ``weight.data``, and the step of an optimizer with ``fused=True`` along gradients that are older than the
    folding.

    Args:
        module: any module in ``eval()`` mode; one without such layers stays as it is, and so does a layer that was
            made under ``torch.inference_mode``, where changes of its weights are not counted.

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
