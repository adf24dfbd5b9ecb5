"""What the parser of the command line refuses, in the words of the library: found, expected, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from stlora.verbs.parser import Verb

_VALUE = re.compile(r'Parser key "(?P<key>\w+)(?:\.[\w.]+)?".*(?:Got|Given) value: (?P<value>.*)', re.DOTALL)
_KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    dict: "options with their values, such as {name: 3}",
    list: "a list, such as [1, 2]",
}


def in_our_words(message: str, words: str, verb: Verb | None, siblings: Iterable[str]) -> str:
    """One line for what the parser says.

    Args:
        message: of the parser.
        words: the command up to its verb, such as ``stlora data check``.
        verb: what they name; None if nothing.
        siblings: the verbs that there are in its place.

    Example:
        >>> in_our_words('expected "verb" to be one of {fit, ...}', "stlora", None, ["fit", "adapt"])
        'a verb is missing; choose one of fit, adapt, and see stlora --help'
        >>> in_our_words("argument VERB: invalid choice: 'fitt' (choose from ...)", "stlora", None, ["fit", "adapt"])
        "there is no 'fitt'; did you mean fit? See stlora --help"
    """
    line = " ".join(message.split())
    if configured := _of_a_configuration(line):
        return configured
    if verb is None:
        return _of_the_verb(line, words, list(siblings))
    options = {field.name: f"--{field.name}" for field in fields(verb.options)}
    options |= {name: name.upper() for name in verb.positional}
    if value := _VALUE.match(message):
        return _of_a_value(value["key"], " ".join(value["value"].split()), verb, options)
    if missing := re.search(r"arguments are required: (.*)", line):
        names = [name.rpartition(".")[2] for name in missing[1].split(", ")]
        needed = ", ".join(options.get(name, name) for name in names)
        return f"{words} needs {needed}; see {words} --help"
    if alone := re.search(r"argument --([\w.]+)[^:]*: expected one argument", line):
        return f"--{alone[1]} has no value; give one, see {words} --help"
    if several := re.search(r"ambiguous option: (--[\w.]+)\S* could match (.*)", line):
        found = [name for name in several[2].split(", ") if not name.endswith("+")]
        return f"{several[1]} may be {' or '.join(found)}; write the one that is meant, see {words} --help"
    if unknown := re.search(r"unrecognized arguments: (\S+)|does not accept option '([\w.]+)'", line):
        return _unknown(unknown[1] or f"--{unknown[2]}", words, options.values())
    return line


def _unknown(given: str, words: str, known: Iterable[str]) -> str:
    what = f"has no option {given}" if given.startswith("-") else f"takes no {given!r} there"
    return f"{words} {what}; {_meant(given, known)}see {words} --help"


def _of_a_configuration(line: str) -> str:
    if absent := re.search(r'Parser key "config": File does not exist: (.*)', line):
        return f"--config names {absent[1]}, and there is no such file; check the path"
    if broken := re.search("Problems parsing config: (.*)", line):
        return f"the file of --config is no YAML: {broken[1]}; expected lines such as epochs: 3"
    if strange := re.search("Unexpected config: (.*)", line):
        return f"the file of --config holds {strange[1]!r}; expected lines such as epochs: 3"
    return ""


def _of_the_verb(line: str, words: str, siblings: list[str]) -> str:
    if several := re.search(r"ambiguous option: (--[\w.]+)\S* could match (.*)", line):
        found = [name for name in several[2].split(", ") if not name.endswith("+")]
        return f"{several[1]} may be {' or '.join(found)}; write the one that is meant, see {words} --help"
    if unknown := re.search(r"unrecognized arguments: (\S+)", line):
        return _unknown(unknown[1], words, ())
    given = re.search(r"invalid choice: '(.*?)'", line)
    if given is None and "to be one of" not in line:
        return line
    all_of_them = f"choose one of {', '.join(siblings)}, and see {words} --help"
    if given is None:
        return f"a verb is missing; {all_of_them}"
    meant = _meant(given[1], siblings)
    return f"there is no {given[1]!r}; " + (f"{meant[:-2]}? See {words} --help" if meant else all_of_them)


def _meant(given: str, known: Iterable[str]) -> str:
    close = get_close_matches(given.partition("=")[0], list(known), n=1, cutoff=0.7)
    return f"did you mean {close[0]}, " if close else ""


def _of_a_value(name: str, value: str, verb: Verb, options: dict[str, str]) -> str:
    hint = get_type_hints(verb.options).get(name)
    return f"{options.get(name, f'--{name}')} is {value!r}; {_expected(hint)}"


def _expected(hint: Any) -> str:
    """What may stand there, from the annotation of the field."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    if get_origin(hint) is Literal:
        return f"choose one of {', '.join(map(str, get_args(hint)))}"
    if get_origin(hint) is tuple:
        return f"expected {'' if ... in kinds else f'{len(kinds)} '}numbers in brackets, with commas between them"
    if hint in _KINDS or get_origin(hint) in _KINDS:
        return f"expected {_KINDS[hint if hint in _KINDS else get_origin(hint)]}"
    return _expected(kinds[0]) if kinds else "expected another value"
