"""Backbones of your own, named ``package.module:factory``. To build one is to run its code."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from stlora.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_IMPORTED: set[str] = set()  # the packages that factories came from
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_factory(name: str) -> bool:
    """Whether ``name`` has the form ``package.module:factory``; nothing is imported.

    Example:
        >>> is_factory("my_models.small:build"), is_factory("lstm")
        (True, False)
    """
    return _NAME.fullmatch(name) is not None


def build(
    name: str,
    num_nodes: int,
    adjacency: NDArray[np.float32] | Tensor | None = None,
    history: int = 12,
    horizon: int = 12,
    in_channels: int = 3,
    **options: Any,
) -> nn.Module:
    """Import the module, from the current folder too, and call the factory with what it takes.

    Args:
        name: ``package.module:factory``; a function or a class.
        num_nodes: N.
        adjacency: ``[N, N]`` edge weights, row = from, column = to; the factory gets a float32 tensor.
        history: T.
        horizon: H.
        in_channels: C, the number of history channels that the backbone should read.
        options: whatever else the factory takes.

    Returns:
        The module. ``history``, ``horizon`` and ``in_channels`` are made its attributes where it has none.

    Raises:
        InputError: the code cannot be imported, does not take an option, fails, or makes no module.

    Example:
        >>> build("torch.nn:Linear", num_nodes=5, in_features=3, out_features=1).history
        12
    """
    settings = {"num_nodes": num_nodes, "history": history, "horizon": horizon, "in_channels": in_channels}
    graph = None if adjacency is None else torch.as_tensor(adjacency, dtype=torch.float32)
    factory = _find(name)
    parameters = _parameters(name, factory)
    check_options(name, options)
    takes_all = _takes_all(parameters)
    given = {"adjacency": graph, **settings, **options}
    with _folder_on_path(), _Explained(name):
        module = factory(**{option: value for option, value in given.items() if takes_all or option in parameters})
    if not isinstance(module, nn.Module):
        raise InputError(f"{name} made a {type(module).__name__}; expected a torch.nn.Module")
    for attribute in ("history", "horizon", "in_channels"):
        if not hasattr(module, attribute):
            setattr(module, attribute, settings[attribute])
    return module


def check_options(name: str, options: Collection[str]) -> None:
    """Refuse options that a factory does not take; imports the module.

    Raises:
        InputError: the code cannot be imported, or an option is unknown.
    """
    parameters = _parameters(name, _find(name))
    unknown = [option for option in options if option not in parameters]
    if unknown and not _takes_all(parameters):
        raise InputError(f"{name} has no option {unknown[0]!r}; it takes {', '.join(parameters) or 'none'}")


def takes(name: str, option: str) -> bool:
    """Whether the factory has a parameter of that name; imports the module.

    Raises:
        InputError: the code cannot be imported.
    """
    return option in _parameters(name, _find(name))


def told(error: Exception) -> str:
    """An error in one line: its kind, what it says, and where in a backbone of the user's own it arose, if it did.

    Example:
        >>> told(ValueError("too few"))
        'ValueError: too few'
    """
    place = place_in_own_code(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())}" + (f" ({place})" if place else "")


def place_in_own_code(error: Exception) -> str:
    """The innermost line of a package that a factory came from; empty if the error did not pass one."""
    places = [
        f"{Path(frame.f_code.co_filename).name}, line {line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _IMPORTED
    ]
    return places[-1] if places else ""


def _find(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    with _folder_on_path():
        try:
            with _Explained(name):
                imported = import_module(module)
        except InputError as error:
            lacking = error.__cause__
            if isinstance(lacking, ModuleNotFoundError) and f"{module}.".startswith(f"{lacking.name}."):
                raise InputError(
                    f"there is no module {lacking.name!r}, neither installed nor in {os.getcwd()}; expected "
                    f"package.module:factory and not {name!r}"
                ) from None
            raise
    factory = getattr(imported, attribute, None)
    _IMPORTED.add(module.partition(".")[0])
    if not callable(factory):
        raise InputError(f"{module} has no function or class {attribute!r}; expected package.module:factory")
    found: Callable[..., Any] = factory
    return found


def _parameters(name: str, factory: Callable[..., Any]) -> Mapping[str, Parameter]:
    if getattr(factory, "__init__", None) is nn.Module.__init__:  # says that it takes anything, and refuses it
        return {}
    with _Explained(name):
        return signature(factory).parameters


def _takes_all(parameters: Mapping[str, Parameter]) -> bool:
    return any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())


@contextmanager
def _folder_on_path() -> Iterator[None]:
    """Modules of the folder that the process is in can be imported, inside the block."""
    folder = os.getcwd()
    if folder in sys.path:
        yield
        return
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with suppress(ValueError):  # the code may have changed it
            sys.path.remove(folder)


class _Explained:
    """Makes one line of whatever the user's code raises: what it was and where."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, Exception) or isinstance(error, InputError):
            return
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"{self.name} fails with {type(error).__name__}: {' '.join(str(error).split())} "
            f"({Path(last.filename).name}, line {last.lineno}); expected a package.module:factory that makes a module"
        ) from error
