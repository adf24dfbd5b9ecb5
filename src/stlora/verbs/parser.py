"""From the dataclass of a verb's options to its part of the command line."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from itertools import takewhile
from typing import Any, NamedTuple

from jsonargparse import ArgumentParser


class Verb(NamedTuple):
    """A verb of the command line.

    Attributes:
        options: the dataclass of its options.
        run: what it does.
        positional: the fields given without a name, in order.
        trains: whether it takes a configuration file.
        flags: the fields that are true when their name alone is given.
        about: a line for the list of verbs; the first of the options' docstring if empty.
    """

    options: type
    run: Callable[[Any], None]
    positional: tuple[str, ...] = ()
    trains: bool = False
    flags: tuple[str, ...] = ()
    about: str = ""


def verb_parser(verb: Verb) -> ArgumentParser:
    """The options of a verb."""
    parser = ArgumentParser(exit_on_error=False, description=verb.about or first_line(verb.options))
    for name in verb.positional:
        parser.add_argument(name, type=str)
    if verb.trains:
        parser.add_argument("--config", action="config", help="A YAML file with any of the options below.")
    parser.add_class_arguments(verb.options, as_group=False, skip={*verb.positional, *verb.flags})
    for name in verb.flags:
        parser.add_argument(f"--{name}", action="store_true", help=field_help(verb.options, name))
    return parser


def field_help(options: type, name: str) -> str:
    """What the docstring says of a field.

    Example:
        >>> field_help(Verb, "trains")
        'whether it takes a configuration file.'
    """
    lines = iter(cleandoc(options.__doc__ or "").splitlines())
    found = next((line for line in lines if line.startswith(f"    {name}: ")), "")
    more = takewhile(lambda line: line.startswith(" " * 8), lines)
    return " ".join(line.strip() for line in (found, *more)).removeprefix(f"{name}: ")


def first_line(options: type) -> str:
    """What a verb is for."""
    return (options.__doc__ or "").partition("\n")[0]
