"""What stands in the files that this library writes: each has one schema, and is checked against it when it is read.

A schema is a dataclass or a ``TypedDict`` whose fields say what may stand in them; msgspec does the checking.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta

from stlora.errors import InputError
from stlora.files import read_json, read_yaml

Size = Annotated[int, Meta(ge=1, le=1_000_000)]  # of sensors, steps, features
Nodes = Annotated[int, Meta(ge=1, le=10_000_000)]
Steps = Annotated[int, Meta(ge=1, le=100_000)]  # of a history or of a forecast
Count = Annotated[int, Meta(ge=0, le=2**53)]
Seed = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Number = Annotated[float, Meta(ge=-1e300, le=1e300)]  # NaN is none
Positive = Annotated[float, Meta(gt=0, le=1e300)]
Amount = Annotated[float, Meta(ge=0, le=1e300)]
Text = Annotated[str, Meta(max_length=100_000)]
Name = Annotated[str, Meta(min_length=1, max_length=10_000)]

STAMP = ("format_version", "stlora_version", "peft_type")
T = TypeVar("T")


def read_record(path: Path, kind: type[T], remedy: str, version: int | None = 1) -> T:
    """Read a file of JSON or YAML that this library wrote.

    Args:
        path: ends in .json or .yaml.
        kind: its schema: a dataclass, which is made; or a ``TypedDict``, whose content is returned as it stands.
        remedy: what the user can do about a damaged file.
        version: of the format; None if the file has none.

    Raises:
        InputError: the file is missing, damaged, of a later format, or not what the schema says.
    """
    content = read_yaml(path) if path.suffix == ".yaml" else read_json(path)
    if version is not None:
        check_version(path, content.get("format_version"), version)
    return record_of(path, content, kind, remedy)


def check_version(path: Path, found: object, expected: int) -> None:
    """Refuse a file of another format.

    Raises:
        InputError: it is.
    """
    if type(found) is not type(expected) or found != expected:
        raise InputError(f"{path} has format_version {_told(found)}; this library reads {expected}; upgrade stlora")


def record_of(path: Path, content: Mapping[str, Any], kind: type[T], remedy: str) -> T:
    """What was read, checked; see :func:`read_record`.

    A dataclass must be there whole, what has a default too: a deleted entry would otherwise change what a run is
    without a word. Entries that it does not know are left out with a warning.

    Raises:
        InputError: it is not what the schema says.

    Example:
        >>> @dataclasses.dataclass
        ... class Sizes:
        ...     num_nodes: Size
        >>> record_of(Path("sizes.json"), {"num_nodes": 5}, Sizes, "write it again")
        Sizes(num_nodes=5)
        >>> record_of(Path("sizes.json"), {"num_nodes": "5"}, Sizes, "write it again")
        Traceback (most recent call last):
        ...
        stlora.errors.InputError: sizes.json is incomplete or damaged (num_nodes is '5': expected int, got str); write
        it again
    """
    made: Any
    try:
        made = msgspec.convert(content, kind)
        if not dataclasses.is_dataclass(kind):
            return content  # type: ignore[return-value]
        made = dataclasses.replace(made)  # msgspec leaves defaults to the class; here they belong to the object
    except (msgspec.ValidationError, InputError) as error:
        raise InputError(f"{path} is incomplete or damaged ({_reason(str(error), content)}); {remedy}") from error
    unknown, missing = _differing(content, made)
    if missing:
        raise InputError(f"{path} is incomplete or damaged (it lacks {', '.join(missing)}); {remedy}")
    if unknown:
        warnings.warn(f"{path}: ignoring unknown entries {', '.join(unknown)}", stacklevel=3)
    result: T = made
    return result


def check_types(options: Any, looked_up: Collection[str] = ()) -> None:
    """Refuse options of another kind than their fields say; lists become tuples, numpy's numbers plain ones.

    Args:
        options: a dataclass; changed in place.
        looked_up: fields whose text is looked up later, where more can be said of an unknown one.

    Raises:
        InputError: a value is of another kind.

    Example:
        >>> @dataclasses.dataclass
        ... class Sizes:
        ...     epochs: int = 1
        >>> check_types(Sizes(epochs="3"))
        Traceback (most recent call last):
        ...
        stlora.errors.InputError: epochs is '3'; expected int, got str
    """
    hints = get_type_hints(type(options))
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        numpy = sys.modules.get("numpy")  # whoever has one of its numbers has imported it
        if numpy is not None and isinstance(value, numpy.generic):
            value = value.item()
        try:
            setattr(options, field.name, msgspec.convert(value, hints[field.name]))
        except msgspec.ValidationError as error:
            parts = [hints[field.name], *get_args(hints[field.name])]
            choices = [choice for part in parts for choice in get_args(part) if isinstance(choice, str)]
            if field.name in looked_up and isinstance(value, str):
                continue
            wanted = f"choose one of {', '.join(choices)}" if choices else _reason(str(error), {})
            raise InputError(f"{field.name} is {_told(value)}; {wanted}") from error


def _reason(message: str, content: object) -> str:
    """What msgspec says, with the field first and what stands in it."""
    said, _, place = message.partition(" - at ")
    said = said.replace("`", "")
    said = said[:1].lower() + said[1:]
    field = place.strip("`").removeprefix("$.")
    if not field or field == "$":
        return said
    return f"{field}{_found(field, content)}: {said}"


def _found(field: str, content: Any) -> str:
    if "[...]" in field:
        return ""  # some entry of a mapping: msgspec does not tell which
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", field):
        try:
            content = content[name] if name else content[int(index)]
        except (KeyError, IndexError, TypeError):
            return ""
    return f" is {_told(content)}"


def _told(value: object) -> str:
    """A value, as long as a line allows."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**20:
        return "an integer of more than 20 digits"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _differing(content: Any, made: Any, place: str = "") -> tuple[list[str], list[str]]:
    """Names that stand in a file and in no field, and those of fields that the file lacks."""
    if not dataclasses.is_dataclass(made) or not isinstance(content, Mapping):
        return [], []
    fields = [field.name for field in dataclasses.fields(made)]
    unknown = [f"{place}{name}" for name in content if name not in fields and (place or name not in STAMP)]
    missing = [f"{place}{name}" for name in fields if name not in content]
    for name in fields:
        inner = _differing(content.get(name), getattr(made, name), f"{place}{name}.")
        unknown, missing = unknown + inner[0], missing + inner[1]
    return unknown, missing
