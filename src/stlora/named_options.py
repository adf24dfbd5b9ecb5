"""The options of what is made by name: which there are, and what values they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from inspect import signature
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from stlora.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: dict[str, tuple[Any, str]] = {
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
    "bool": (bool, "true or false"),
}


def check_options(name: str, maker: Callable[..., Any], settled: int, options: Mapping[str, Any]) -> None:
    """Refuse options that a class does not have, or values of another kind than it takes.

    Args:
        name: what the class is called by users.
        maker: the class.
        settled: how many of its first parameters are no options.
        options: what was given, by name.

    Raises:
        InputError: an option is unknown, or its value is of the wrong kind.

    Example:
        >>> from stlora.backbones.lstm import LSTM
        >>> check_options("lstm", LSTM, 5, {"hidden_size": "many"})
        Traceback (most recent call last):
        ...
        stlora.errors.InputError: hidden_size of lstm is 'many'; expected a whole number
    """
    own = dict(list(signature(maker).parameters.items())[settled:])
    for option, value in options.items():
        if option not in own:
            raise InputError(f"{name} has no option {option!r}; it has {', '.join(own) or 'none'}")
        check_kind(f"{option} of {name}", value, own[option].annotation)


def check_kind(called: str, value: Any, annotation: Any) -> None:
    """Refuse a value of another kind than an annotation says, if that is a number or a flag.

    Args:
        called: what the value is called in the message.
        value: what was given.
        annotation: as it stands in the code.

    Raises:
        InputError: the value is of another kind.
    """
    kind, expected = _KINDS.get(str(annotation), (object, ""))
    if not isinstance(value, kind) or (isinstance(value, bool) and annotation in ("int", "float")):
        raise InputError(f"{called} is {value!r}; expected {expected}")


@contextmanager
def explained(name: str, options: Mapping[str, Any]) -> Iterator[None]:
    """Make one line of whatever fails when something is built with the options of a user.

    Raises:
        InputError: the body failed, and options were given.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if not options:
            raise
        given = ", ".join(f"{option}={value!r}" for option, value in options.items())
        reason = " ".join(str(error).split())
        raise InputError(f"{name} cannot be made with {given}: {reason}; expected sizes that go together") from error
